"""Writes what the monitor saw into the store, a minute at a time, and forgets what is too old."""

from __future__ import annotations

import asyncio
import logging
import time

from workbench.compute.lasting import lasting
from workbench.compute.monitor import Monitor
from workbench.errors import StoreError
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import machine_minutes

GRACE = 7.0
"""Seconds after the end of a minute before it is written: each machine's next sample closed it by then."""
PRUNE_EVERY = 60
"""Minutes between two looks for what is too old."""
DAY = 24 * 60
log = logging.getLogger(__name__)


class MinuteKeeper:
    """One task of a workspace. days: how long minutes are kept."""

    def __init__(self, store: AsyncStore, monitor: Monitor, days: float) -> None:
        self._store = store
        self._monitor = monitor
        self._days = days
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write from now on."""
        self._task = lasting(self._keep, "minutes")

    async def close(self) -> None:
        """End it, the minute that is not over written as far as it is known; idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            await self.write(time.time(), unfinished=True)
        except StoreError as problem:  # the server ends, and nobody waits for this
            log.warning("the last minute of the machines is not kept: %s", problem.message)

    async def _keep(self) -> None:
        written = 0
        while True:
            now = time.time()
            await asyncio.sleep(60 - (now - GRACE) % 60)
            try:
                await self.write(time.time())
                if written % PRUNE_EVERY == 0:
                    await self.prune(time.time())
                written += 1
            except StoreError as problem:  # a full disk costs these minutes; figures are seen all the same
                log.warning("a minute of the machines is not kept: %s", problem.message)

    async def write(self, now: float, *, unfinished: bool = False) -> None:
        """Write every minute that is over, all machines' in one transaction. Raises StoreError."""
        minutes = self._monitor.minutes(int(now), unfinished=unfinished)
        if minutes:
            await self._store.write(machine_minutes.put, minutes)

    async def prune(self, now: float) -> None:
        """Forget what is older than is to be kept. Raises StoreError."""
        await self._store.write(machine_minutes.prune, int(now // 60 - self._days * DAY))
