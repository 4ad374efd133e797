"""What runs print: their logs, and one live stream of everything."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator
from typing import Any

from workbench.services.bus import News
from workbench.services.context import Context
from workbench.services.log_extent import log_extent
from workbench.services.log_following import LOOK, walk
from workbench.services.log_place import place
from workbench.services.operation import call, items, read
from workbench.services.patience import Patience
from workbench.services.spool_reading import Piece, gap_line, stretches
from workbench.store.logs import spool
from workbench.store.metrics import new_points
from workbench.store.runs import run_rows

MOST_MARKS = 20_000
"""Times one call tells at most."""
MOST_POINTS = 10_000
"""Metric points a follower holds at once, about."""


class RunLogService:
    """The output of runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @read
    async def logs(
        self,
        run: str,
        offset: int = 0,
        lines: int | None = None,
        follow: bool = False,
        since: float | None = None,
        log: str = "",
        stop: int | None = None,
    ) -> AsyncIterator[bytes]:
        """A log byte for byte, from offset to stop, or the last `lines`, or the last `since` seconds.

        log: its name (`text/log_names.py`); without, the output. follow: goes on until the run is over and
        everything it wrote was given.
        """
        async with walk(self._context, run, log, follow, offset, lines, since, stop) as going:
            async for _, piece in going.pieces:
                yield piece.data if piece.gap is None else gap_line(piece.gap)

    @call
    async def log_place(
        self,
        run: str,
        offset: int = 0,
        lines: int | None = None,
        since: float | None = None,
        log: str = "",
        stop: int | None = None,
    ) -> dict[str, Any]:
        """{"run": id, "offset"}: where `logs` with these parameters begins, for who may have to resume."""
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log, whole=True)
        begin = await place(self._store, extent, offset, lines, since)
        told: dict[str, Any] = {"run": found.id, "offset": begin}
        return told | ({"log": log} if log else {}) | ({} if stop is None else {"stop": stop})

    @call
    async def log_times(
        self, run: str, offset: int, stop: int, log: str = "", most: int = 1000
    ) -> list[tuple[int, float]]:
        """[[offset, time]]: bytes from offset on came at a time (seconds since 1970, by the machine's clock).

        The one that holds for offset, and those before stop, at most so many; where nothing is known, none.
        """
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        marks = await asyncio.to_thread(extent.times.between, offset, stop, min(max(most, 1), MOST_MARKS))
        return [(mark.offset, mark.time) for mark in marks]

    @call
    async def log_at(self, run: str, time: float, log: str = "") -> dict[str, int | None]:
        """{"offset"}: from where on a log came at a time or later; null where that is not known."""
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        return {"offset": await asyncio.to_thread(extent.times.offset, time)}

    def _draining(self, run_id: str) -> bool:
        return self._context.conductor.follows(run_id)

    @items
    async def follow(
        self, run: str, offset: int = 0, timeout: float | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """One live stream of everything: {"log", "offset"}, {"metric"}, {"run"}; ends when it is over.

        Metrics come from now on; logs from offset. A run that ended is told after the last it wrote. Whoever
        reads slower than things happen gets all of the output and metrics, and the row as it is by then.
        timeout: it ends after so many seconds in any case.
        """
        patience = Patience(timeout)
        found = await self._context.place(run)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self._context.bus.listen(f"runs/{found.id}") as listener:
            seen = await self._store.read(new_points.marks, found.id)
            told = now = await self._store.read(run_rows.get, found.id)
            yield {"run": told}
            while True:
                if now != told and not now.status.terminal:
                    told = now
                    yield {"run": now}
                over = now.status.terminal and not self._draining(found.id)
                async for piece in self._new_output(found.id, offset):
                    offset = piece.stop
                    if piece.gap is not None:
                        yield {"gap": {"from": piece.gap[0], "to": piece.gap[1]}, "offset": offset}
                    else:
                        yield {"log": decoder.decode(piece.data), "offset": offset}
                while True:
                    added, seen = await self._store.read(new_points.since, found.id, seen, MOST_POINTS)
                    for name, rank, points in added:
                        for step, value in zip(points.steps, points.values, strict=True):
                            yield {"metric": {"name": name, "step": step, "value": value, "rank": rank}}
                    if not added:
                        break
                if over or patience.over:
                    yield {"run": now}
                    return
                news = await listener.take(timeout=patience.left(most=LOOK))
                if not news or News.ROW in news:
                    now = await self._store.read(run_rows.get, found.id)

    async def _new_output(self, run_id: str, offset: int) -> AsyncIterator[Piece]:
        """What of the output is here from offset on."""
        end = await self._store.read(self._store.spool.length, run_id)
        gaps = await self._store.read(spool.gaps, run_id)
        async for piece in stretches(self._store.spool.path(run_id), offset, end, gaps):
            yield piece
