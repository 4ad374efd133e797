"""A grid of dots drawn with characters, one colour a character: braille, half blocks, or plain ASCII."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

Dots = Literal["braille", "blocks", "ascii"]
"""What dots are made of: 2 x 4, 1 x 2 or one dot a character."""

NOTHING: Final = -1
"""The owner of a character without a dot."""


class _Shape(NamedTuple):
    """Dots of one character: how many across, how many down, and each one's bit."""

    across: int
    down: int
    bits: tuple[tuple[int, ...], ...]
    """By column, top to bottom."""


_SHAPES: Final = {
    "braille": _Shape(2, 4, ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))),
    "blocks": _Shape(1, 2, ((1, 2),)),
    "ascii": _Shape(1, 1, ((1,),)),
}
_BLOCKS: Final = " ▀▄█"


class Canvas:
    """Dots over `columns` x `rows` characters; (0, 0) is the top left dot. What lies outside is not drawn.

    An owner is any number from 0 on; the last one to touch a character has it, with all dots in it that were
    set since the last `settle`.
    """

    def __init__(self, columns: int, rows: int, dots: Dots = "braille") -> None:
        shape = _SHAPES[dots]
        self.across, self.down = shape.across, shape.down
        self.columns, self.rows = columns, rows
        self._kind = dots
        # The bits of a character from one of its dots down to its lowest, and from its highest down to one.
        self._below = [[sum(bits[at:]) for at in range(shape.down)] for bits in shape.bits]
        self._above = [[sum(bits[: at + 1]) for at in range(shape.down)] for bits in shape.bits]
        self._dots = bytearray(columns * rows)
        self._owner = array("i", [NOTHING]) * (columns * rows)
        self._ground: tuple[bytearray, array[int]] | None = None

    @property
    def width(self) -> int:
        """Dots from left to right."""
        return self.columns * self.across

    @property
    def height(self) -> int:
        """Dots from top to bottom."""
        return self.rows * self.down

    def settle(self) -> None:
        """Make what was drawn so far the ground: its characters give way whole to those drawn over them."""
        self._ground = self._seen()
        self._dots = bytearray(len(self._dots))
        self._owner = array("i", [NOTHING]) * len(self._owner)

    def _seen(self) -> tuple[bytearray, array[int]]:
        """All dots and owners with the ground where nothing is over it."""
        if self._ground is None:
            return self._dots, self._owner
        dots, owner = self._ground[0][:], self._ground[1][:]
        for at, bits in enumerate(self._dots):
            if bits:
                dots[at], owner[at] = bits, self._owner[at]
        return dots, owner

    def dot(self, x: int, y: int, owner: int) -> None:
        """Set one dot; its character takes the owner's colour."""
        self.column(x, y, y, owner)

    def column(self, x: int, top: int, bottom: int, owner: int) -> None:
        """Set the dots of one column from top to bottom, both included, in either order."""
        if top > bottom:
            top, bottom = bottom, top
        if bottom < 0 or top >= self.height or not 0 <= x < self.width:
            return
        top, bottom = max(top, 0), min(bottom, self.height - 1)
        cell, column = divmod(x, self.across)
        first, high = divmod(top, self.down)
        last, low = divmod(bottom, self.down)
        below, above = self._below[column], self._above[column]
        begin = first * self.columns + cell
        self._owner[begin] = owner
        if first == last:
            self._dots[begin] |= below[high] & above[low]
            return
        self._dots[begin] |= below[high]
        end = last * self.columns + cell
        for at in range(begin + self.columns, end, self.columns):
            self._dots[at] |= below[0]
            self._owner[at] = owner
        self._dots[end] |= above[low]
        self._owner[end] = owner

    def line(self, x0: int, y0: int, x1: int, y1: int, owner: int) -> None:
        """Set the dots from one to another, without gaps; x0 must not be right of x1."""
        if x1 == x0:
            self.column(x0, y0, y1, owner)
            return
        slope = (y1 - y0) / (x1 - x0)
        begin = max(x0, 0)
        before = round(y0 + slope * (begin - 1 - x0)) if begin > x0 else y0
        for x in range(begin, min(x1, self.width - 1) + 1):
            here = round(y0 + slope * (x - x0))
            # A steep line moves several dots a column; half of the way belongs to each of the two columns.
            steep = x > x0 and abs(here - before) > 1
            middle = (before + here) // 2 if steep else here
            self.column(x, middle, here, owner)
            if steep:
                self.column(x - 1, before, middle, owner)
            before = here

    def lines(self, mark: Callable[[int], str]) -> list[tuple[list[str], list[int]]]:
        """Each row's characters, a space where nothing is, and their owners, NOTHING there.

        mark: what draws an owner in ASCII.
        """
        dots, owners = self._seen()
        found = []
        for start in range(0, self.columns * self.rows, self.columns):
            row, owner = dots[start : start + self.columns], owners[start : start + self.columns].tolist()
            if self._kind == "braille":
                characters = [chr(0x2800 + bits) if bits else " " for bits in row]
            elif self._kind == "blocks":
                characters = [_BLOCKS[bits] for bits in row]
            else:
                characters = [mark(one) if bits else " " for bits, one in zip(row, owner, strict=True)]
            found.append((characters, owner))
        return found
