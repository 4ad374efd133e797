"""The output of runs by places: how much there is, bytes of it, and which line stands where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.log_extent import log_extent
from workbench.services.operation import call, items, read
from workbench.store.logs.log_file import LogFile

BLOCK = 1 << 18
MOST_BYTES = 1 << 24
"""Bytes of one range at most: ranges are for what is looked at."""
COUNTED_TOGETHER = 1 << 26
"""Bytes in which one call counts lines at most: a tenth of a second or two."""
NEWS_SECONDS = 0.1
"""Seconds between two news of one log."""
SILENT_SECONDS = 5.0
"""After so long the extent is told again when only the machine's last word is newer."""


class LogRangeService:
    """What a view of a log asks for: nothing of it costs more than what is seen or new."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @call
    async def log_extent(self, run: str, log: str = "") -> dict[str, Any]:
        """{"size", "gaps": [[start, stop]], "ended", "as_of"}: bytes of output, and those not kept."""
        found = await self._context.place(run)
        return (await log_extent(self._context, found.id, log)).to_wire()

    @items
    async def log_watch(self, run: str, log: str = "") -> AsyncIterator[dict[str, Any]]:
        """The extent now and whenever it changed; ends when the log has ended."""
        found = await self._context.place(run)
        told: dict[str, Any] = {}
        silent = 0.0
        with self._context.bus.listen(f"runs/{found.id}") as listener:
            while True:
                extent = (await log_extent(self._context, found.id, log)).to_wire()
                if {**extent, "as_of": None} != {**told, "as_of": None} or (
                    silent >= SILENT_SECONDS and extent != told
                ):
                    told, silent = extent, 0.0
                    yield extent
                if extent["ended"]:
                    return
                if await listener.take(timeout=1.0):
                    await asyncio.sleep(NEWS_SECONDS)
                    silent += NEWS_SECONDS
                else:
                    silent += 1.0

    @read
    async def log_bytes(self, run: str, offset: int, length: int, log: str = "") -> AsyncIterator[bytes]:
        """Bytes exactly as written, from offset; fewer at the end of the log and where a gap begins."""
        if offset < 0 or not 0 <= length <= MOST_BYTES:
            raise UsageError(f"a range of a log has at most {MOST_BYTES} bytes")
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        end = min(offset + length, extent.size)
        for start, stop in extent.gaps:
            if offset < stop and start < end:
                end = max(offset, start)
        while offset < end:
            block = await asyncio.to_thread(_range, extent.path, offset, min(offset + BLOCK, end))
            if not block:
                return
            offset += len(block)
            yield block

    @call
    async def log_lines(self, run: str, offset: int, log: str = "") -> dict[str, int | None]:
        """{"line": the number, from 0, of the line that holds offset, "lines", "counted"}.

        Lines are counted a stretch at a time while one asks: line is null where that is not done yet,
        lines are those in the first counted bytes.
        """
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        index = extent.lines
        lines, counted = await asyncio.to_thread(index.extend, extent.size, extent.gaps, COUNTED_TOGETHER)
        line = await asyncio.to_thread(index.line, max(0, min(offset, extent.size)), extent.gaps)
        return {"line": line, "lines": lines, "counted": counted}

    @call
    async def log_line_start(self, run: str, line: int, log: str = "") -> dict[str, int | None]:
        """{"offset": where the line with that number, from 0, begins, "lines", "counted"}; as log_lines."""
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        index = extent.lines
        lines, counted = await asyncio.to_thread(index.extend, extent.size, extent.gaps, COUNTED_TOGETHER)
        place = await asyncio.to_thread(index.offset, line, extent.size, extent.gaps)
        return {"offset": place, "lines": lines, "counted": counted}


def _range(path: Path, start: int, stop: int) -> bytes:
    """Bytes of a log; none when it does not exist yet."""
    with LogFile(path) as file:
        return file.read(start, stop)
