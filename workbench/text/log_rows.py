"""Where the rows of a log begin: a newline ends one, so does the edge of a gap, and no row is endless.

A row is found by looking at a few blocks around a place, never at the whole, and walking up finds the same
rows as walking down. A line without an end is broken at the end of every block that holds no newline. Blocks
of a progress bar (with carriage returns) are broken more rarely, so that a long bar stays one row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

BLOCK = 1 << 16
BAR = 1 << 20


class Row(NamedTuple):
    """Bytes start to stop of a log, its newline among them; or a stretch that was not kept."""

    start: int
    stop: int
    gap: bool = False


class Stretch(NamedTuple):
    """Bytes start to stop: all kept, or none."""

    start: int
    stop: int
    gap: bool


def stretches(size: int, gaps: Sequence[tuple[int, int]]) -> list[Stretch]:
    """A log of that size, cut where gaps begin and end."""
    found: list[Stretch] = []
    at = 0
    for start, stop in gaps:
        start, stop = max(start, at), min(stop, size)
        if start >= stop:
            continue
        if start > at:
            found.append(Stretch(at, start, False))
        found.append(Stretch(start, stop, True))
        at = stop
    if at < size:
        found.append(Stretch(at, size, False))
    return found


Read = Callable[[int, int], Awaitable[bytes]]
"""Bytes start to stop, which lie in one block and one stretch; all of them."""


class Rows:
    """The rows of a log of a size. block and bar are there for tests; bar is a multiple of block."""

    def __init__(
        self, read: Read, size: int, gaps: Sequence[tuple[int, int]] = (), block: int = BLOCK, bar: int = BAR
    ) -> None:
        self._read = read
        self.size = size
        self._stretches = stretches(size, gaps)
        self._starts = [stretch.start for stretch in self._stretches]
        self._block = block
        self._bar = bar

    def stretch(self, offset: int) -> Stretch:
        """The stretch that holds offset, which is below size."""
        return self._stretches[bisect_right(self._starts, offset) - 1]

    async def at(self, offset: int) -> Row | None:
        """The row that holds offset; None for the end and beyond."""
        if not 0 <= offset < self.size:
            return None
        stretch = self.stretch(offset)
        if stretch.gap:
            return Row(*stretch)
        start = await self._start(offset, stretch)
        return Row(start, await self._stop(start, stretch))

    async def before(self, row_start: int) -> Row | None:
        """The row above the one that begins at row_start; None at the top."""
        return await self.at(row_start - 1)

    async def _start(self, offset: int, stretch: Stretch) -> int:
        """The last place up to offset where a row begins."""
        end = offset
        while True:
            low = max(end // self._block * self._block, stretch.start)
            data = await self._in(low, stretch)
            newline = data.rfind(b"\n", 0, end - low)
            if newline >= 0:
                return low + newline + 1
            if low == stretch.start or await self._breaks(low, stretch):
                return low
            if (await self._in(low - 1, stretch)).endswith(b"\n"):
                return low
            end = low - 1

    async def _stop(self, start: int, stretch: Stretch) -> int:
        """The first place after start where a row begins, or the end."""
        low = start
        while True:
            first = max(low // self._block * self._block, stretch.start)
            data = await self._in(low, stretch)
            newline = data.find(b"\n", low - first)
            if newline >= 0:
                return first + newline + 1
            end = first + len(data)
            if end >= stretch.stop or await self._breaks(end, stretch):
                return end
            low = end

    async def _in(self, offset: int, stretch: Stretch) -> bytes:
        """All bytes of the block that holds offset that are of the stretch."""
        low = offset // self._block * self._block
        return await self._read(max(low, stretch.start), min(low + self._block, stretch.stop))

    async def _breaks(self, place: int, stretch: Stretch) -> bool:
        """Whether a line that has no end is broken at place, which is the end of a block in the stretch."""
        if place - self._block < stretch.start:
            return False
        data = await self._in(place - 1, stretch)
        if b"\n" in data:
            return False
        if b"\r" not in data:
            return True
        if place % self._bar or place - self._bar < stretch.start:
            return False
        for low in range(place - self._bar, place - self._block, self._block):
            if b"\n" in await self._in(low, stretch):
                return False
        return True
