"""What stands on a screen: rows of a log cut into lines, from a place down or up from the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from workbench.text.log_rows import Row, Rows


class Place(NamedTuple):
    """A line on a screen: which row begins at start, and which of its lines (more than one when wrapped)."""

    start: int = 0
    part: int = 0


class Line(NamedTuple):
    """A line on a screen: a part of a row."""

    row: Row
    part: int = 0


class Window(NamedTuple):
    """Lines that stand together, as many as fit or as there are."""

    lines: tuple[Line, ...] = ()
    at_end: bool = True
    """Whether the last line of the log is among them."""

    @property
    def at_start(self) -> bool:
        """Whether the first line of the log is among them."""
        return self.top == Place()

    @property
    def top(self) -> Place:
        """The first line's place."""
        return Place(self.lines[0].row.start, self.lines[0].part) if self.lines else Place()


Height = Callable[[Row], Awaitable[int]]
"""How many lines a row takes, at least one."""


class Walker:
    """Windows on a log's rows."""

    def __init__(self, rows: Rows, height: Height) -> None:
        self._rows = rows
        self._height = height

    async def down_from(self, top: Place, room: int) -> Window:
        """The window that begins at top; earlier when the log ends before it is full."""
        lines: list[Line] = []
        row = await self._rows.at(top.start)
        part = top.part
        while row is not None and len(lines) < room:
            height = await self._height(row)
            part = min(part, height - 1) if not lines else 0
            lines += [Line(row, index) for index in range(part, height)]
            row = await self._rows.at(row.stop)
        if row is None and len(lines) < room:
            return await self.last(room)
        return Window(tuple(lines[:room]), row is None and len(lines) <= room)

    async def last(self, room: int) -> Window:
        """The window that ends with the log."""
        lines: list[Line] = []
        row = await self._rows.before(self._rows.size)
        while row is not None and len(lines) < room:
            height = await self._height(row)
            lines[:0] = [Line(row, index) for index in range(height)]
            row = await self._rows.before(row.start)
        return Window(tuple(lines[-room:]) if room > 0 else ())

    async def moved(self, place: Place, by: int) -> Place:
        """The place so many lines below, above when negative; the first or the last line at most."""
        row = await self._rows.at(place.start)
        if row is None:
            row = await self._rows.before(self._rows.size)
            if row is None:
                return Place()
        part = min(place.part, await self._height(row) - 1) + by
        while part < 0:
            above = await self._rows.before(row.start)
            if above is None:
                return Place(row.start)
            row = above
            part += await self._height(row)
        while part >= (height := await self._height(row)):
            below = await self._rows.at(row.stop)
            if below is None:
                return Place(row.start, height - 1)
            row = below
            part -= height
        return Place(row.start, part)
