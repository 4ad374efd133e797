"""One machine as the monitor watches it: its probe's stream, what came of it, who looks at it."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workbench.compute import bare_sampling, freshness
from workbench.compute.backoff import Backoff
from workbench.compute.fleet import Fleet
from workbench.compute.gpu_names import GpuNames
from workbench.compute.history import History
from workbench.compute.pace import Pace
from workbench.compute.probe_stream import Asked, Decoder, ProbeStream
from workbench.entities.alert import Alert
from workbench.entities.base import replace
from workbench.entities.machine_series import figures
from workbench.entities.machine_view import Freshness, Looking, MachineView, RunThere
from workbench.entities.plain import plain_processes, plain_view
from workbench.entities.queue import Cordon
from workbench.entities.sample import MachineSample
from workbench.entities.target import TargetState
from workbench.errors import NoPython, NotFound, RemoteError, WorkbenchError

EVERY = {Looking.CLOSELY: 0.1, Looking.VISIBLE: 1.0, Looking.AWAY: 5.0}
"""Seconds between samples for who looks so."""
SELDOM = EVERY[Looking.AWAY]
"""Seconds between samples that nobody looks at."""
WANTS = frozenset({Looking.CLOSELY, Looking.VISIBLE})
"""Who looks so is worth a connection."""
PATIENCE = Backoff(first=1.0, cap=60.0)
"""With a probe that fails while its link is up."""
STEADY = 30.0
"""Seconds a probe must go on to count as good."""
SETTLE = (0.1, 1.0)
"""Seconds before anything is tried again, drawn between these: many machines are lost in one moment."""
log = logging.getLogger(__name__)


Here = Callable[[Callable[[], float], Callable[[], Collection[str]]], AsyncGenerator[MachineSample, None]]
"""Samples of this machine: of how often they are wanted, and of which GPUs in detail, both asked again."""


class Means(NamedTuple):
    """What all machines of a monitor share."""

    fleet: Fleet
    decoder: Callable[[], Decoder]
    pace: Pace
    clock: Callable[[], float]
    """Seconds that go on while this computer sleeps."""
    wall: Callable[[], float]
    """Seconds since 1970."""
    changed: Callable[[str], None]
    """Told that the view of a machine is another one."""


class WatchedMachine:
    """See `Monitor`, which makes these and owns their `run`."""

    def __init__(self, name: str, means: Means) -> None:
        self.name = name
        self.history = History()
        self.gpus = GpuNames()
        self.alerts: list[Alert] = []
        self.runs: dict[str, RunThere] = {}
        self.leases: dict[str, str] = {}
        """Labels of leases that are no run's of ours, by the GPU's UUID."""
        self.cordon: Cordon | None = None
        self.here: Here | None = None
        """What samples this machine, for the one that is; others have a link."""
        self.unseen = False
        """Whether a sample came since the alerts' rules looked last."""
        self._means = means
        self._looks: Counter[Looking] = Counter()
        self._kick = asyncio.Event()
        self._stream: ProbeStream | None = None
        self._is_here = False
        self._failures = 0
        self._trouble: str | None = None
        self._sample: MachineSample | None = None
        self._came = 0.0
        self._heard: datetime | None = None
        self._freshness = Freshness.NEVER
        self._plain: dict[str, Any] | None = None
        self._detailed: dict[str, Any] | None = None

    def looked(self, looking: Looking, more: int) -> None:
        """One more (1) or less (-1) looks so."""
        self._looks[looking] += more
        self._ask()
        self.kick()

    @property
    def wanted(self) -> bool:
        """Whether somebody looks, so that it is worth a connection."""
        return any(self._looks[looking] > 0 for looking in WANTS)

    @property
    def _worth_it(self) -> bool:
        """Whether its samples are to be taken now."""
        return self.wanted or self._means.fleet.current(self.name) is not None

    def kick(self) -> None:
        """Something changed: who waits looks again."""
        self._kick.set()

    def change(self) -> None:
        """The view is another one."""
        self._plain = None
        self._means.changed(self.name)

    def _asked(self) -> Asked:
        looks = [looking for looking, count in self._looks.items() if count > 0]
        every = min((EVERY[looking] for looking in looks), default=SELDOM)
        detail: tuple[str, ...] = ()
        if Looking.CLOSELY in looks and self._sample is not None:
            detail = tuple(gpu.uuid for gpu in self._sample.gpus)
        return Asked(every, detail, resting=not self.wanted)

    def _ask(self) -> None:
        if self._stream is not None:
            self._stream.ask(self._asked())

    async def run(self) -> None:
        """Follow its probe while somebody looks or a link is up anyway, for ever."""
        while True:
            while not self._worth_it:
                await self._nap(None)
            try:
                await self._session()
            except WorkbenchError as problem:
                self._failed(problem.message)
            except (
                Exception
            ) as problem:  # whatever a machine sent, the others' and its own later figures go on
                log.error("watching %s broke", self.name, exc_info=problem)
                self._failed(f"its figures cannot be read: {problem!r}")
            await self._pause()

    async def _session(self) -> None:
        """Take samples until the stream ends, which raises why."""
        if self.here is not None:
            await self._session_here(self.here)
            return
        fleet = self._means.fleet
        link = fleet.current(self.name)
        if link is None:
            await self._means.pace.turn()
            try:
                link = await fleet.link(self.name)
            except NoPython:
                await self._session_bare()
                return
        began = self._means.clock()
        async with ProbeStream(link, self._asked(), self._means.decoder) as stream:
            self._stream = stream
            try:
                while True:
                    async with asyncio.timeout(freshness.LOST):
                        self._take(await anext(stream))
                    self._went_well(began)
            except StopAsyncIteration:
                raise RemoteError("its probe ended", "it is started again by itself") from None
            except TimeoutError:
                raise RemoteError("its probe says nothing", "it is started again by itself") from None
            finally:
                self._stream = None

    async def _session_here(self, here: Here) -> None:
        """Take samples of this machine, which needs no link, until nobody wants any."""
        self._is_here = True
        try:
            stream = here(lambda: self._asked().every, lambda: self._asked().detail)
            await self._follow(stream, lambda: self._worth_it)
        finally:
            self._is_here = False

    async def _session_bare(self) -> None:
        """Take what the shell of a machine without python tells; at its turn a link is tried again."""
        host = await self._means.fleet.own_host(self.name)
        try:
            stream = bare_sampling.samples(host, lambda: self._asked().every)
            await self._follow(stream, lambda: self.wanted and self._retry_in() != 0)
        finally:
            await host.close()

    async def _follow(self, stream: AsyncGenerator[MachineSample, None], goes_on: Callable[[], bool]) -> None:
        began = self._means.clock()
        async with aclosing(stream):
            async for sample in stream:
                self._take(sample)
                self._went_well(began)
                if not goes_on():
                    return

    def _went_well(self, began: float) -> None:
        if self._failures and self._means.clock() - began > STEADY:
            self._failures = 0

    def _take(self, sample: MachineSample) -> None:
        means, before = self._means, self._sample
        sample = self.gpus.named(sample)
        self._sample, self.unseen, self._trouble = sample, True, None
        self._came, wall = means.clock(), means.wall()
        self._heard = datetime.fromtimestamp(wall, UTC)
        self._freshness = Freshness.FRESH
        every = sample.every or self._asked().every
        self.history.add(int(wall), figures(sample), math.ceil(every) + 1)
        if before is None or [gpu.uuid for gpu in before.gpus] != [gpu.uuid for gpu in sample.gpus]:
            self._ask()
        self.change()

    def _failed(self, reason: str) -> None:
        if self.here is not None or self._means.fleet.current(self.name) is not None:
            self._failures += 1
            self._trouble = reason
            log.info("the probe of %s: %s", self.name, reason)
        self.change()

    async def _pause(self) -> None:
        """Wait until it is worth trying again: by the patience with its link, or with its probe."""
        fleet = self._means.fleet
        await asyncio.sleep(random.uniform(*SETTLE))
        if self.here is not None or fleet.current(self.name) is not None:
            if self._trouble is not None:
                await self._nap(PATIENCE.delay(self._failures, random.random()))
            return
        while fleet.current(self.name) is None and self.wanted:
            left = self._retry_in()
            if left == 0:
                return
            await self._nap(left)

    def _retry_in(self) -> float | None:
        try:
            return self._means.fleet.retry_in(self.name)
        except NotFound:  # it is being detached
            return None

    async def _nap(self, seconds: float | None) -> None:
        self._kick.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._kick.wait()
        except TimeoutError:
            pass

    @property
    def asked(self) -> bool:
        """Whether it is to say something now; one without runs that nobody looks at may rest."""
        return self._worth_it or bool(self.runs)

    def tick(self) -> bool:
        """Judge its freshness once a second; whether that has to go on."""
        if self._sample is None:
            return False
        age = max(0.0, self._means.clock() - self._came)
        every = max(self._sample.every or 0.0, self._asked().every)
        now = freshness.judge(age, every, self.asked)
        old = now in (Freshness.LATE, Freshness.LOST)
        if now is not self._freshness or old:
            self._freshness = now
            self.change()
        return now is not Freshness.RESTING

    @property
    def fresh(self) -> Freshness:
        """How fresh its sample is."""
        return self._freshness

    def view(self) -> MachineView:
        """How it stands now."""
        state, problem, retry = self._reached()
        return MachineView(
            name=self.name,
            state=state,
            problem=problem,
            retry=retry,
            freshness=self._freshness,
            age=None if self._sample is None else round(max(0.0, self._means.clock() - self._came), 1),
            heard=self._heard,
            sample=self._sample,
            runs=self.runs,
            held={**self.leases, **{gpu: run for run, there in self.runs.items() for gpu in there.gpus}},
            alerts=self.alerts,
            cordon=self.cordon,
        )

    def plain(self, *, processes: bool) -> dict[str, Any]:
        """The view as JSON, with its processes or none; made once for all who look, and not to be changed."""
        if self._plain is None:
            self._detailed = None
            view = self.view()
            if view.sample is not None:
                view = replace(view, sample=replace(view.sample, processes=[]))
            self._plain = plain_view(view)
        if not processes or self._sample is None:
            return self._plain
        if self._detailed is None:
            sample = {**self._plain["sample"], "processes": plain_processes(self._sample)}
            self._detailed = {**self._plain, "sample": sample}
        return self._detailed

    def _reached(self) -> tuple[TargetState, str | None, datetime | None]:
        try:
            state, problem = self._means.fleet.state(self.name)
        except NotFound:
            return TargetState.UNKNOWN, None, None
        if self._is_here and state in (TargetState.UNKNOWN, TargetState.IDLE):
            state = TargetState.CONNECTED  # it is this machine
        retry = None
        if state is TargetState.UNREACHABLE and (left := self._retry_in()):
            retry = datetime.fromtimestamp(round(self._means.wall() + left), UTC)
        return state, problem or self._trouble, retry
