"""Looks for what is wrong with every machine as its figures come; writes down what was raised and cleared."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime

from workbench.alerts.engine import Watch
from workbench.compute.lasting import lasting
from workbench.entities.alert import Alert
from workbench.entities.base import replace
from workbench.entities.machine_view import MachineView
from workbench.errors import StoreError
from workbench.services.busy_lately import busy_lately
from workbench.services.pulses import Pulses
from workbench.settings import AlertSettings
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import alerts
from workbench.store.fleet.alerts import News, Silence

AGAIN = 5.0
"""Seconds between two tries to write to a store that could not."""
REST = 30.0
"""Seconds between two looks at machines with alerts that nobody brings: they rest, or are gone."""
log = logging.getLogger(__name__)


class Alerting:
    """The monitor's AlertWatch of one workspace. Used from the event loop only.

    follows: whether a run's output is listened to now. off: the rules a machine is not judged by. again:
    brings a machine to `look` now, if there is one of that name.
    """

    def __init__(
        self,
        store: AsyncStore,
        settings: AlertSettings,
        pulses: Pulses,
        follows: Callable[[str], bool],
        off: Callable[[str], Collection[str]],
        again: Callable[[str], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._pulses = pulses
        self._follows = follows
        self._off = off
        self._again = again
        self._watches: dict[str, Watch] = {}
        self._silences: list[Silence] = []
        self._pending: list[News] = []
        self._some = asyncio.Event()
        self._writing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._broken: set[str] = set()

    async def open(self) -> None:
        """Take up what was told before; raises StoreError."""
        known = await self._store.read(alerts.every)
        self._silences = await self._store.read(alerts.silences)
        busy = await self._store.read(busy_lately, time.time(), self._settings.busy_percent)
        for target in {alert.target for alert in known} | busy.keys():
            mine = [alert for alert in known if alert.target == target]
            self._watches[target] = Watch(target, self._settings, mine, busy.get(target, ()))
        self._tasks = [
            lasting(self._write_on, "alerts"),
            lasting(self._look_on, "alerts of resting machines"),
        ]

    async def close(self) -> None:
        """Write what is still to be written and end; idempotent."""
        async with self._writing:  # a task that is cancelled in the middle loses what it has in hand
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await self._write()
        self._tasks = []

    def look(self, view: MachineView, now: datetime) -> list[Alert]:
        """The alerts that hold of a machine now; see `compute.monitor.AlertWatch`."""
        watch = self._watches.get(view.name)
        if watch is None:
            watch = self._watches[view.name] = Watch(view.name, self._settings)
        pulses = self._pulses.of(run for run in view.runs if self._follows(run))
        try:
            changes = watch.look(view, pulses, now.timestamp(), self._off(view.name))
        except Exception:  # a mistake of ours about one machine must not keep all others from being watched
            if view.name not in self._broken:
                self._broken.add(view.name)
                log.exception("alerts of %s cannot be judged", view.name)
            return self.shown(view.name, now)
        self._tell([self._silenced(alert, now) for alert in changes.raised], changes.cleared)
        return self.shown(view.name, now)

    def shown(self, target: str, now: datetime) -> list[Alert]:
        """What holds of a machine, with how long nobody is called for it."""
        watch = self._watches.get(target)
        if watch is None or not watch.open:
            return []
        return [self._silenced(alert, now) for alert in watch.open.values()]

    def every(self, now: datetime) -> list[Alert]:
        """What holds of all machines, the oldest first."""
        found = [alert for target in self._watches for alert in self.shown(target, now)]
        return sorted(found, key=lambda alert: (alert.since, alert.target, alert.rule, alert.gpu or ""))

    async def silence(self, wanted: Silence) -> None:
        """Call nobody for a rule of a machine until then; a time that is over lets it call again."""
        await self._store.write(alerts.silence, wanted)
        self._silences = await self._store.read(alerts.silences)

    def detached(self, target: str) -> None:
        """A machine is none of ours any more: what was wrong with it is over."""
        watch = self._watches.pop(target, None)
        if watch is not None:
            self._tell([], list(watch.open.values()))

    def _silenced(self, alert: Alert, now: datetime) -> Alert:
        until = [silence.until for silence in self._silences if silence.covers(alert, now)]
        return replace(alert, silenced_until=max(until)) if until else alert

    def _tell(self, raised: list[Alert], cleared: list[Alert]) -> None:
        self._pending += [News(alert, False) for alert in cleared]
        self._pending += [News(alert, True) for alert in raised]
        if self._pending:
            self._some.set()

    async def _write_on(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            if not await self._write():
                await asyncio.sleep(AGAIN)
                self._some.set()

    async def _write(self) -> bool:
        """Write down all changes there are in one transaction; False when the store could not."""
        async with self._writing:
            pending, self._pending = self._pending, []
            try:
                if pending:
                    await self._store.write(alerts.note, pending)
            except StoreError as problem:
                log.warning("alerts are not written yet: %s", problem.message)
                self._pending = pending + self._pending
                return False
            return True

    async def _look_on(self) -> None:
        """Machines that rest are not brought by the monitor; what was wrong with them ends all the same."""
        while True:
            await asyncio.sleep(REST)
            self._pulses.keep(run for run in self._pulses.known() if self._follows(run))
            for target in [name for name, watch in self._watches.items() if watch.open]:
                self._again(target)
