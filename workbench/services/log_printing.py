"""The logs of a run by name, and one of them as lines to be shown with their times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from workbench.entities.run import Run
from workbench.errors import NotFound, RemoteError, Unreachable
from workbench.services.context import Context
from workbench.services.log_extent import LogExtent, log_extent
from workbench.services.log_following import walk
from workbench.services.operation import call, items
from workbench.services.spool_reading import gap_line
from workbench.store.runs import children, files, run_rows
from workbench.text.log_names import OUTPUT, label, rank_of
from workbench.text.log_stamps import stamped

LONG = 1 << 20
"""Bytes after which a line without an end is given as it is."""
MARKS = 20_000
PATIENCE = 5.0
"""Seconds a machine has to list log files before those seen last are told."""


class LogPrintService:
    """What logs there are, and their lines."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def log_list(self, run: str) -> list[dict[str, Any]]:
        """{"log", "label", "size", "rank"?, "attempt"?, "start"?, "stop"?, "run"?}: what `log` may be.

        The output first, its attempts when there were several, the text files below logs/ as the machine has
        them now, else as seen last, and the output of child runs.
        """
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id)
        told: list[dict[str, Any]] = [{"log": OUTPUT, "label": "output", "size": extent.size}]
        told += await asyncio.to_thread(_attempts, extent)
        for file in await self._files(found):
            rank = rank_of(file["path"])
            told.append({"log": file["path"], "label": label(file["path"]), "size": file["size"]}
                        | ({} if rank is None else {"rank": rank}))  # fmt: skip
        for child in await self._store.read(children.of_run, found.id, recursive=True):
            size = await self._store.read(self._store.spool.length, child)
            if size:
                row = await self._store.read(run_rows.get, child)
                told.append({"log": f"@{child}", "label": row.name, "size": size, "run": child})
        return told

    async def _files(self, run: Run) -> list[dict[str, Any]]:
        with suppress(Unreachable, RemoteError, NotFound, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await self._context.file_logs.listed(run)
        known = await self._store.read(files.every, run.id)
        return [{"path": file.path, "size": file.size} for file in known if file.path.startswith("logs/")]

    @items
    async def log_print(
        self,
        run: str,
        offset: int = 0,
        lines: int | None = None,
        follow: bool = False,
        since: float | None = None,
        log: str = "",
        stop: int | None = None,
        timestamps: bool = False,
    ) -> AsyncIterator[dict[str, Any]]:
        """{"text", "offset"}: whole lines as text, each behind the time it came when timestamps; see `logs`.

        The run's id first, as {"run": {"id"}}; a line that is still being written comes when it is whole, or
        when the log has ended.
        """
        async with walk(self._context, run, log, follow, offset, lines, since, stop) as going:
            yield {"run": {"id": going.run}}
            extent, at, waiting = going.extent, going.begin, b""
            async for extent, piece in going.pieces:
                waiting += piece.data
                cut = len(waiting) if piece.gap or len(waiting) > LONG else waiting.rfind(b"\n") + 1
                if cut:
                    yield await _told(extent, at, waiting[:cut], timestamps)
                    at, waiting = at + cut, waiting[cut:]
                if piece.gap is not None:
                    at = piece.stop
                    yield {"text": gap_line(piece.gap).decode().lstrip("\n"), "offset": at}
            if waiting:
                yield await _told(extent, at, waiting, timestamps)


async def _told(extent: LogExtent, at: int, data: bytes, timestamps: bool) -> dict[str, Any]:
    stop = at + len(data)
    if not timestamps:
        return {"text": data.decode("utf-8", "replace"), "offset": stop}
    marks = await asyncio.to_thread(extent.times.between, at, stop, MARKS)
    return {"text": stamped(data, at, marks), "offset": stop}


def _attempts(extent: LogExtent) -> list[dict[str, Any]]:
    """The attempts of a run that had several, each with where its output begins and ends."""
    attempts = extent.times.attempts()
    if len(attempts) < 2:
        return []
    ends = [*(attempt.offset for attempt in attempts[1:]), extent.size]
    return [
        {
            "log": OUTPUT,
            "label": f"attempt {attempt.number}",
            "size": end - attempt.offset,
            "attempt": attempt.number,
            "start": attempt.offset,
            "stop": end,
        }
        for attempt, end in zip(attempts, ends, strict=True)
    ]
