"""A log in memory that a test can make grow, shrink and lose parts; it notes what was read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from workbench.errors import WorkbenchError
from workbench.text.log_hits import Hit
from workbench.text.log_pattern import errors, finder, parse
from workbench.tui.logs.source import Extent, Found, LineCount


class MemoryLog:
    """A LogSource. Bytes in gaps must not be asked for."""

    def __init__(
        self, data: bytes = b"", gaps: tuple[tuple[int, int], ...] = (), ended: bool = False
    ) -> None:
        self.data = data
        self.gaps = gaps
        self.ended = ended
        self.as_of: datetime | None = None
        self.reads: list[tuple[int, int]] = []
        self.counted: int | None = None
        """How far lines are counted; None: to the end."""
        self.problem: WorkbenchError | None = None
        self.marks: list[tuple[int, float]] = []
        """When bytes came: (offset, time)."""
        self._changed: list[asyncio.Event] = []

    def change(
        self, data: bytes, gaps: tuple[tuple[int, int], ...] | None = None, ended: bool = False
    ) -> None:
        """The log is this now."""
        self.data, self.ended = data, ended
        self.gaps = self.gaps if gaps is None else gaps
        for event in self._changed:
            event.set()

    def grow(self, data: bytes, ended: bool = False) -> None:
        """More output."""
        self.change(self.data + data, ended=ended)

    def _check(self) -> None:
        if self.problem is not None:
            raise self.problem

    async def extent(self) -> Extent:
        self._check()
        return Extent(len(self.data), self.gaps, self.ended, self.as_of)

    async def changes(self) -> AsyncGenerator[Extent, None]:
        event = asyncio.Event()
        self._changed.append(event)
        try:
            while not self.ended:
                await event.wait()
                event.clear()
                yield await self.extent()
        finally:
            self._changed.remove(event)

    @property
    def listeners(self) -> int:
        """How many hear of changes."""
        return len(self._changed)

    async def read(self, offset: int, length: int) -> bytes:
        self._check()
        assert length > 0
        assert not any(offset < stop and start < offset + length for start, stop in self.gaps), "read a gap"
        self.reads.append((offset, length))
        return self.data[offset : offset + length]

    def _lines_before(self, offset: int) -> int:
        return sum(self.data[a:b].count(b"\n") for a, b in self._kept() if a < offset) - sum(
            self.data[max(a, offset) : b].count(b"\n") for a, b in self._kept() if a < offset < b
        )

    def _kept(self) -> list[tuple[int, int]]:
        edges = [0, *(edge for gap in self.gaps for edge in gap), len(self.data)]
        return list(zip(edges[::2], edges[1::2], strict=True))

    async def lines(self, offset: int) -> LineCount:
        counted = len(self.data) if self.counted is None else self.counted
        line = self._lines_before(offset) if offset <= counted else None
        return LineCount(line, self._lines_before(counted), counted)

    async def line_start(self, line: int) -> int | None:
        at = 0
        for _ in range(line):
            at = self.data.find(b"\n", at) + 1
            if at == 0:
                return None
        return at

    async def search(
        self, pattern: str, offset: int = 0, *, backwards: bool = False, most: int | None = None
    ) -> AsyncGenerator[Found, None]:
        found = list(finder(parse(pattern))(self.data, 0))
        chosen = [hit for hit in found if (hit.offset < offset if backwards else hit.offset >= offset)]
        if backwards:
            chosen.reverse()
        yield self._found(chosen[:most])

    async def times(self, offset: int, stop: int) -> list[tuple[int, float]]:
        before = [mark for mark in self.marks if mark[0] <= offset]
        return before[-1:] + [mark for mark in self.marks if offset < mark[0] < stop]

    async def at(self, time: float) -> int | None:
        return next((place for place, came in self.marks if came >= time), None)

    async def errors(
        self, offset: int = 0, *, backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Found, None]:
        hits = [hit for hit in errors(self.data, 0) if (hit.offset < offset) == backwards]
        yield self._found((hits[::-1] if backwards else hits)[:most])

    def _found(self, hits: list[Hit]) -> Found:
        return Found([(hit.offset, hit.text) for hit in hits], len(self.data), len(hits))
