"""A grid of dots drawn with braille: two by four dots a character, one colour a character."""

from __future__ import annotations

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """Dots over `columns` x `rows` characters; (0, 0) is the top left dot. What lies outside is not drawn.

    In ASCII mode a character is one dot, so that `across` and `down` are 1.
    """

    def __init__(self, columns: int, rows: int, *, ascii_only: bool = False) -> None:
        self.across = 1 if ascii_only else 2
        self.down = 1 if ascii_only else 4
        self.columns, self.rows = columns, rows
        self._ascii = ascii_only
        self._dots = [[0] * columns for _ in range(rows)]
        self._owner: list[list[int]] = [[-1] * columns for _ in range(rows)]

    @property
    def width(self) -> int:
        """Dots from left to right."""
        return self.columns * self.across

    @property
    def height(self) -> int:
        """Dots from top to bottom."""
        return self.rows * self.down

    def dot(self, x: int, y: int, owner: int) -> None:
        """Set one dot; its character takes the owner's colour."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        row, column = y // self.down, x // self.across
        self._dots[row][column] |= 1 if self._ascii else _BITS[y % 4][x % 2]
        self._owner[row][column] = owner

    def column(self, x: int, top: int, bottom: int, owner: int) -> None:
        """Set the dots of one column from top to bottom, both included, in either order."""
        if top > bottom:
            top, bottom = bottom, top
        for y in range(max(0, top), min(self.height - 1, bottom) + 1):
            self.dot(x, y, owner)

    def line(self, x0: int, y0: int, x1: int, y1: int, owner: int) -> None:
        """Set the dots from one to another, without gaps; x0 must not be right of x1."""
        if x1 == x0:
            self.column(x0, y0, y1, owner)
            return
        slope = (y1 - y0) / (x1 - x0)
        before = y0
        for x in range(max(x0, 0), min(x1, self.width - 1) + 1):
            here = round(y0 + slope * (x - x0))
            # A steep line moves several dots a column; half of the way belongs to each of the two columns.
            middle = (before + here) // 2 if x > x0 else here
            self.column(x, middle if abs(here - before) > 1 else here, here, owner)
            if x > x0 and abs(here - before) > 1:
                self.column(x - 1, before, middle, owner)
            before = here

    def cells(self, row: int, marks: str) -> list[tuple[str, int]]:
        """The characters of one row with their owner, -1 where nothing is; marks draw owners in ASCII."""
        out = []
        for bits, owner in zip(self._dots[row], self._owner[row], strict=True):
            if not bits:
                out.append((" ", -1))
            elif self._ascii:
                out.append((marks[owner % len(marks)], owner))
            else:
                out.append((chr(0x2800 + bits), owner))
        return out
