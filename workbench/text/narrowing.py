"""What one types after `/` where rows have figures: `util<5 & held`, `state=lost`, `!dgx`, words. Pure.

Terms stand side by side or with `&` between them, and all of them have to hold. A term is a figure with a
comparison, a flag, KEY=VALUE[,VALUE], or a word that stands in what the row says; `!` before it means not. A
figure that is not known fits no comparison.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

_COMPARISON = re.compile(r"([a-z_]+)(<=|>=|<|>|=)(.*)", re.ASCII)
_SPACED = re.compile(r"\s*(<=|>=|<|>|=)\s*")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?:%|w|c)?", re.ASCII)


class Terms(NamedTuple):
    """What rows may be asked for."""

    figures: Collection[str] = ()
    flags: Collection[str] = ()
    keys: Collection[str] = ()


class Term(NamedTuple):
    """One thing that has to hold."""

    name: str
    """A figure, a flag, a key; empty for a word."""
    sign: str = ""
    """How a figure is compared; = for a key, empty for flags and words."""
    number: float = 0.0
    words: tuple[str, ...] = ()
    """The values of a key, of which one has to be; or the one word."""
    negated: bool = False

    def holds(self, figures: Mapping[str, float | None], flags: Collection[str], said: str = "") -> bool:
        """Whether it holds of a row, or part of a row, with these figures and flags, that says this."""
        return self._holds(figures, flags, said) is not self.negated

    def _holds(self, figures: Mapping[str, float | None], flags: Collection[str], said: str) -> bool:
        if not self.name:
            return self.words[0] in said
        if not self.sign:
            return self.name in flags
        if self.words:
            return False
        value = figures.get(self.name)
        if value is None:
            return self.negated  # not known is neither more nor less
        return _compared(round(value, 6), self.sign, self.number)


def _compared(value: float, sign: str, other: float) -> bool:
    if sign == "=":
        return round(value) == other if other == int(other) else value == other
    if sign in ("<", "<="):
        return value < other or (sign == "<=" and value == other)
    return value > other or (sign == ">=" and value == other)


def parse(text: str, known: Terms) -> list[Term]:
    """The terms of a text; what is half typed (`util<`) is left out. Raises ValueError with a sentence."""
    terms = []
    for word in _SPACED.sub(r"\1", text.lower().replace("&", " ")).split():
        negated = word.startswith("!")
        found = _term(word.removeprefix("!"), known)
        if found is not None:
            terms.append(found._replace(negated=negated))
    return terms


def _term(word: str, known: Terms) -> Term | None:
    if not word:
        return None
    if word in known.flags:
        return Term(word)
    match = _COMPARISON.fullmatch(word)
    if match is None:
        return Term("", words=(word,))
    name, sign, value = match[1], match[2], match[3]
    if name in known.keys and sign == "=":
        return Term(name, "=", words=tuple(value.split(","))) if value else None
    if name not in known.figures:
        offered = ", ".join([*known.figures, *(f"{key}=" for key in known.keys), *known.flags])
        raise ValueError(f"there is no {name} to compare; there are {offered}")
    if not value:
        return None
    number = _NUMBER.fullmatch(value)
    if number is None:
        raise ValueError(f"{name} is compared with a number, not with {value}")
    return Term(name, sign, float(number[1]))
