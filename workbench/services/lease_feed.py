"""What the monitor learns from the queues of machines: whose GPUs are whose beside our runs', and cordons."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from workbench.compute.fleet import Fleet
from workbench.compute.lasting import lasting
from workbench.compute.monitor import Monitor
from workbench.entities.queue import Cordon, QueueEntry
from workbench.errors import WorkbenchError
from workbench.runs.queue_words import read_queue

EVERY = 10.0
"""Seconds between two questions to a machine that somebody looks at."""
ROUND = 2.0
"""Seconds between two rounds of questions."""
MOST = 50
"""Machines asked in one round."""
ASK_SECONDS = 5.0
log = logging.getLogger(__name__)


class LeaseFeed:
    """One task of a workspace: asks machines that are connected and looked at. note: takes their cordons."""

    def __init__(
        self, fleet: Fleet, monitor: Monitor, note: Callable[[str, Cordon | None], Awaitable[None]]
    ) -> None:
        self._fleet = fleet
        self._monitor = monitor
        self._note = note
        self._asked: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ask from now on."""
        self._task = lasting(self._keep, "leases")

    async def close(self) -> None:
        """End it; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            now = clock()
            wanted = self._monitor.wanted
            self._asked = {name: at for name, at in self._asked.items() if name in wanted}
            due = [name for name in wanted if now - self._asked.get(name, -EVERY) >= EVERY]
            due = [name for name in due if self._fleet.current(name) is not None][:MOST]
            self._asked.update(dict.fromkeys(due, now))
            await asyncio.gather(*(self._ask(name) for name in due))
            await asyncio.sleep(ROUND)

    async def _ask(self, name: str) -> None:
        link = self._fleet.current(name)
        if link is None:
            return
        try:
            queue = read_queue(name, await link.call("queue", {}, timeout=ASK_SECONDS))
        except WorkbenchError as problem:  # what was known stays, and it is asked again
            log.info("the queue of %s: %s", name, problem.message)
            return
        leases = {gpu: label(entry) for entry in queue.entries for gpu in entry.devices}
        self._monitor.set_leases(name, leases)
        await self._note(name, queue.machine.cordon)


def label(entry: QueueEntry) -> str:
    """How a lease is called: a run by its id, a shell by whose it is."""
    if entry.kind == "run":
        return entry.run
    return entry.name or entry.by or entry.user or "a shell"
