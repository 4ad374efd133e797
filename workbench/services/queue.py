"""The queues of machines as a service: who waits and why, and changing that."""

from __future__ import annotations

import asyncio
from typing import Any

from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.queue import MachineQueue, QueueEntry, QueueOutcome
from workbench.entities.run import Run
from workbench.entities.target import Target, TargetState
from workbench.errors import UsageError, WorkbenchError
from workbench.runs.queue_words import Queue, read_outcome, read_queue
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import placements, targets
from workbench.store.lists import run_order

ASK_SECONDS = 20.0
PLACES = ("first", "last", "before", "after")
Words = list[str]
Entries = list[QueueEntry]
Machines = list[MachineQueue]
Queues = list[Queue]


class QueueService:
    """What can be done with the queues of machines; runs are any references."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(self, target: str | None = None) -> Entries:
        """Who runs and who waits, machine by machine: leases first, then those that wait in their order.

        Without a target: of every machine that is connected or has runs. One that cannot be asked is left
        out here and named by `queue.machines`; with a target its error is raised.
        """
        placed = dict(await self._store.read(placements.waiting))
        return [
            self._placed(entry, placed[entry.run]) if entry.run in placed else entry
            for queue in await self._queues(target)
            for entry in queue.entries
        ]

    def _placed(self, entry: QueueEntry, pool: str) -> QueueEntry:
        """With what is known of the other machines it may go to."""
        return replace(entry, pool=pool, elsewhere=self._context.placer.elsewhere(entry.run))

    @call
    async def machines(self, target: str | None = None) -> Machines:
        """The same machines in a line each: how many run and wait, a cordon, why one could not be asked."""
        return [queue.machine for queue in await self._queues(target)]

    async def _queues(self, name: str | None) -> Queues:
        if name is not None:
            await self._store.read(targets.get, name)
            return [await self._look(name, await self._context.link(name))]
        attached = await self._store.read(targets.every)
        used = {target for target, _, _ in await self._store.read(run_order.active)}
        asked = [target for target in attached if target.name in used or self._connected(target)]
        return await asyncio.gather(*(self._look_or_say(target.name) for target in asked))

    def _connected(self, target: Target) -> bool:
        return self._context.fleet.state(target.name)[0] is TargetState.CONNECTED

    async def _look_or_say(self, name: str) -> Queue:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await self._look(name, await self._context.fleet.link(name))
        except WorkbenchError as problem:
            said = problem.message
        except TimeoutError:
            said = f"it did not answer within {ASK_SECONDS:g} s"
        return Queue(MachineQueue(target=name, problem=said), [])

    async def _look(self, name: str, link: Link) -> Queue:
        queue = read_queue(name, await link.call("queue", {}, timeout=ASK_SECONDS))
        await self._context.cordons.note(name, queue.machine.cordon)
        return queue

    @call
    async def hold(self, runs: Words) -> QueueOutcome:
        """Keep runs from starting until they are released; one that runs already is refused."""
        return await self._change("hold", runs)

    @call
    async def release(self, runs: Words) -> QueueOutcome:
        """Let runs start again that were on hold."""
        return await self._change("release", runs)

    @call
    async def priority(self, runs: Words, priority: int) -> QueueOutcome:
        """Have runs that did not start go by another priority; higher goes first (AZ-40)."""
        return await self._change("priority", runs, priority=priority)

    @call
    async def move(self, runs: Words, place: str, other: str | None = None) -> QueueOutcome:
        """Put waiting runs first, last, or before or after another one, in the order they are named in.

        They change places with this user's own runs on the machine: nobody else's is passed.
        """
        if place not in PLACES or (place in ("before", "after")) != (other is not None):
            raise UsageError("runs move first or last, or before or after another run")
        if other is None:
            return await self._change("move", runs, place=place)
        beside = await self._context.submitted(other)
        return await self._change("move", runs, beside, place=place, other=beside.id)

    async def _change(
        self, method: str, references: Words, beside: Run | None = None, **parameters: Any
    ) -> QueueOutcome:
        """Ask the machines of the runs; what one of them could not be asked for is refused with its error."""
        found = [await self._context.submitted(reference) for reference in references]
        by_target: dict[str, Words] = {}
        refused: dict[str, str] = {}
        for run in found:
            if run.status.terminal:
                refused[run.id] = "it is over"
            elif beside is not None and run.target != beside.target:
                refused[run.id] = f"it is on {run.target}, {beside.name} is on {beside.target}"
            else:
                by_target.setdefault(run.target, []).append(run.id)
        outcomes = await asyncio.gather(
            *(self._ask(target, method, runs, parameters) for target, runs in by_target.items())
        )
        for outcome in outcomes:
            refused |= outcome.refused
        changed = {run for outcome in outcomes for run in outcome.changed}
        return QueueOutcome(changed=[run.id for run in found if run.id in changed], refused=refused)

    async def _ask(self, target: str, method: str, runs: Words, parameters: dict[str, Any]) -> QueueOutcome:
        try:
            link = await self._context.link(target)
            answer = await link.call(method, {"runs": runs, **parameters}, timeout=ASK_SECONDS)
        except WorkbenchError as problem:
            return QueueOutcome(refused=dict.fromkeys(runs, problem.message))
        return read_outcome(answer, runs)
