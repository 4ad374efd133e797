"""A file of a machine as a log: read where one looks, followed while it grows, searched for plain text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator

from workbench.errors import UsageError
from workbench.text.log_hits import Finder, Hit
from workbench.text.log_pattern import errors, finder, parse
from workbench.tui.logs.source import Extent, Found, LineCount
from workbench.tui.model.feed import Services

BLOCK = 1 << 20
SEARCHED = 256 << 20
"""Bytes from where one begins that a search goes through."""
AGAIN = 2.0
"""Seconds between two looks at whether the file grew."""
HEAD = 8192
COUNTED = 8 << 20
"""Bytes of a file whose lines are counted; for that all of it has to come here."""
CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})


def is_binary(head: bytes) -> bool:
    """Whether the beginning of a file is no text one could read."""
    return bool(head) and (b"\0" in head or len(head.translate(None, CONTROL)) < 0.9 * len(head))


class MachineFile:
    """A LogSource."""

    def __init__(self, services: Services, target: str, path: str) -> None:
        self._services = services
        self._target = target
        self._path = path
        self._size = 0
        self._newlines: list[int] = []
        """How many newlines are in each block that was counted."""

    async def extent(self) -> Extent:
        """How much there is now."""
        asked = {"target": self._target, "path": self._path}
        entry = (await self._services.call("files", "stat", **asked))["entry"]
        if entry["kind"] == "link":  # its own size is that of its text
            entry = await self._services.call("files", "hash", **asked)
        self._size = entry["size"]
        return Extent(self._size)

    async def changes(self) -> AsyncGenerator[Extent, None]:
        """The extent whenever it changed; it is looked at again and again."""
        while True:
            await asyncio.sleep(AGAIN)
            before = self._size
            now = await self.extent()
            if now.size != before:
                self._newlines = self._newlines[: min(before, now.size) // BLOCK]
                yield now

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes at offset."""
        blocks = self._services.read(
            "files", "get", target=self._target, path=self._path, offset=offset, length=length
        )
        return b"".join([block async for block in blocks])

    async def lines(self, offset: int) -> LineCount:
        """The number of a line, of a file that is not large; else this waits for ever."""
        if self._size > COUNTED:
            await asyncio.Event().wait()
        await self._count()
        block = min(offset // BLOCK, len(self._newlines))
        before = await self.read(block * BLOCK, offset - block * BLOCK) if offset % BLOCK else b""
        line = sum(self._newlines[:block]) + before.count(b"\n")
        return LineCount(line, sum(self._newlines), self._size)

    async def line_start(self, line: int) -> int | None:
        """Where a line begins, of a file that is not large."""
        if self._size > COUNTED:
            return None
        await self._count()
        number = 0
        for block, newlines in enumerate(self._newlines):
            if number + newlines < line:
                number += newlines
                continue
            data = await self.read(block * BLOCK, min(BLOCK, self._size - block * BLOCK))
            place = 0
            for _ in range(line - number):
                place = data.find(b"\n", place) + 1
            return block * BLOCK + place
        return 0 if line == 0 else None

    async def _count(self) -> None:
        """Count the lines of what is not counted yet."""
        while (start := len(self._newlines) * BLOCK) < self._size:
            data = await self.read(start, min(BLOCK, self._size - start))
            self._newlines.append(data.count(b"\n"))

    async def search(
        self, pattern: str, offset: int = 0, *, backwards: bool = False, most: int | None = None
    ) -> AsyncGenerator[Found, None]:
        """Lines with a text, SEARCHED bytes far; raises UsageError for a regular expression.

        One may take for ever, and there is no process here that could be ended for it.
        """
        wanted = parse(pattern)
        if wanted.regex:
            hint = "d fetches it, o shows it with $PAGER"
            raise UsageError("in a file of a machine only plain text is looked for", hint)
        if backwards:
            start = max(0, offset - SEARCHED)
            found = [hit async for _, some in self._scan(finder(wanted), start, offset) for hit in some]
            before = [hit for hit in reversed(found) if hit.offset < offset]
            yield _found(before[:most], start, len(before))
            return
        count = 0
        async for at, some in self._scan(finder(wanted), offset, min(self._size, offset + SEARCHED)):
            count += len(some)
            yield _found(some[:most], at, count)
            if most is not None and count >= most:
                return

    async def times(self, offset: int, stop: int) -> list[tuple[int, float]]:
        """When bytes came: no file tells."""
        return []

    async def at(self, time: float) -> int | None:
        """From where on it came at a time: that is not known."""
        return None

    async def errors(
        self, offset: int = 0, *, backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Found, None]:
        """Lines that tell of an error, SEARCHED bytes far."""
        start, stop = (max(0, offset - SEARCHED), offset) if backwards else (offset, offset + SEARCHED)
        found: list[Hit] = []
        async for at, hits in self._scan(errors, start, min(self._size, stop)):
            found += [hit for hit in hits if (hit.offset < offset) == backwards]
            if not backwards and found:
                yield _found(found[:most], at, len(found))
                most -= len(found)
                found = []
            if most <= 0:
                return
        yield _found(found[::-1][:most], start, len(found))

    async def _scan(
        self, find: Finder | Callable[[bytes, int], Iterator[Hit]], start: int, stop: int
    ) -> AsyncGenerator[tuple[int, list[Hit]], None]:
        """The hits of whole lines, block by block."""
        waiting, at = b"", start
        while at + len(waiting) < stop:
            begin = at + len(waiting)
            data = waiting + await self.read(begin, min(BLOCK, stop - begin))
            if len(data) == len(waiting):
                return
            ended = at + len(data) >= stop
            ready = len(data) if ended or len(data) > 2 * BLOCK else data.rfind(b"\n") + 1
            yield at + ready, list(find(data[:ready], at))
            at, waiting = at + ready, data[ready:]


def _found(hits: list[Hit], at: int, total: int) -> Found:
    return Found([(hit.offset, hit.text) for hit in hits], at, total)
