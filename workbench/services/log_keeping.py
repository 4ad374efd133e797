"""Output of runs on this side once they are over: compressed, and within its room.

Nothing is removed here that is not packed first, or that its machine does not have whole. What was removed to
save room comes back when somebody looks at it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from workbench.compute.fleet import Fleet
from workbench.compute.lasting import lasting
from workbench.entities.run import Run
from workbench.errors import NotFound, RemoteError, Unreachable, WorkbenchError
from workbench.runs.collect import readable_files
from workbench.runs.file_logs import FileLogs
from workbench.settings import LogSettings
from workbench.side_thread import in_side_thread
from workbench.store.arriving.offsets import offsets
from workbench.store.async_store import AsyncStore
from workbench.store.logs import spool
from workbench.store.runs import run_rows

T = TypeVar("T")
LEAST = 1 << 16
"""Bytes of output that are worth packing: less takes a few blocks of the disk either way."""
NICE = 15
ASKING_SECONDS = 20.0
log = logging.getLogger(__name__)


class LogKeeping:
    """Packs the output of runs that end, one after the other, and keeps all output within its room.

    follows: whether more of a run's output may still arrive.
    """

    def __init__(
        self,
        store: AsyncStore,
        fleet: Fleet,
        settings: LogSettings,
        files: FileLogs,
        follows: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._settings = settings
        self._files = files
        self._follows = follows
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._closing = threading.Event()
        self._taken = 0
        """Bytes that logs take, rather more than less: counted exactly only when that is too much."""

    def start(self) -> None:
        """Look after output from now on, first that of runs that ended before."""
        self._task = lasting(self._work, "logs kept")

    def ended(self, run_id: str) -> None:
        """All output of a run is here."""
        self._waiting.put_nowait(run_id)

    async def close(self) -> None:
        """Stop; what is half packed is begun again the next time."""
        self._closing.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        self._taken = await asyncio.to_thread(self._store.spool.room)
        for run_id in await asyncio.to_thread(self._store.spool.unpacked, LEAST):
            self._waiting.put_nowait(run_id)
        while True:
            run_id = await self._waiting.get()
            try:
                if self._settings.pack:
                    await self.pack(run_id)
                self._taken += await asyncio.to_thread(self._store.spool.room_of, run_id)
                if self._waiting.empty() and 0 < self._settings.max_bytes < self._taken:
                    await self.make_room()
            except NotFound:
                continue  # removed meanwhile
            except WorkbenchError as problem:
                log.warning("output of run %s stays as it is: %s", run_id, problem.message)

    async def pack(self, run_id: str) -> bool:
        """Compress the output of a run that is over; whether it is. Raises NotFound, StoreError."""
        run = await self._store.read(run_rows.get, run_id)
        if not run.status.terminal or self._follows(run_id):
            return False
        size = (await self._store.read(offsets, self._store.spool, run_id)).stream
        if size < LEAST:
            return False

        def going_on() -> bool:
            return not (self._closing.is_set() or self._follows(run_id))

        if not await _aside(partial(self._store.spool.pack, run_id, size, going_on)):
            return False
        try:
            return await self._store.write(self._store.spool.drop_plain, run_id)
        except NotFound:
            await asyncio.to_thread(self._store.spool.remove, run_id)  # it was removed while it was packed
            raise

    async def make_room(self) -> None:
        """Drop output that machines have still, the oldest first, until all takes no more than it may."""
        most = self._settings.max_bytes
        if not most:
            return
        self._taken = await asyncio.to_thread(self._store.spool.room)
        over = self._taken - most
        if over <= 0:
            return
        for run_id in await asyncio.to_thread(self._store.spool.oldest):
            if over <= 0:
                return
            with suppress(NotFound):
                run = await self._store.read(run_rows.get, run_id)
                if run.status.terminal and not self._follows(run_id):
                    freed = await self._drop(run)
                    over, self._taken = over - freed, self._taken - freed

    async def _drop(self, run: Run) -> int:
        """Remove those logs of a run that its machine, if connected, has whole; bytes that were freed."""
        link = self._fleet.current(run.target)
        if link is None:
            return 0
        size = (await self._store.read(offsets, self._store.spool, run.id)).stream
        gaps = await self._store.read(spool.gaps, run.id)
        try:
            async with asyncio.timeout(ASKING_SECONDS):
                answer = await link.call("run_logs", {"run": run.id})
        except (Unreachable, RemoteError, NotFound, TimeoutError):
            return 0
        if not isinstance(answer, dict):
            return 0
        freed = await asyncio.to_thread(self._files.drop, run.id, readable_files(answer.get("files")))
        if size and covers(_stretches(answer.get("stream")), size, gaps):
            freed += await self._store.write(self._store.spool.drop, run.id)
        return freed


def covers(kept: list[tuple[int, int]], size: int, gaps: list[tuple[int, int]]) -> bool:
    """Whether stretches hold every byte before size that is not in a gap."""
    at = 0
    for start, stop in sorted([*kept, *gaps]):
        if start > at:
            return False
        at = max(at, stop)
    return at >= size


def _stretches(told: Any) -> list[tuple[int, int]]:
    """What a machine says it keeps; nothing where that makes no sense."""
    try:
        return [(int(start), int(stop)) for start, stop in told]
    except (TypeError, ValueError, OverflowError):
        return []


async def _aside(function: Callable[[], T]) -> T:
    """What function gives, in a thread of its own that gives way to all others."""

    def work() -> T:
        with suppress(OSError, AttributeError):  # where threads have no priority it is done all the same
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        return function()

    return await in_side_thread(work, "packing")
