"""Sending runs to their machines: in order, however often the link breaks, never a second time."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run, RunState, Transition
from workbench.errors import NotFound, Unreachable, WorkbenchError
from workbench.runs.activity import Progress, activity
from workbench.runs.delivery import deliver_run, deliver_snapshot
from workbench.runs.follower import RunFollower
from workbench.runs.spec import make_spec
from workbench.runs.status import Status, read_status
from workbench.store.keeper import Keeper
from workbench.store.query import RunQuery
from workbench.store.store import Store

RETRY_SECONDS = 2.0
log = logging.getLogger(__name__)


class Sender:
    """One workspace's way out to its machines."""

    def __init__(self, workspace: str, keep: Keeper, fleet: Fleet) -> None:
        self._workspace = workspace
        self._keep = keep
        self._fleet = fleet
        self._ways: dict[str, asyncio.Lock] = {}
        self._unsent: set[str] = set()

    def expect(self, run_id: str) -> None:
        """A run that was made just now: no machine can know it yet."""
        self._unsent.add(run_id)

    def unsent(self, run_id: str) -> bool:
        """Whether no machine can know of the run, so that it can be cancelled here alone."""
        return run_id in self._unsent

    def forget(self, run_id: str) -> None:
        """The run needs no sending any more."""
        self._unsent.discard(run_id)

    async def spec(self, run: Run, configuration: RunConfiguration) -> dict[str, Any]:
        """What travels of run; raises NotFound when its target was detached."""
        return make_spec(run, configuration, await self._keep(Store.target, run.target), self._workspace)

    async def send(self, run: Run, secrets: dict[str, str] | None, follower: RunFollower) -> bool:
        """Bring the run to its machine; False when it ended here instead, its row says why.

        secrets: None when nobody remembers them, after a restart of the server.
        """
        subject = f"experiments/{run.experiment}/runs/{run.id}"
        try:
            async with activity(self._keep, "submit", subject, f"sending {run.name}") as progress:
                # One at a time a machine: they arrive in the order they were submitted, no file goes twice.
                async with self._ways.setdefault(run.target, asyncio.Lock()):
                    await self._send(run, secrets, follower, progress)
        except WorkbenchError as problem:
            await follower.apply(local_status(RunState.FAILED, "not_delivered", problem.message, run.attempt))
            return False
        finally:
            self.forget(run.id)
        return True

    async def _send(
        self, run: Run, secrets: dict[str, str] | None, follower: RunFollower, progress: Progress
    ) -> None:
        configuration = await self._keep(Store.configuration, run.id)
        spec = await self.spec(run, configuration)
        while True:
            try:
                link = await self._fleet.link(run.target)
                if secrets is None and configuration.secrets:
                    # The last server may have sent it before it was killed; its secrets died with it.
                    await follower.apply(await self._asked(run))
                    return
                if run.snapshot is not None:
                    base = await self._last_snapshot(run)
                    await deliver_snapshot(link, self._keep, run.snapshot, base, progress)
                self.forget(run.id)
                status = await deliver_run(link, spec, secrets or {})
                await follower.apply(read_status(status).without_end)
                return
            except Unreachable as problem:
                log.info("run %s waits for %s: %s", run.id, run.target, problem.message)
                await follower.apply(Status([], [], None, f"not sent yet: {problem.message}"))
                await progress.report(f"waiting for {run.target}: {problem.message}")
                await asyncio.sleep(RETRY_SECONDS)

    async def _asked(self, run: Run) -> Status:
        link = await self._fleet.link(run.target)
        try:
            answer = await link.call("status", {"run": run.id})
        except NotFound as problem:
            raise NotFound(
                "the server ended before the run was sent, and secrets are never stored", "submit it again"
            ) from problem
        return read_status(answer).without_end

    async def _last_snapshot(self, run: Run) -> str | None:
        """A snapshot the machine probably has."""
        for other in await self._keep(Store.find_runs, RunQuery(target=run.target, archived=None, limit=10)):
            if other.snapshot is not None and other.id != run.id and other.status is not RunState.NOT_STARTED:
                return other.snapshot
        return None


def local_status(state: RunState, cause: str, message: str, attempt: int, seq: int = 1) -> Status:
    """A status this side decides on, for a run that no machine has a record of."""
    transition = Transition(
        seq=seq, state=state, time=datetime.now(UTC), attempt=attempt, cause=cause, message=message
    )
    return Status([transition], [], None, None)
