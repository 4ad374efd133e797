"""What a command writes on one machine, as a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from workbench.errors import UsageError
from workbench.text import sizes
from workbench.text.log_hits import Hit
from workbench.text.log_pattern import errors, finder, parse
from workbench.tui.logs.source import Extent, Found, LineCount
from workbench.views import command_results


class CommandLog:
    """A LogSource that grows while the command runs."""

    def __init__(self, among: int = 1) -> None:
        """among: on how many machines the command runs."""
        self._data = bytearray()
        self._most = command_results.room(among)
        self._full = False
        self._ended = False
        self._changed = asyncio.Event()

    def add(self, line: str) -> None:
        """One more line; the first that finds no room is told of in its place, and no more are kept."""
        if self._full:
            return
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        if len(self._data) + len(data) > self._most:
            self._full = True
            data = f"[no more is kept here: this is {sizes.short(len(self._data))}]\n".encode()
        self._data += data
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

    async def times(self, offset: int, stop: int) -> list[tuple[int, float]]:
        """When bytes came: that is not kept."""
        return []

    async def at(self, time: float) -> int | None:
        """From where on it came at a time: that is not known."""
        return None

    async def errors(
        self, offset: int = 0, *, backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Found, None]:
        """Lines that tell of an error."""
        hits = [hit for hit in errors(bytes(self._data), 0) if (hit.offset < offset) == backwards]
        yield self._found((hits[::-1] if backwards else hits)[:most], len(hits))

    def _found(self, hits: list[Hit], total: int) -> Found:
        return Found([(hit.offset, hit.text) for hit in hits], len(self._data), total)
