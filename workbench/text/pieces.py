"""Lines of text whose parts know what they stand for, not which colour that is: faces paint them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.text.cells import width

BRIGHT, DIM, BEHIND = range(3)
"""How much a series stands out: as itself, as another than the one looked at, as the ground of one."""

NO_SERIES: Final = -1


class Piece(NamedTuple):
    """A text with one look: that of a role (axis, grid, title, dim ...), or that of a series."""

    text: str
    role: str = ""
    series: int = NO_SERIES
    """Which series' colour it has; NO_SERIES: the role's."""
    stress: int = BRIGHT


Line = list[Piece]


def cells(line: Sequence[Piece]) -> int:
    """How many cells a line fills."""
    return sum(width(piece.text) for piece in line)


def plain(line: Sequence[Piece]) -> str:
    """A line without its looks."""
    return "".join(piece.text for piece in line)
