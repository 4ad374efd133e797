"""Sees every active run through: delivered, followed, its files collected. Owns one task a run."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.run import Run, RunFile, RunState, Transition
from workbench.errors import Conflict, NotFound, RemoteError, Unreachable, WorkbenchError
from workbench.runs.collect import choose, fetch, readable_files
from workbench.runs.delivery import Progress, deliver_run, deliver_snapshot
from workbench.runs.follower import RunFollower, Watcher
from workbench.runs.spec import make_spec
from workbench.runs.status import Status, read_status
from workbench.settings import CollectSettings
from workbench.store.keeper import Keeper
from workbench.store.query import RunQuery
from workbench.store.store import Store

DELIVERY_RETRY = 2.0
log = logging.getLogger(__name__)


class Conductor:
    """Starts, resumes and ends the tasks of one workspace's active runs. Used from the event loop only."""

    def __init__(
        self,
        workspace: str,
        files: Path,
        keep: Keeper,
        fleet: Fleet,
        watcher: Watcher,
        settings: CollectSettings,
    ) -> None:
        self._workspace = workspace
        self._files = files
        self._keep = keep
        self._fleet = fleet
        self._watcher = watcher
        self._settings = settings
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._following: set[str] = set()
        self._ways: dict[str, asyncio.Lock] = {}
        """Who may send to a machine now."""
        self._unsent: set[str] = set()
        """Runs no byte of whose spec has left: these alone may be cancelled without their machine."""

    @property
    def active(self) -> int:
        """Runs that are being seen through now."""
        return len(self._tasks)

    def follows(self, run_id: str) -> bool:
        """Whether more of the run's output may still arrive."""
        return run_id in self._following

    async def resume_all(self) -> None:
        """Take up every run that is not over: after a start, whatever ended the last server."""
        for run in await self._keep(Store.find_runs, RunQuery(active=True, archived=None, limit=100_000)):
            self.start(run)

    def start(
        self, run: Run, secrets: dict[str, str] | None = None, progress: Progress | None = None
    ) -> None:
        """See run through; a run that is already being seen to is left alone."""
        if run.id not in self._tasks:
            task = asyncio.create_task(self._conduct(run, secrets, progress or _silent), name=f"run {run.id}")
            self._tasks[run.id] = task
            self._following.add(run.id)
            task.add_done_callback(lambda done: self._ended(run.id, done))

    def _ended(self, run_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(run_id, None)
        self._following.discard(run_id)
        self._unsent.discard(run_id)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("run %s is not followed any more", run_id, exc_info=problem)

    async def close(self) -> None:
        """End every task; runs go on where they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _conduct(self, run: Run, secrets: dict[str, str] | None, progress: Progress) -> None:
        follower = RunFollower(run, self._keep, self._fleet, self._watcher)
        sent = (await self._keep(Store.offsets, run.id)).seq > 0
        if not sent and not await self._deliver(run, secrets, progress, follower):
            return
        looking = asyncio.create_task(self._watch_logs(run.id), name=f"logs of {run.id}")
        try:
            run = await follower.follow()
        except NotFound as problem:
            await follower.apply(_local(RunState.FAILED, "lost", problem.message, run.attempt, seq=10_000))
            return
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        self._following.discard(run.id)
        self._watcher.changed(run)
        await self._collect(run, "")

    async def _deliver(
        self, run: Run, secrets: dict[str, str] | None, progress: Progress, follower: RunFollower
    ) -> bool:
        """Bring the run to its machine, however often the link breaks; False when it ended here instead."""
        self._unsent.add(run.id)
        configuration = await self._keep(Store.configuration, run.id)
        if configuration.secrets and secrets is None:
            message = (
                "the server ended before the run was sent, and secrets are never stored: submit it again"
            )
            await follower.apply(_local(RunState.FAILED, "not_delivered", message, run.attempt))
            return False
        spec = make_spec(run, configuration, await self._keep(Store.target, run.target), self._workspace)
        # One at a time a machine: they arrive in the order they were submitted, and no file is sent twice.
        async with self._ways.setdefault(run.target, asyncio.Lock()):
            return await self._send(run, spec, secrets or {}, progress, follower)

    async def _send(
        self,
        run: Run,
        spec: dict[str, Any],
        secrets: dict[str, str],
        progress: Progress,
        follower: RunFollower,
    ) -> bool:
        while True:
            try:
                link = await self._fleet.link(run.target)
                if run.snapshot is not None:
                    base = await self._last_snapshot(run)
                    await deliver_snapshot(link, self._keep, run.snapshot, base, progress)
                self._unsent.discard(run.id)
                status = await deliver_run(link, spec, secrets)
                await follower.apply(read_status(status))
                return True
            except Unreachable as problem:
                log.info("run %s waits for %s: %s", run.id, run.target, problem.message)
                await self._note(run, f"not sent yet: {problem.message}", follower)
                await asyncio.sleep(DELIVERY_RETRY)
            except WorkbenchError as problem:
                await follower.apply(_local(RunState.FAILED, "not_delivered", problem.message, run.attempt))
                return False

    async def _note(self, run: Run, text: str, follower: RunFollower) -> None:
        await follower.apply(Status([], [], None, text))

    async def _last_snapshot(self, run: Run) -> str | None:
        for other in await self._keep(Store.find_runs, RunQuery(target=run.target, archived=None, limit=10)):
            if other.snapshot is not None and other.id != run.id and other.status is not RunState.NOT_STARTED:
                return other.snapshot
        return None

    async def _watch_logs(self, run_id: str) -> None:
        """Collect logs/ while the run goes on (AZ-86); a machine out of reach is asked again later."""
        while True:
            await asyncio.sleep(self._settings.logs_every)
            run = await self._keep(Store.run, run_id)
            if run.status is RunState.RUNNING:
                await self._collect(run, "logs/")

    async def _collect(self, run: Run, prefix: str) -> None:
        try:
            link = await self._fleet.link(run.target)
            for file in choose(await self.list_files(link, run.id), self._settings, prefix):
                await self.fetch_file(link, run.id, file)
        except (Unreachable, RemoteError) as problem:
            # Collecting is a convenience: `wb run download` asks the machine again.
            log.warning("files of run %s are not here yet: %s", run.id, problem.message)

    async def list_files(self, link: Link, run_id: str) -> list[RunFile]:
        """The run's files as its machine has them now, also written to the store."""
        files = readable_files((await link.call("files", {"run": run_id})).get("files"))
        known = {file.path: file for file in await self._keep(Store.files, run_id)}
        merged = []
        for file in files:
            old = known.get(file.path)
            same = old is not None and (old.size, old.modified) == (file.size, file.modified)
            merged.append(old if same and old is not None else file)
        await self._keep(Store.put_files, run_id, merged)
        return merged

    async def fetch_file(self, link: Link, run_id: str, file: RunFile) -> Path:
        """The file on this side, fetched unless it is here already; raises RemoteError, Unreachable."""
        path = self.file_path(run_id, file.path)
        if not (file.collected and path.exists()):
            digest = await fetch(link, run_id, file.path, path)
            await self._keep(Store.mark_collected, run_id, file.path, digest)
        return path

    def file_path(self, run_id: str, path: str) -> Path:
        """Where a collected file lies on this side."""
        return self._files / run_id / path

    async def cancel(self, run: Run, grace: float | None) -> Run:
        """Cancel run on its machine; answers its row as of then.

        Raises Unreachable when its machine cannot be asked, Conflict when it is over.
        """
        if run.status.terminal:
            raise Conflict(f"{run.name} is over already: {run.status.value}")
        follower = RunFollower(run, self._keep, self._fleet, self._watcher)
        if run.id in self._unsent:
            self._tasks[run.id].cancel()
            return await follower.apply(
                _local(RunState.CANCELED, "canceled", "canceled before it was sent", run.attempt)
            )
        link = await self._fleet.link(run.target)
        answer: dict[str, Any] = await link.call("cancel", {"run": run.id, "grace": grace})
        return await follower.apply(read_status(answer.get("status") or {}))

    async def adopt(self, run: Run, link: Link) -> Run:
        """See through a run its machine already has; its row as of then."""
        answer = await link.call("status", {"run": run.id})
        status = read_status(answer.get("status") or answer)
        run = await RunFollower(run, self._keep, self._fleet, self._watcher).apply(status.without_end)
        self.start(run)
        return run

    async def resume(self, run: Run, secrets: dict[str, str]) -> Run:
        """A new attempt of a run that is over, in the same folder; raises Conflict while it is active."""
        if not run.status.terminal:
            raise Conflict(f"{run.name} is still active", f"wb cancel {run.name} first")
        configuration = await self._keep(Store.configuration, run.id)
        spec = make_spec(run, configuration, await self._keep(Store.target, run.target), self._workspace)
        spec["attempt"] = run.attempt + 1
        link = await self._fleet.link(run.target)
        status = await deliver_run(link, spec, secrets)
        run = await RunFollower(run, self._keep, self._fleet, self._watcher).apply(read_status(status))
        self.start(run)
        return run


def _silent(_: str, __: int, ___: int) -> None:
    """Nobody watches this delivery."""


def _local(state: RunState, cause: str, message: str, attempt: int, seq: int = 1) -> Status:
    """A status this side decides on, for a run that no machine has a record of."""
    transition = Transition(
        seq=seq, state=state, time=datetime.now(UTC), attempt=attempt, cause=cause, message=message
    )
    return Status([transition], [], None, None)
