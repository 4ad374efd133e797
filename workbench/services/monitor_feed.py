"""What the monitor learns from the store: which machines there are, and which runs are on them."""

from __future__ import annotations

import asyncio
import logging

from workbench.compute.lasting import lasting
from workbench.compute.local_sampling import places_here, samples
from workbench.compute.monitor import Monitor
from workbench.compute.watched import Here
from workbench.entities.target import Target, TargetKind
from workbench.errors import StoreError
from workbench.services.bus import Bus, News
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import runs_there, targets

RUNS, TARGETS = "monitor/runs", "monitor/targets"
"""Subjects of the bus: that runs, or targets, are not what they were."""
PAUSE = 0.25
"""Seconds between two looks, however much changes."""
log = logging.getLogger(__name__)


def here(target: Target) -> Here | None:
    """What samples a target that is this machine; None for others."""
    if target.kind is not TargetKind.LOCAL:
        return None
    places = places_here(target.settings.root, target.settings.lease_dir)
    return lambda every, detail: samples(every, places, detail)


class MonitorFeed:
    """Keeps a monitor told; owned by the workspace."""

    def __init__(self, store: AsyncStore, bus: Bus, monitor: Monitor) -> None:
        self._store = store
        self._bus = bus
        self._monitor = monitor
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Tell all there is, then each change until `close`. Raises StoreError."""
        await self._targets()
        await self._runs()
        self._tasks = [
            lasting(lambda: self._keep(TARGETS), TARGETS),
            lasting(lambda: self._keep(RUNS), RUNS),
        ]

    async def close(self) -> None:
        """End it; idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep(self, subject: str) -> None:
        with self._bus.listen(subject) as listener:
            listener.put(News.ROW)  # what changed while nobody listened, at the start or after a break
            while True:
                await listener.take()
                try:
                    await (self._targets() if subject == TARGETS else self._runs())
                except StoreError as problem:  # the next change tells it all again
                    log.warning("the monitor is not told of changes: %s", problem.message)
                    listener.put(News.ROW)
                await asyncio.sleep(PAUSE)

    async def _targets(self) -> None:
        there = {target.name: target for target in await self._store.read(targets.every)}
        for name, target in there.items():
            self._monitor.add(name, here(target), target.facts.get("gpus"))
        for name in set(self._monitor.names) - there.keys():
            await self._monitor.forget(name)

    async def _runs(self) -> None:
        self._monitor.set_runs(await self._store.read(runs_there.active))
