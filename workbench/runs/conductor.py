"""Sees every active run through: sent, followed, its files collected. Owns one task a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.run import Run, RunState
from workbench.errors import Conflict, StoreError, UsageError
from workbench.remote.runs.run_status import is_unknown
from workbench.runs.activity import activity
from workbench.runs.after_end import note_after_end
from workbench.runs.collector import Collector
from workbench.runs.follower import RunFollower, TakenBack, Watcher
from workbench.runs.locks import Locks
from workbench.runs.sender import NotDelivered, Sender, local_status
from workbench.runs.status import Status, read_status
from workbench.runs.stored_secrets import stored_secrets
from workbench.store.arriving.offsets import offsets
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import placements
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs, run_rows
from workbench.store.sqlite.events import run_subject

WITHDRAW_SECONDS = 60.0
LOST_SEQ = 10_000
"""The place of a transition this side decides on after a machine's own."""
log = logging.getLogger(__name__)


class Conductor:
    """Starts, resumes and ends the tasks of one workspace's active runs. Used from the event loop only."""

    def __init__(
        self, store: AsyncStore, fleet: Fleet, watcher: Watcher, sender: Sender, collector: Collector
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._watcher = watcher
        self._sender = sender
        self._collector = collector
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._followers: dict[str, RunFollower] = {}
        self._ending: set[str] = set()
        self._adrift: dict[str, int] = {}  # run -> the attempt that was taken back
        self._secrets: dict[str, dict[str, str]] = {}
        self._changing = Locks()
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self.on_adrift: Callable[[], None] = lambda: None
        self.on_drained: Callable[[str], None] = lambda run_id: None
        self.settle_outputs: Callable[[Run], Awaitable[None]] = nothing_to_settle

    @property
    def active(self) -> int:
        """Runs that are being seen through now."""
        return len(self._tasks.keys() | self._adrift.keys())

    def adrift(self, run_id: str) -> bool:
        """Whether the run is on no machine: it was taken back from one and waits to be sent to another."""
        return run_id in self._adrift

    def unsent(self, run_id: str) -> bool:
        """Whether no machine can know of the run yet."""
        return self._sender.unsent(run_id)

    def follows(self, run_id: str) -> bool:
        """Whether more of the run's output may still arrive."""
        return run_id in self._followers or run_id in self._fetching

    def fetching(self, run_id: str) -> asyncio.Task[None] | None:
        """What fetches the output of a run that is over again; None when nobody does."""
        return self._fetching.get(run_id)

    def fetch(self, run: Run) -> asyncio.Task[None]:
        """Fetch the output again of a run that is over, as much of it as is not here."""
        follower = RunFollower(run, self._store, self._fleet, self._watcher)
        task = asyncio.create_task(follower.fetch(), name=f"output of {run.id}")
        self._fetching[run.id] = task
        task.add_done_callback(lambda done: self._fetched(run.id, done))
        return task

    def _fetched(self, run_id: str, task: asyncio.Task[None]) -> None:
        del self._fetching[run_id]
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.warning("output of run %s is not all here: %s", run_id, problem)
        elif not task.cancelled():
            self.on_drained(run_id)
        self._watcher.changed(run_id)

    async def settled(self, run_id: str) -> None:
        """Wait until no more of a run that is over is fetched by itself."""
        task = self._tasks.get(run_id)
        if task is not None:
            await asyncio.wait([task])

    def ending(self, run_id: str) -> bool:
        """Whether the run was over on its machine when it was adopted and this is not written here yet."""
        return run_id in self._ending and run_id in self._followers

    def heard(self, run_id: str) -> datetime | None:
        """When the run's machine was last heard while it is followed; None when the link is down."""
        follower = self._followers.get(run_id)
        return follower.heard() if follower is not None else None

    async def resume_all(self) -> None:
        """Take up every run that is not over: after a start, whatever ended the last server."""
        query = RunQuery(active=True, archived=None, limit=-1, submitted=True)
        for run in await self._store.read(kept_runs.find, query):
            self._start(run, None)

    def submit(self, run: Run, secrets: dict[str, str], *, placed: bool = False) -> None:
        """See a new run through. placed: it may go to another machine while it waits, with its secrets."""
        self._sender.expect(run.id)
        if placed and secrets:
            self._secrets[run.id] = secrets
        self._start(run, secrets)

    def _start(self, run: Run, secrets: dict[str, str] | None) -> None:
        if run.id not in self._tasks:
            self._followers[run.id] = RunFollower(run, self._store, self._fleet, self._watcher)
            task = asyncio.create_task(self._conduct(run, secrets), name=f"run {run.id}")
            self._tasks[run.id] = task
            task.add_done_callback(lambda done: self._ended(run.id, done))

    def _ended(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
            self._followers.pop(run_id, None)
            self._ending.discard(run_id)
            if not task.cancelled() and run_id not in self._adrift:
                self._secrets.pop(run_id, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("run %s is not followed any more", run_id, exc_info=problem)

    async def _stop(self, run_id: str) -> None:
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            self._ended(run_id, task)

    async def close(self) -> None:
        """End every task; runs go on where they are."""
        tasks = [*self._tasks.values(), *self._fetching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _conduct(self, run: Run, secrets: dict[str, str] | None) -> None:
        follower = self._followers[run.id]
        sent = (await self._store.read(offsets, self._store.spool, run.id)).seq > 0
        try:
            if not sent and not await self._sender.send(run, secrets, follower):
                return
            run = await self._followed(run, follower)
        except (NotDelivered, TakenBack):
            await self._set_adrift(run, follower)
            return
        self._followers.pop(run.id, None)
        self._watcher.changed(run.id)
        self.on_drained(run.id)
        await self._collector.collect(run)
        await self.settle_outputs(run)
        asked = await self._store.read(kept_runs.configuration, run.id)
        if asked.on_end:
            await note_after_end(self._store, self._fleet, run, len(asked.on_end))
            self._watcher.changed(run.id)
            await self._collector.collect(run, "logs/")

    async def _followed(self, run: Run, follower: RunFollower) -> Run:
        """Follow a run to its end, its logs/ looked after meanwhile. Raises TakenBack."""
        looking = asyncio.create_task(self._collector.collect_logs(run.id), name=f"logs of {run.id}")
        try:
            return await follower.follow()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _set_adrift(self, run: Run, follower: RunFollower) -> None:
        """Its machine gave it back, or takes on nothing new: whoever places runs is to find another."""
        if await self._store.read(placements.find, run.id) is None:
            lost = f"taken back from {run.target}, and no other machine is named"
            await follower.apply(local_status(RunState.CANCELED, "withdrawn", lost, run.attempt, LOST_SEQ))
            return
        self._adrift[run.id] = run.attempt
        with suppress(StoreError):  # only a note
            await follower.apply(
                Status([], [], None, f"not on {run.target} any more; it goes to another machine")
            )
        self.on_adrift()

    async def note(self, run: Run, words: str) -> None:
        """Say in a waiting run's row why it is where it is."""
        if run.message != words:
            follower = RunFollower(run, self._store, self._fleet, self._watcher)
            await follower.apply(Status([], [], None, words))

    async def move(self, run_id: str, target: str) -> bool:
        """Take a run that has not started to another machine of its pool; False when it had started.

        It is sent there once its machine has confirmed that it gave it back, so it never runs on both.
        Raises Unreachable, Conflict (its secrets died with the last server), NotFound.
        """
        async with self._lock(run_id):
            run = await self._store.read(run_rows.get, run_id)
            secrets = await self._secrets_of(run)
            if run.status not in placements.WAITING or run.attempt > 1:
                return False  # what ran before goes on in its folder
            if run.target == target and not self.adrift(run_id):
                return False
            free = self._sender.unsent(run_id) or self.adrift(run_id)
            await self._stop(run_id)
            try:
                if not free and not await self._withdraw(run):
                    self._start(run, secrets)
                    return False
                run = await self._store.write(placements.move, self._store.spool, run_id, target)
            except BaseException:
                self._start(run, secrets)
                raise
            self._adrift.pop(run_id, None)
            self._sender.expect(run_id)
            self._start(run, secrets)
            self._watcher.changed(run_id)
            return True

    async def _withdraw(self, run: Run) -> bool:
        """Ask a run's machine to give it back; whether it did. Raises Unreachable, RemoteError."""
        placement = await self._store.read(placements.find, run.id)
        link = await self._fleet.link(run.target)
        asked = {"run": run.id, "placement": placement.number if placement else 0, "attempt": run.attempt}
        answer = await link.call("withdraw", asked, timeout=WITHDRAW_SECONDS)
        return isinstance(answer, dict) and answer.get("withdrawn") is True

    async def _secrets_of(self, run: Run) -> dict[str, str]:
        configuration = await self._store.read(kept_runs.configuration, run.id)
        kept = self._secrets.get(run.id) or await stored_secrets(
            run, configuration.secrets, self._sender.stored
        )
        kept = kept or {}
        if set(configuration.secrets) - kept.keys():
            raise Conflict(f"{run.name} stays on {run.target}: its secrets died with the last server")
        return kept

    def _lock(self, run_id: str) -> asyncio.Lock:
        """Held by who changes where a run is, or ends it."""
        return self._changing.of(run_id)

    async def cancel(self, run: Run, grace: float | None) -> Run:
        """Cancel run on its machine; answers its row as of then.

        Raises Unreachable when its machine cannot be asked, Conflict when it is over.
        """
        async with self._lock(run.id), self._sender.arriving(run.id):
            run = await self._cancel(await self._store.read(run_rows.get, run.id), grace)
        self._secrets.pop(run.id, None)
        return run

    async def _cancel(self, run: Run, grace: float | None) -> Run:
        if run.status.terminal:
            raise Conflict(f"{run.name} is over already: {run.status.value}")
        follower = RunFollower(run, self._store, self._fleet, self._watcher)
        if self.adrift(run.id):
            del self._adrift[run.id]
            why = "canceled before it was sent to another machine"
            return await follower.apply(
                local_status(RunState.CANCELED, "canceled", why, run.attempt, LOST_SEQ)
            )
        if self._sender.unsent(run.id):
            await self._stop(run.id)
            return await follower.apply(
                local_status(RunState.CANCELED, "canceled", "canceled before it was sent", run.attempt)
            )
        link = await self._fleet.link(run.target, retry_now=True)
        asked = {"run": run.id, "grace": grace, "attempt": run.attempt}
        answer: dict[str, Any] = await link.call("cancel", asked)
        if is_unknown(answer.get("status")):
            # Nothing there to end, and nothing that is on its way starts any more.
            await self._stop(run.id)
            gone = f"canceled; {run.target} has no record of it"
            return await follower.apply(
                local_status(RunState.CANCELED, "canceled", gone, run.attempt, LOST_SEQ)
            )
        # The end itself is the follower's to write, after the last byte.
        run = await follower.apply(read_status(answer.get("status") or {}).without_end)
        self._start(run, None)
        return run

    async def adopt(self, run: Run, link: Link) -> Run:
        """See through a run its machine already has; its row as of then."""
        follower = RunFollower(run, self._store, self._fleet, self._watcher)
        status = read_status(await link.call("status", {"run": run.id}))
        if status.terminal:
            self._ending.add(run.id)
        run = await follower.apply(status.without_end)
        self._start(run, None)
        return run

    async def resume(self, run: Run, secrets: dict[str, str]) -> Run:
        """A new attempt of a run that is over, in the same folder; raises Conflict while it is active."""
        if not run.status.terminal:
            raise Conflict(f"{run.name} is still active", f"wb cancel {run.name} first")
        configuration = await self._store.read(kept_runs.configuration, run.id)
        missing = sorted(set(configuration.secrets) - secrets.keys())
        if missing:
            raise UsageError(
                f"the run needs the secret {missing[0]}", f"wb run resume --secret {missing[0]} ..."
            )
        link = await self._fleet.link(run.target, retry_now=True)
        await self._stop(run.id)
        run = replace(run, attempt=run.attempt + 1)
        spec = await self._sender.spec(run, configuration)
        subject = run_subject(run.experiment, run.id)
        async with activity(self._store, "submit", subject, f"resuming {run.name}") as progress:
            if (data := await self._sender.ready(link, run, configuration, progress)) is not None:
                spec["data"] = data
            status = await self._sender.deliver(link, run, spec, secrets, progress)
        run = await RunFollower(run, self._store, self._fleet, self._watcher).apply(status)
        self._start(run, None)
        return run

    async def forget(self, run_id: str) -> None:
        """Remove what this side keeps of a run beside its row."""
        await self._stop(run_id)
        if (fetching := self._fetching.get(run_id)) is not None:
            fetching.cancel()
            await asyncio.wait({fetching})
        self._adrift.pop(run_id, None)
        self._secrets.pop(run_id, None)
        await self._collector.forget(run_id)


async def nothing_to_settle(run: Run) -> None:
    """For a workspace whose runs have no named outputs."""
