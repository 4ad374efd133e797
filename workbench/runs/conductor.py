"""Sees every active run through: sent, followed, its files collected. Owns one task a run."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.run import Run, RunState
from workbench.errors import Conflict, NotFound, UsageError
from workbench.runs.activity import activity
from workbench.runs.collector import Collector
from workbench.runs.follower import RunFollower, Watcher
from workbench.runs.sender import Sender, local_status
from workbench.runs.status import read_status
from workbench.store import runs
from workbench.store.async_store import AsyncStore
from workbench.store.events import run_subject
from workbench.store.offsets import offsets
from workbench.store.query import RunQuery

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

    @property
    def active(self) -> int:
        """Runs that are being seen through now."""
        return len(self._tasks)

    def follows(self, run_id: str) -> bool:
        """Whether more of the run's output may still arrive."""
        return run_id in self._followers

    def ending(self, run_id: str) -> bool:
        """Whether the run was over on its machine when it was adopted and this is not written here yet."""
        return run_id in self._ending and run_id in self._followers

    def heard(self, run_id: str) -> datetime | None:
        """When the run's machine was last heard while it is followed; None when the link is down."""
        follower = self._followers.get(run_id)
        return follower.heard() if follower is not None else None

    async def resume_all(self) -> None:
        """Take up every run that is not over: after a start, whatever ended the last server."""
        for run in await self._store.read(runs.find, RunQuery(active=True, archived=None, limit=-1)):
            self._start(run, None)

    def submit(self, run: Run, secrets: dict[str, str]) -> None:
        """See a new run through."""
        self._sender.expect(run.id)
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
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _conduct(self, run: Run, secrets: dict[str, str] | None) -> None:
        follower = self._followers[run.id]
        sent = (await self._store.read(offsets, self._store.spool, run.id)).seq > 0
        if not sent and not await self._sender.send(run, secrets, follower):
            return
        looking = asyncio.create_task(self._collector.collect_logs(run.id), name=f"logs of {run.id}")
        try:
            run = await follower.follow()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        self._followers.pop(run.id, None)
        self._watcher.changed(run.id)
        await self._collector.collect(run)

    async def cancel(self, run: Run, grace: float | None) -> Run:
        """Cancel run on its machine; answers its row as of then.

        Raises Unreachable when its machine cannot be asked, Conflict when it is over.
        """
        if run.status.terminal:
            raise Conflict(f"{run.name} is over already: {run.status.value}")
        follower = RunFollower(run, self._store, self._fleet, self._watcher)
        if self._sender.unsent(run.id):
            await self._stop(run.id)
            return await follower.apply(
                local_status(RunState.CANCELED, "canceled", "canceled before it was sent", run.attempt)
            )
        link = await self._fleet.link(run.target, retry_now=True)
        try:
            answer: dict[str, Any] = await link.call("cancel", {"run": run.id, "grace": grace})
        except NotFound:
            # Nothing there to end, and only the user can say that it is over.
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
        configuration = await self._store.read(runs.configuration, run.id)
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
            status = await self._sender.deliver(link, run, spec, secrets, progress)
        run = await RunFollower(run, self._store, self._fleet, self._watcher).apply(status)
        self._start(run, None)
        return run

    async def forget(self, run_id: str) -> None:
        """Remove what this side keeps of a run beside its row."""
        await self._stop(run_id)
        await self._collector.forget(run_id)
