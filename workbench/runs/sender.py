"""Sending runs to their machines: in order, however often the link breaks, never a second time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run, RunState, Transition
from workbench.errors import NotFound, Refused, StoreError, Unreachable, WorkbenchError
from workbench.runs.activity import Progress, activity
from workbench.runs.data.run_inputs import RunInputs
from workbench.runs.delivery import deliver_run, deliver_snapshot
from workbench.runs.follower import RunFollower
from workbench.runs.locks import Locks
from workbench.runs.run_environments import RunEnvironments
from workbench.runs.spec import make_spec
from workbench.runs.status import Status, read_status
from workbench.runs.stored_secrets import Reader, none_stored, stored_secrets
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import placements, targets
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs
from workbench.store.sqlite.events import run_subject
from workbench.text.sizes import short

RETRY_SECONDS = 2.0
NOTE_SECONDS = 2.0
"""Seconds between two words in a run's row about how far its data is."""
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class NotDelivered(WorkbenchError):
    """The machine said no, and has no record of the run."""

    code = "not_delivered"


class Sender:
    """One workspace's way out to its machines."""

    def __init__(
        self,
        workspace: str,
        store: AsyncStore,
        fleet: Fleet,
        stored: Reader = none_stored,
        data: RunInputs | None = None,
        environments: RunEnvironments | None = None,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._fleet = fleet
        self._environments = environments
        self.stored = stored
        self.data = data
        self._ways: dict[str, asyncio.Lock] = {}
        self._unsent: set[str] = set()
        self._arriving = Locks()

    def expect(self, run_id: str) -> None:
        """A run that was made just now: no machine can know it yet."""
        self._unsent.add(run_id)

    def unsent(self, run_id: str) -> bool:
        """Whether no machine can know of the run, so that it can be cancelled here alone."""
        return run_id in self._unsent

    def arriving(self, run_id: str) -> asyncio.Lock:
        """Held while the run is on its way to its machine, and by who asks the machine for it meanwhile.

        A question that overtook it would find nothing there, of a run that is about to start.
        """
        return self._arriving.of(run_id)

    async def spec(self, run: Run, configuration: RunConfiguration) -> dict[str, Any]:
        """What travels of run; raises NotFound when its target was detached."""
        target = await self._store.read(targets.get, run.target)
        placement = await self._store.read(placements.find, run.id)
        number = placement.number if placement is not None else 0
        return make_spec(run, configuration, target, self._workspace, number)

    async def send(self, run: Run, secrets: dict[str, str] | None, follower: RunFollower) -> bool:
        """Bring the run to its machine; False when it ended here instead, its row says why.

        Tried for as long as the machine is out of reach or this disk takes nothing: only a machine that
        refuses, and does not have the run, ends it. secrets: None when nobody remembers them (a restart).
        Raises NotDelivered for a machine that takes on nothing new, where the run may go to another.
        """
        subject = run_subject(run.experiment, run.id)
        try:
            async with activity(self._store, "submit", subject, f"sending {run.name}") as progress:
                await self._until_supplied(run, secrets, follower, progress)
                data = await self._until_ready(run, follower, progress)
                # One at a time a machine: they arrive in the order they were submitted, no file goes twice.
                async with self._ways.setdefault(run.target, asyncio.Lock()):
                    once = partial(self._once, run=run, secrets=secrets, progress=progress, data=data)
                    status = await self._until_done(run, follower, progress, once)
        except NotDelivered as problem:
            if problem.data.get("refused") and await self._store.read(placements.find, run.id) is not None:
                raise
            status = local_status(RunState.FAILED, "not_delivered", problem.message, run.attempt)
        finally:
            self._unsent.discard(run.id)
        await self._written(follower, status)
        return not status.terminal

    async def _until_supplied(
        self, run: Run, secrets: dict[str, str] | None, follower: RunFollower, progress: Progress
    ) -> None:
        """Have all on its machine that the run's environment is built of, beside the way of other runs."""
        if self._environments is None:
            return
        configuration = await self._store.read(kept_runs.configuration, run.id)
        target = await self._store.read(targets.get, run.target)
        environments = self._environments

        async def once(link: Link) -> None:
            try:
                await environments.supply(run, configuration, target, link, secrets or {}, progress)
            except (Unreachable, StoreError):
                raise
            except WorkbenchError as problem:
                refused = isinstance(problem, Refused)
                raise NotDelivered(problem.message, problem.hint, refused=refused) from problem

        await self._until_done(run, follower, progress, once)

    async def _until_ready(
        self, run: Run, follower: RunFollower, progress: Progress
    ) -> dict[str, Any] | None:
        """Have the run's data on its machine, beside the way of other runs: it may take hours."""
        configuration = await self._store.read(kept_runs.configuration, run.id)
        if self.data is None or not (configuration.data_inputs or configuration.outputs):
            return None
        once = partial(self.ready, run=run, configuration=configuration, progress=progress, follower=follower)
        return await self._until_done(run, follower, progress, once)

    async def ready(
        self,
        link: Link,
        run: Run,
        configuration: RunConfiguration,
        progress: Progress,
        follower: RunFollower | None = None,
    ) -> dict[str, Any] | None:
        """One try to have the run's data on its machine; what its spec says of it, None for a run without.

        Raises Unreachable, StoreError; NotDelivered for what cannot be had.
        """
        if self.data is None:
            return None
        noted = 0.0

        async def say(text: str, done: int, total: int) -> None:
            nonlocal noted
            await progress.report(text, done if total else None, total or None)
            if follower is not None and time.monotonic() - noted > NOTE_SECONDS:
                noted = time.monotonic()
                of = f": {short(done)} of {short(total)}" if total else ""
                await self._written(follower, Status([], [], None, text + of))

        try:
            return await self.data.ready(link, run, configuration, say)
        except (Unreachable, StoreError):
            raise
        except WorkbenchError as problem:
            raise NotDelivered(problem.message, problem.hint) from problem

    async def _until_done(
        self,
        run: Run,
        follower: RunFollower,
        progress: Progress,
        once: Callable[[Link], Awaitable[Result]],
    ) -> Result:
        told = ""
        while True:
            try:
                link = await self._fleet.link(run.target)
                return await once(link)
            except (Unreachable, StoreError) as problem:
                if problem.message != told:
                    told = problem.message
                    log.info("run %s is not sent yet: %s", run.id, told)
                    await self._written(follower, Status([], [], None, f"not sent yet: {told}"))
                    await progress.report(f"waiting for {run.target}: {told}")
                await asyncio.sleep(RETRY_SECONDS)
            except NotFound as problem:  # of the target: it was detached
                raise NotDelivered(problem.message, problem.hint) from problem

    async def _once(
        self,
        link: Link,
        run: Run,
        secrets: dict[str, str] | None,
        progress: Progress,
        data: dict[str, Any] | None,
    ) -> Status:
        configuration = await self._store.read(kept_runs.configuration, run.id)
        spec = await self.spec(run, configuration)
        if data is not None:
            spec["data"] = data
        if secrets is None:
            secrets = await stored_secrets(run, configuration.secrets, self.stored)
        if secrets is None and configuration.secrets:
            # The last server may have sent it before it was killed; its secrets died with it.
            message = (
                "the server ended before the run was sent, and not all its secrets are kept: submit it again"
            )
            return await self._known(link, run, NotDelivered(message))
        return await self.deliver(link, run, spec, secrets or {}, progress)

    async def deliver(
        self, link: Link, run: Run, spec: dict[str, Any], secrets: dict[str, str], progress: Progress
    ) -> Status:
        """One try: snapshot, blobs, spec; the machine's status of the run, without its end.

        Raises Unreachable, StoreError; NotDelivered when the machine refused and has no record of it.
        """
        try:
            spec, secrets = await self._with_environment(link, run, spec, secrets, progress)
            if run.snapshot is not None:
                base = await self._last_snapshot(run)
                await deliver_snapshot(link, self._store, self._fleet, run.snapshot, base, progress)
            async with self.arriving(run.id):
                self._unsent.discard(run.id)
                return read_status(await deliver_run(link, spec, secrets)).without_end
        except (Unreachable, StoreError):
            raise
        except WorkbenchError as problem:
            refused = isinstance(problem, Refused)
            return await self._known(link, run, NotDelivered(problem.message, problem.hint, refused=refused))

    async def _with_environment(
        self, link: Link, run: Run, spec: dict[str, Any], secrets: dict[str, str], progress: Progress
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Spec and secrets with what the machine builds for it; what it lacks for that is there then."""
        if self._environments is None:
            return spec, secrets
        configuration = await self._store.read(kept_runs.configuration, run.id)
        target = await self._store.read(targets.get, run.target)
        completed = await self._environments.complete(
            run, spec, configuration, target, link, secrets, progress
        )
        return completed[0], dict(completed[1])

    async def _known(self, link: Link, run: Run, otherwise: NotDelivered) -> Status:
        """What the machine says of a run it may have; raises otherwise when it has none."""
        try:
            status = read_status(await link.call("status", {"run": run.id}))
        except NotFound as problem:
            raise otherwise from problem
        if any(transition.attempt >= run.attempt for transition in status.transitions):
            return status.without_end
        raise otherwise

    async def _written(self, follower: RunFollower, status: Status) -> None:
        """Put a status into the store, when it takes it."""
        while True:
            try:
                await follower.apply(status)
                return
            except StoreError as problem:
                log.warning("a status cannot be kept yet: %s", problem.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _last_snapshot(self, run: Run) -> str | None:
        """A snapshot the machine probably has."""
        query = RunQuery(target=run.target, archived=None, limit=10, submitted=True)
        for other in await self._store.read(kept_runs.find, query):
            if other.snapshot is not None and other.id != run.id and other.status is not RunState.NOT_STARTED:
                return other.snapshot
        return None


def local_status(state: RunState, cause: str, message: str, attempt: int, seq: int = 1) -> Status:
    """A status this side decides on, for a run that no machine has a record of."""
    transition = Transition(
        seq=seq, state=state, time=datetime.now(UTC), attempt=attempt, cause=cause, message=message
    )
    return Status([transition], [], None, None)
