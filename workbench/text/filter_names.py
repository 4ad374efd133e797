"""Names in a filter: whose they are, and how one is written so that it is read as the same."""

from __future__ import annotations

import re

from workbench.text.filter_fields import ATTRIBUTES, BY_NAME, NOT_HERE, PREFIXES, split_figure
from workbench.text.filter_problem import FilterProblem, did_you_mean
from workbench.text.filter_tree import FIGURES, Field, Kind

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:+-]*", re.ASCII)
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "NULL"})
_OF_METRICS = (Kind.METRIC, Kind.ANY)


def resolve(word: str, start: int) -> Field:
    """The field that a word without quotes names; start is where it stands. Raises FilterProblem."""
    head, dot, rest = word.partition(".")
    kind = PREFIXES.get(head.lower()) if dot and rest else None
    if kind is Kind.ATTRIBUTE:
        if head.lower() == "run" and rest.lower() not in BY_NAME and rest.lower() not in NOT_HERE:
            return Field(Kind.ANY, *split_figure(word))
        return attribute(rest, start + len(head) + 1)
    if kind is Kind.METRIC:
        return Field(kind, *split_figure(rest))
    if kind is not None:
        return Field(kind, rest)
    if dot and not rest and head.lower() in PREFIXES:
        raise FilterProblem(f"a name is missing behind {word}", start, start + len(word), unfinished=True)
    if word.lower() in BY_NAME or word.lower() in NOT_HERE:
        return attribute(word, start)
    return Field(Kind.ANY, *split_figure(word))


def known(word: str) -> bool:
    """Whether a word without quotes can hardly be anything but the name of a field."""
    head, dot, rest = word.partition(".")
    return word.lower() in BY_NAME or bool(dot and rest and PREFIXES.get(head.lower()))


def quoted(prefix: str, name: str, figure: str, start: int) -> Field:
    """The field of a name in quotes, behind `prefix.` or nothing, with `.figure` behind it or nothing."""
    kind = PREFIXES.get(prefix.lower()) if prefix else Kind.ANY
    if kind is None:
        offered = ", ".join(f"{kind}." for kind in Kind if kind)
        raise FilterProblem(f"{prefix}. is not the beginning of a name", start, start + len(prefix), offered)
    if kind is Kind.ATTRIBUTE:
        return attribute(name, start + len(prefix) + 2)
    if figure and (figure.lower() not in FIGURES or kind not in _OF_METRICS):
        raise FilterProblem(f".{figure} is nothing to compare", start, start + len(name), ", ".join(FIGURES))
    return Field(kind, name, figure.lower() or "last")


def attribute(name: str, start: int) -> Field:
    """The attribute of that name. Raises FilterProblem, with the nearest name there is."""
    known = BY_NAME.get(name.lower())
    if known is None:
        why = NOT_HERE.get(name.lower())
        hint = did_you_mean(name, BY_NAME) or "there are " + ", ".join(item.name for item in ATTRIBUTES)
        raise FilterProblem(
            f"runs have no attribute {name}", start, start + len(name), why or hint, unfinished=why is None
        )
    return Field(Kind.ATTRIBUTE, known.name)


def written(field: Field) -> str:
    """The field as one types it."""
    if field.kind is Kind.ATTRIBUTE:
        return field.name
    prefix = f"{field.kind}." if field.kind else ""
    figure = "" if field.figure == "last" else f".{field.figure}"
    return f"{prefix}{_name(field)}{figure}"


def _name(field: Field) -> str:
    name = field.name
    plain = _PLAIN.fullmatch(name) is not None and not name.endswith(".")
    if field.kind in _OF_METRICS:
        plain = plain and split_figure(name) == (name, "last")
    if field.kind is Kind.ANY and plain:
        head = name.partition(".")[0].lower()
        taken = name.lower() in BY_NAME or name.lower() in NOT_HERE or name.upper() in _KEYWORDS
        plain = not taken and ("." not in name or head not in PREFIXES)
    return name if plain else "`" + name.replace("`", "``") + "`"
