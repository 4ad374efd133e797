"""A filter of runs as a tree: what `filter_parse` makes of a text, `filter_format` writes and the store asks.

Its logic has three values. What a run lacks (a metric it never logged, a param it has not, an end it has not
come to) is neither more nor less nor other than anything, and NOT leaves it so: only `IS NULL` finds it. The
same holds of a metric's nan, but that `= nan` finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

INVERSE = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "LIKE": "NOT LIKE",
    "NOT LIKE": "LIKE",
    "ILIKE": "NOT ILIKE",
    "NOT ILIKE": "ILIKE",
    "~": "!~",
    "!~": "~",
}
"""Each comparison and what NOT makes of it."""
ORDERED = frozenset({"<", "<=", ">", ">="})
"""Comparisons that only numbers, durations and times have."""
NUMERIC = ORDERED | {"=", "!="}
"""Comparisons that numbers have."""
FIGURES = ("last", "min", "max", "best")
"""What is compared of a metric."""


class Kind(StrEnum):
    """Whose name a field is."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    PROPERTY = "properties"
    ATTRIBUTE = "attributes"
    ANY = ""
    """A bare name: the run's metric of that name, else its param, else its tag."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared; figure is one of FIGURES, of metrics and of bare names that may be metrics."""

    kind: Kind
    name: str
    figure: str = "last"

    @property
    def whole(self) -> str:
        """The name as a param or tag would have it: what a bare name has behind its dot is part of it."""
        return self.name if self.figure == "last" else f"{self.name}.{self.figure}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field beside values, as they were written; several: one of them (=), or none of them (!=)."""

    field: Field
    operator: str
    """A key of INVERSE."""
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a run has a field at all."""

    field: Field
    there: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A text that stands, or does not, in a run's id, name, description or command."""

    text: str
    there: bool = True


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none: everything."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them at least."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What its part does not fit, as far as that is known."""

    part: Filter


Leaf = Comparison | Presence | Words
Filter = Leaf | And | Or | Not
EVERYTHING = And(())


def positive(tree: Filter, *, negated: bool = False) -> Filter:
    """The same filter without Not: it went into the leaves. Nested Ands and Ors of one kind become one."""
    if isinstance(tree, Not):
        return positive(tree.part, negated=not negated)
    if isinstance(tree, And | Or):
        kind = And if isinstance(tree, And) is not negated else Or
        parts: list[Filter] = []
        for part in tree.parts:
            plain = positive(part, negated=negated)
            parts += plain.parts if isinstance(plain, kind) else [plain]
        return parts[0] if len(parts) == 1 else kind(tuple(parts))
    return _opposite(tree) if negated else tree


def _opposite(leaf: Leaf) -> Leaf:
    if isinstance(leaf, Comparison):
        return replace(leaf, operator=INVERSE[leaf.operator])
    return replace(leaf, there=not leaf.there)


def leaves(tree: Filter) -> Iterator[Leaf]:
    """Every leaf, from left to right."""
    if isinstance(tree, Not):
        yield from leaves(tree.part)
    elif isinstance(tree, And | Or):
        for part in tree.parts:
            yield from leaves(part)
    else:
        yield tree


def conjuncts(tree: Filter) -> tuple[Filter, ...]:
    """What all has to hold, of a tree that `positive` made."""
    return tree.parts if isinstance(tree, And) else (tree,)


def mentions(tree: Filter, attribute: str) -> bool:
    """Whether an attribute of runs is asked about anywhere."""
    wanted = Field(Kind.ATTRIBUTE, attribute)
    return any(not isinstance(leaf, Words) and leaf.field == wanted for leaf in leaves(tree))


def fixed(tree: Filter, attribute: str) -> bool:
    """Whether all that fits has one and the same value of an attribute."""
    wanted = Field(Kind.ATTRIBUTE, attribute)
    return any(
        isinstance(part, Comparison)
        and part.field == wanted
        and part.operator == "="
        and len(part.values) == 1
        for part in conjuncts(positive(tree))
    )
