"""What a command writes on one machine, as a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from workbench.errors import UsageError
from workbench.text.log_pattern import Hit, errors, finder, parse
from workbench.tui.logs.source import Extent, Found, LineCount

MOST = 16 << 20
"""Bytes that are kept; what comes then is counted and left out."""


class CommandLog:
    """A LogSource that grows while the command runs."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False
        self._changed = asyncio.Event()
        self.left_out = 0
        """Bytes beyond MOST."""

    def add(self, line: str) -> None:
        """One more line."""
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        if len(self._data) + len(data) <= MOST:
            self._data += data
        else:
            self.left_out += len(data)
        self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._changed.set()

    async def extent(self) -> Extent:
        """How much there is now."""
        return Extent(len(self._data), ended=self._ended)

    async def changes(self) -> AsyncGenerator[Extent, None]:
        """The extent whenever there is more."""
        while not self._ended:
            await self._changed.wait()
            self._changed.clear()
            yield await self.extent()

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes at offset."""
        return bytes(self._data[offset : offset + length])

    async def lines(self, offset: int) -> LineCount:
        """The number of a line."""
        return LineCount(self._data.count(b"\n", 0, offset), self._data.count(b"\n"), len(self._data))

    async def line_start(self, line: int) -> int | None:
        """Where a line begins."""
        place = 0
        for _ in range(line):
            place = self._data.find(b"\n", place) + 1
            if not place:
                return None
        return place

    async def search(
        self, pattern: str, offset: int = 0, *, backwards: bool = False, most: int | None = None
    ) -> AsyncGenerator[Found, None]:
        """Lines with a text; raises UsageError for a regular expression, which may take for ever."""
        wanted = parse(pattern)
        if wanted.regex:
            raise UsageError("here only plain text is looked for")
        hits = [hit for hit in finder(wanted)(bytes(self._data), 0) if (hit.offset < offset) == backwards]
        if backwards:
            hits.reverse()
        yield self._found(hits[:most], len(hits))

    async def errors(self, offset: int = 0) -> AsyncGenerator[Found, None]:
        """The first line that tells of an error."""
        later: Iterator[Hit] = (hit for hit in errors(bytes(self._data), 0) if hit.offset >= offset)
        found = next(later, None)
        yield self._found([] if found is None else [found], int(found is not None))

    def _found(self, hits: list[Hit], total: int) -> Found:
        return Found([(hit.offset, hit.text) for hit in hits], len(self._data), total)
