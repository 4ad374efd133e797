"""The monitor: every machine of a workspace as it is now, from one probe a machine, for however many look.

A machine is asked as often as the closest look at it wants. One that nobody looks at is asked every five
seconds while its link is up for runs; else it rests, and its link closes as any that is not used.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from workbench.compute.fleet import Fleet
from workbench.compute.history import History
from workbench.compute.lasting import lasting
from workbench.compute.looks import Look
from workbench.compute.pace import Pace
from workbench.compute.probe_stream import Decoder
from workbench.compute.watched import Here, Means, WatchedMachine
from workbench.entities.alert import Alert
from workbench.entities.machine_series import Minute
from workbench.entities.machine_view import Freshness, Looking, MachineView, RunThere
from workbench.entities.queue import Cordon
from workbench.errors import NotFound

TICK = 1.0
"""Seconds between judgements of what is fresh."""
GAP = 0.05
"""Seconds between two connections that are made for somebody who looks."""


class AlertWatch(Protocol):
    """What looks for things that are wrong with a machine."""

    def look(self, view: MachineView, now: datetime) -> list[Alert]:
        """The alerts that hold of a machine now.

        Called once a second with each machine that said something since, or should have. Must not block.
        """


def awake_seconds() -> float:
    """Seconds that go on while this computer sleeps, where its kernel counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Monitor:
    """All machines of one workspace. Used from the event loop only.

    decoder: makes what decodes a probe's messages. clock, wall: see `Means`.
    """

    def __init__(
        self,
        fleet: Fleet,
        decoder: Callable[[], Decoder],
        clock: Callable[[], float] = awake_seconds,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.alerts: AlertWatch | None = None
        self._wall = wall
        self._means = Means(fleet, decoder, Pace(GAP), clock, wall, self._changed)
        self._machines: dict[str, WatchedMachine] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looks: set[Look] = set()
        self._awake = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None

    def add(self, name: str, here: Here | None = None, gpus: object = None) -> None:
        """Take a machine in. here: what samples it when it is this machine; changes the one it had.

        gpus: those of its facts, by which one is called that hangs.
        """
        if name in self._machines:
            self._machines[name].here = here
            self._machines[name].gpus.measured(gpus)
            return
        if self._ticker is None:
            self._ticker = lasting(self._tick_on, "monitor")
        machine = self._machines[name] = WatchedMachine(name, self._means)
        machine.here = here
        machine.gpus.measured(gpus)
        for look in self._looks:
            if look.covers(name):
                machine.looked(look.looking, 1)
        self._tasks[name] = lasting(machine.run, f"monitor {name}")
        machine.change()

    async def forget(self, name: str) -> None:
        """Watch a machine no more; nothing happens when it is not known."""
        self._machines.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            self._changed(name)

    def state_changed(self, name: str) -> None:
        """The fleet found a machine in another state."""
        machine = self._machines.get(name)
        if machine is not None:
            machine.kick()
            machine.change()

    def set_runs(self, runs: Mapping[str, Mapping[str, RunThere]]) -> None:
        """Take the runs that are not over, by machine and id."""
        for name, machine in self._machines.items():
            there = dict(runs.get(name, {}))
            if there != machine.runs:
                machine.runs = there
                machine.change()

    def set_leases(self, name: str, leases: Mapping[str, str]) -> None:
        """Take who else holds GPUs of a machine, as labels by UUID."""
        machine = self._machines.get(name)
        if machine is not None and machine.leases != leases:
            machine.leases = dict(leases)
            machine.change()

    def set_cordon(self, name: str, cordon: Cordon | None) -> None:
        """Take whether new runs are kept away from a machine."""
        machine = self._machines.get(name)
        if machine is not None and machine.cordon != cordon:
            machine.cordon = cordon
            machine.change()

    async def close(self) -> None:
        """End every stream; idempotent."""
        tasks = list(self._tasks.values())
        if self._ticker is not None:
            tasks.append(self._ticker)
        self._tasks.clear()
        self._ticker = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def wanted(self) -> list[str]:
        """The machines that somebody looks at, by name."""
        return sorted(name for name, machine in self._machines.items() if machine.wanted)

    def is_here(self, name: str) -> bool:
        """Whether a machine is this one, for which no link is needed; raises NotFound."""
        return self._get(name).here is not None

    @property
    def names(self) -> list[str]:
        """All machines, by name."""
        return sorted(self._machines)

    def __contains__(self, name: str) -> bool:
        return name in self._machines

    def view(self, name: str) -> MachineView:
        """A machine as it is now; raises NotFound."""
        return self._get(name).view()

    def plain(self, name: str, *, processes: bool = True) -> dict[str, Any] | None:
        """A machine's view as JSON, with its processes or none of them; not to be changed.

        None when there is no such machine any more.
        """
        machine = self._machines.get(name)
        return None if machine is None else machine.plain(processes=processes)

    def history(self, name: str) -> History:
        """What a machine's figures were; raises NotFound."""
        return self._get(name).history

    def minutes(self, second: int, *, unfinished: bool = False) -> dict[str, list[Minute]]:
        """The minutes that were over by a second and were not asked for yet, by machine.

        unfinished: with the one that is not over, as far as it is known.
        """
        found = {}
        for name, machine in self._machines.items():
            history = machine.history
            if history.began is None:
                continue
            history.advance(second)
            closed = history.take()
            if unfinished and (last := history.unfinished()) is not None:
                closed.append(last)
            if closed:
                found[name] = closed
        return found

    @contextmanager
    def look(self, names: Collection[str] | None, looking: Looking) -> Iterator[Look]:
        """Look at machines (None: at all, also those to come) for as long as the block lasts.

        Raises NotFound for one that is not known.
        """
        for name in names or ():
            self._get(name)
        look = Look(names, looking)
        self._looks.add(look)
        self._count(look, 1)
        try:
            yield look
        finally:
            self._looks.discard(look)
            self._count(look, -1)

    def _count(self, look: Look, more: int) -> None:
        for name, machine in self._machines.items():
            if look.covers(name):
                machine.looked(look.looking, more)

    def _get(self, name: str) -> WatchedMachine:
        machine = self._machines.get(name)
        if machine is None:
            raise NotFound(f"no machine {name!r}", "wb compute ls shows them; wb compute attach adds one")
        return machine

    def _changed(self, name: str) -> None:
        self._awake.set()
        for look in self._looks:
            if look.covers(name):
                look.put(name)

    async def _tick_on(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            await asyncio.sleep(TICK)
            going = True  # also when the look breaks, and this begins again
            try:
                going = self.tick()
            finally:
                if going:
                    self._awake.set()

    def tick(self) -> bool:
        """Judge what is fresh and look for what is wrong; whether that has to go on."""
        going = False
        now = datetime.fromtimestamp(self._wall(), UTC)
        for machine in self._machines.values():
            if machine.tick():
                going = True
                self._look_after(machine, now)
        return going

    def look_after(self, name: str) -> None:
        """Have a machine looked at for what is wrong with it, also one that rests."""
        machine = self._machines.get(name)
        if machine is not None:
            self._judge(machine, datetime.fromtimestamp(self._wall(), UTC))

    def _look_after(self, machine: WatchedMachine, now: datetime) -> None:
        if machine.unseen or machine.fresh is not Freshness.FRESH:
            self._judge(machine, now)

    def _judge(self, machine: WatchedMachine, now: datetime) -> None:
        if self.alerts is None:
            return
        machine.unseen = False
        found = self.alerts.look(machine.view(), now)
        if found != machine.alerts:
            machine.alerts = found
            machine.change()
