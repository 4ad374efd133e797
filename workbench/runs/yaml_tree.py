"""What was written in a file, as a tree that remembers where everything stood, and mistakes in it. Pure.

Scalars stay the text they were written as: what a field means by `3e-4`, `1.10` or `on` is decided
by the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where a value was written: a line and column from 1, or the words of a command line."""

    line: int = 0
    column: int = 0
    words: str = ""
    """Such as `--set inputs.lr=3e-4`; empty for a file."""


@dataclass(frozen=True)
class Scalar:
    """One plain or quoted value, as text."""

    place: Place
    text: str
    plain: bool = True
    """Not quoted: may be read as a number, boolean or null."""
    size: int = 1

    @property
    def null(self) -> bool:
        """Whether nothing was written here."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    size: int = 1


@dataclass(frozen=True)
class Mapping:
    """Pairs in the order written; keys are unique."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...]
    size: int = 1

    def get(self, key: str) -> Node | None:
        """The value of key, None when it is not there."""
        return next((value for name, value in self.entries if name.text == key), None)


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True)
class Problem:
    """One mistake, in words."""

    place: Place
    field: str
    """Dotted path such as resources.gpus; empty for the file as a whole."""
    message: str

    def to_wire(self) -> dict[str, Any]:
        """As a plain mapping: line and column, or set; field; message."""
        place = self.place
        where: dict[str, Any] = {"line": place.line, "column": place.column}
        if place.words:
            where = {"set": place.words}
        return {**where, "field": self.field, "message": self.message}


class Broken(Exception):
    """The text is no YAML that can be read on; holds the one problem that says why."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, "", message)
