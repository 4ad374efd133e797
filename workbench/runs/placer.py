"""Runs that may go to several machines: placed at their submit, and again while they have not started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.lasting import lasting
from workbench.entities.configuration import RunConfiguration
from workbench.entities.pool import ANY
from workbench.entities.run import Run, RunState
from workbench.entities.target import Target, TargetKind, TargetState
from workbench.errors import NotFound, WorkbenchError
from workbench.remote.queue.leases import resolve_devices
from workbench.runs.conductor import Conductor
from workbench.runs.placement import Offer, better, choose, read_offer, refusal, verdicts
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import placements, pools, targets
from workbench.store.runs import kept_runs, run_rows

ASK_SECONDS = 10.0
EVERY = 10.0
"""Seconds between two looks whether a run that waits could start elsewhere."""
HELD = "on hold"
log = logging.getLogger(__name__)


class Placer:
    """Chooses machines for the runs of one workspace. Used from the event loop only.

    rounds: how often all that wait were looked at.
    """

    def __init__(self, store: AsyncStore, fleet: Fleet, conductor: Conductor) -> None:
        self._store = store
        self._fleet = fleet
        self._conductor = conductor
        self.rounds = 0
        self._told: dict[str, dict[str, str]] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        conductor.on_adrift = self._wake.set

    def start(self) -> None:
        """Begin to look after the runs that wait."""
        self._task = lasting(self._look_after, "placing runs")

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def elsewhere(self, run_id: str) -> dict[str, str]:
        """What was found of the other machines when the run was last looked after: name -> why not there."""
        return self._told.get(run_id, {})

    async def targets_of(self, pool: str) -> list[Target]:
        """The machines of a pool in its order, those that are attached; raises NotFound."""
        attached = {target.name: target for target in await self._store.read(targets.every)}
        found = await self._store.read(pools.find, pool)
        if found is not None:
            return [attached[name] for name in found.targets if name in attached]
        if pool != ANY:
            raise NotFound(f"no pool {pool!r}", "wb compute pool ls shows them")
        machines = [target for target in attached.values() if target.kind is not TargetKind.LOCAL]
        return sorted(machines, key=lambda target: not target.default) or list(attached.values())

    async def place(self, pool: str, configuration: RunConfiguration) -> Target:
        """The machine for a new run.

        Raises NotFound (pool), Refused (more is asked than any has, AZ-36), Unreachable (none takes it now).
        """
        machines = await self.targets_of(pool)
        offers = await self._offers(machines, configuration, {})
        chosen = choose(offers)
        if chosen is None:
            raise refusal(pool, offers)
        return next(target for target in machines if target.name == chosen)

    async def _look_after(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._round()
            except WorkbenchError as problem:
                log.warning("runs are not placed again now: %s", problem.message)
            self.rounds += 1

    async def _round(self) -> None:
        """One look at all runs that wait. What one of them takes of a machine is not offered to the next."""
        waiting = await self._store.read(placements.waiting)
        self._told = {run: self._told[run] for run, _ in waiting if run in self._told}
        known: dict[tuple[Any, ...], Offer] = {}
        for run_id, pool in waiting:
            try:
                run = await self._store.read(run_rows.get, run_id)
                configuration = await self._store.read(kept_runs.configuration, run_id)
                machines = await self.targets_of(pool)
                await self._look_at(run, pool, configuration, machines, known)
            except WorkbenchError as problem:
                log.info("run %s is not placed again now: %s", run_id, problem.message)

    async def _look_at(
        self,
        run: Run,
        pool: str,
        configuration: RunConfiguration,
        machines: list[Target],
        known: dict[tuple[Any, ...], Offer],
    ) -> None:
        adrift = self._conductor.adrift(run.id)
        if not adrift and not self._may_move(run):
            return
        offers = await self._offers(machines, configuration, known)
        others = [offer for offer in offers if offer.target != run.target]
        self._told[run.id] = verdicts(others)
        if adrift:
            chosen = choose(offers)
            if chosen is None:
                await self._conductor.note(run, f"no machine of {pool} can take it now")
        else:
            here = next((offer for offer in offers if offer.target == run.target), None)
            chosen = better(here or Offer(run.target, 0, closed="it left the pool"), others)
        if chosen is None:
            return
        if await self._conductor.move(run.id, chosen):
            log.info("run %s goes from %s to %s", run.id, run.target, chosen)
            self._told.pop(run.id, None)
            for key, offer in known.items():  # until it says so itself, it holds what it was promised
                if offer.target == chosen:
                    left = offer.free - offer.wanted
                    starts = offer.starts and offer.wanted > 0 and left >= offer.wanted
                    known[key] = offer._replace(free=left, starts=starts, ahead=offer.ahead + 1)

    def _may_move(self, run: Run) -> bool:
        """Whether it waits and may be taken elsewhere: one on hold stays, one that prepares goes on."""
        if run.status is RunState.QUEUED:
            return run.message != HELD
        return run.status is RunState.NOT_STARTED and self._conductor.unsent(run.id)

    async def _offers(
        self, machines: Iterable[Target], configuration: RunConfiguration, known: dict[tuple[Any, ...], Offer]
    ) -> list[Offer]:
        """What each machine can do for such a run. known: this round's answers, by who was asked for what."""
        asks = {target.name: question(target, configuration) for target in machines}
        keys = {name: (name, *(str(value) for value in ask.values())) for name, ask in asks.items()}
        new = [target for target in machines if keys[target.name] not in known]
        for offer in await asyncio.gather(*(self._ask(target, asks[target.name]) for target in new)):
            known[keys[offer.target]] = offer
        return [known[key] for key in keys.values()]

    async def _ask(self, target: Target, ask: dict[str, Any]) -> Offer:
        wanted = int(ask["gpus"])
        try:
            async with asyncio.timeout(ASK_SECONDS):
                link = await self._fleet.link(target.name)
                limits = {name: ask[name] for name in ("foreign_memory", "foreign_utilisation")}
                return read_offer(target.name, wanted, await link.call("queue", {"ask": ask, **limits}))
        except WorkbenchError as problem:
            said = problem.message
        except TimeoutError:
            said = f"it did not answer within {ASK_SECONDS:g} s"
        state, _ = self._fleet.state(target.name)
        words = "needs a sign-in" if state is TargetState.NEEDS_SIGN_IN else "cannot be reached"
        return Offer(target.name, wanted, usable=_measured(target), closed=f"{words}: {said}")


def question(target: Target, configuration: RunConfiguration) -> dict[str, Any]:
    """What a machine is asked about such a run."""
    settings = target.settings
    return {
        "gpus": configuration.gpus if configuration.gpus is not None else settings.gpus,
        "devices": settings.devices,
        "slots": settings.slots,
        "priority": configuration.priority,
        "experiment": configuration.experiment,
        "name": configuration.name,
        "timeout": configuration.timeout,
        "foreign_memory": settings.foreign_memory,
        "foreign_utilisation": settings.foreign_utilisation,
    }


def _measured(target: Target) -> int | None:
    """GPUs a machine can use by what was measured last; None where it never was."""
    listed = target.facts.get("gpus")
    if not isinstance(listed, list):
        return None
    found = [str(gpu["uuid"]) for gpu in listed if isinstance(gpu, dict) and "uuid" in gpu]
    return len(resolve_devices(target.settings.devices, found))
