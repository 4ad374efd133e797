"""Runs as a service: finding, submitting, changing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Unpack

from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.entities.identity import display_name
from workbench.entities.pool import ANY
from workbench.entities.run import GitFacts, Run
from workbench.entities.target import Target
from workbench.errors import Conflict, NotFound, UsageError
from workbench.remote.forms import protocol
from workbench.runs.data.resolving import resolved_data
from workbench.runs.params import params_of
from workbench.runs.spec import command_text
from workbench.services.bus import News
from workbench.services.container_checks import check_engine
from workbench.services.context import Context
from workbench.services.machine_facts import check_drain, check_gpus
from workbench.services.operation import call, items
from workbench.services.patience import Patience
from workbench.services.run_fitting import Fitting, query
from workbench.services.run_secrets import with_stored
from workbench.services.settling import settled
from workbench.store.fleet import placements, pools, targets
from workbench.store.registry import datasets, manifests
from workbench.store.runs import kept_runs, run_data, run_rows
from workbench.store.workspace import experiments

MAX_LIST = 10_000
POOL = "workbench.pool"
"""The property of a run that says which pool it was sent to."""
Names = list[str] | None


class RunService:
    """What can be done with runs; `run` is any reference (id, prefix, name, @1, @best)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(
        self,
        tags: dict[str, str | None] | None = None,
        properties: dict[str, str] | None = None,
        sort: str = "created",
        descending: bool | None = None,
        limit: int = 50,
        offset: int = 0,
        **which: Unpack[Fitting],
    ) -> list[Run]:
        """Runs, newest first or as `runs.table` sorts them (AZ-66, AZ-79).

        tags, properties: those the runs have; a tag's null is any value. Raises NotFound (experiment),
        UsageError.
        """
        asked = query(
            which,
            tags=tags or {},
            properties=properties or {},
            order=sort,
            descending=descending,
            limit=min(limit, MAX_LIST),
            offset=offset,
        )
        return [self._context.fresh(run) for run in await self._store.read(kept_runs.find, asked)]

    @call
    async def get(self, run: str, experiment: str | None = None) -> Run:
        """One run; raises NotFound, Ambiguous."""
        return await self._context.resolve(run, experiment)

    @call
    async def submit(
        self,
        id: str,
        configuration: RunConfiguration,
        snapshot: str | None = None,
        git: GitFacts | None = None,
        diff: str | None = None,
        submitted_by: str | None = None,
        secrets: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        parent: str | None = None,
    ) -> Run:
        """A new run on the configuration's target, which must be reachable now.

        id is the caller's and the key of idempotency: the same id again answers the run that exists. One that
        is sent to a pool, or `any`, goes where there is room first, and may go elsewhere while it waits.
        parent: the run it is a child of (AZ-82). Raises NotFound (target, parent, environment), Unreachable,
        NeedsSignIn, UsageError, Refused (too few GPUs, or drained).
        """
        if not protocol.valid_run_id(id):
            raise UsageError(f"{id!r} is no run id")
        if not valid_experiment_name(configuration.experiment):
            raise UsageError(
                f"{configuration.experiment!r} is no experiment name",
                "start with a letter or digit, then letters, digits, _ and -, at most 255",
            )
        try:
            return await self._store.read(run_rows.get, id)
        except NotFound:
            pass
        configuration = await resolved_data(self._store, configuration)
        above = None if parent is None else (await self._context.resolve(parent)).id
        configuration = await settled(configuration, self._store, self._context.environments, submitted_by)
        pool = await self._pool(configuration.target)
        if pool is not None:
            target = await self._context.placer.place(pool, configuration)
        else:
            target = await self._target(configuration.target)
        if snapshot is not None and not await self._store.read(manifests.has, snapshot):
            raise NotFound(f"snapshot {snapshot[:12]} was never uploaded", "submit again")
        link = await self._context.link(target.name)
        await check_gpus(self._store, link, target, configuration)
        await check_drain(link, target)
        version = await self._context.builds.version(configuration.environment)
        await check_engine(link, target, version)
        known = {} if pool is None else {POOL: pool}
        secrets, stored = await with_stored(self._context.secrets, configuration.secrets, secrets or {})
        known |= stored
        run = await self._new_run(
            id, configuration, target, snapshot, git, submitted_by, {**known, **(properties or {})}
        )
        run = replace(run, parent=above)
        if pool is None:
            run, new = await self._store.write(kept_runs.insert, run, configuration, diff)
        else:
            run, new = await self._store.write(placements.insert, run, configuration, diff, pool)
        if new:
            self._context.conductor.submit(run, secrets, placed=pool is not None)
        return run

    async def _pool(self, name: str | None) -> str | None:
        """The pool of that name, where it is not a machine's; None for a machine."""
        if name is None or any(target.name == name for target in await self._store.read(targets.every)):
            return None
        return name if name == ANY or await self._store.read(pools.find, name) is not None else None

    async def _target(self, name: str | None) -> Target:
        if name is not None:
            return await self._store.read(targets.get, name)
        attached = await self._store.read(targets.every)
        chosen = next((target for target in attached if target.default), None)
        return chosen if chosen is not None else await self._store.read(targets.get, "local")

    async def _new_run(
        self,
        id: str,
        configuration: RunConfiguration,
        target: Target,
        snapshot: str | None,
        git: GitFacts | None,
        submitted_by: str | None,
        properties: dict[str, str],
    ) -> Run:
        now = datetime.now(UTC)
        experiment = await self._store.write(experiments.ensure, configuration.experiment, now)
        return Run(
            id=id,
            name=configuration.name or display_name(id, await self._store.write(kept_runs.next_number)),
            experiment=experiment.name,
            target=target.name,
            created=now,
            command=command_text(configuration.command),
            tags=configuration.tags,
            properties={**_git_properties(git), **properties},
            params=params_of(configuration),
            description=configuration.description,
            environment=configuration.environment or target.settings.python,
            git=git,
            snapshot=snapshot,
            snapshot_code=configuration.snapshot_code,
            collect_outputs=configuration.collect_outputs,
            submitted_by=submitted_by,
        )

    @call
    async def cancel(self, run: str, grace: float | None = None) -> Run:
        """Ask the machine to end the run: TERM, grace seconds, KILL of the whole tree (AZ-76)."""
        return await self._context.conductor.cancel(await self._context.submitted(run), grace)

    @call
    async def resume(self, run: str, secrets: dict[str, str] | None = None) -> Run:
        """A new attempt of a run that is over, in the same folder with what it left there."""
        found = await self._context.submitted(run)
        if await self._context.brought(found):
            raise Conflict(
                f"{found.name} came in a bundle: its folder is on somebody else's machine",
                f"wb run rerun {found.name} runs its code again, as a new run",
            )
        configuration = await self._store.read(kept_runs.configuration, found.id)
        given = await asyncio.to_thread(self._context.secrets.those_of, configuration.secrets)
        return await self._context.conductor.resume(found, {**given, **(secrets or {})})

    @items
    async def watch(self, run: str, timeout: float | None = None) -> AsyncIterator[dict[str, Run]]:
        """{"run": Run} now and at each change; ends when the run is over, or timeout seconds have passed."""
        patience = Patience(timeout)
        found = await self._context.resolve(run)
        with self._context.bus.listen(f"runs/{found.id}") as listener:
            found = await self._store.read(run_rows.get, found.id)
            yield {"run": found}
            while not found.status.terminal and not patience.over:
                if News.ROW not in await listener.take(patience.left()):
                    continue
                now = await self._store.read(run_rows.get, found.id)
                if now != found:
                    found = now
                    yield {"run": found}

    @call
    async def configuration(self, run: str) -> dict[str, Any]:
        """What was asked for: {"configuration", "snapshot", "git"}; what a rerun starts from."""
        found = await self._context.submitted(run)
        configuration = await self._store.read(kept_runs.configuration, found.id)
        return {"configuration": configuration, "snapshot": found.snapshot, "git": found.git}

    @call
    async def tag(self, run: str, set: dict[str, str | None] | None = None, remove: Names = None) -> Run:
        """Set and remove tags (AZ-78); a value of null is a bare tag."""
        found = await self._context.resolve(run)
        return await self._store.write(kept_runs.tag, found.id, set or {}, remove or [])

    @call
    async def add_properties(self, run: str, properties: dict[str, str]) -> Run:
        """Add properties; raises Conflict for a second value of one (AZ-78)."""
        found = await self._context.resolve(run)
        return await self._store.write(kept_runs.add_properties, found.id, properties)

    @call
    async def describe(self, run: str, description: str | None = None, name: str | None = None) -> Run:
        """Change the Markdown description or the display name (AZ-80)."""
        found = await self._context.resolve(run)
        return await self._store.write(kept_runs.describe, found.id, description, name)

    @call
    async def archive(self, run: str, archived: bool = True) -> Run:
        """Hide a run from lists, or bring it back."""
        found = await self._context.resolve(run)
        return await self._store.write(kept_runs.archive, found.id, archived)

    @call
    async def remove(self, run: str) -> dict[str, Any]:
        """Delete a run that is over, here and on its machine; raises Conflict, Unreachable."""
        found = await self._context.resolve(run)
        if not found.status.terminal:
            raise Conflict(f"{found.name} is still active", f"wb cancel {found.name} first")
        await self._check_holds_nothing(found)
        ours = found.cause != "not_delivered" and found.inside is None
        if ours and not await self._context.brought(found):
            with suppress(NotFound):  # a machine that was detached, or has no record of it
                link = await self._context.link(found.target)
                await link.call("remove", {"run": found.id})
        await self._context.conductor.forget(found.id)
        await self._store.remove_run(found.id)
        return {}

    async def _check_holds_nothing(self, run: Run) -> None:
        """Raise Conflict for a run in whose folder the files of a dataset version lie."""
        held = (await self._store.read(run_data.holding)).get(run.id)
        if held is None:
            return
        name, _, version = held.removeprefix("data:").rpartition(":")
        with suppress(NotFound):  # that version was forgotten: nobody asks for its files
            await self._store.read(datasets.get, name, int(version))
            raise Conflict(f"the files of {held} lie in its folder", f"wb data rm {name}:{version} first")


def _git_properties(git: GitFacts | None) -> dict[str, str]:
    """The properties scripts of the cloud look for (AZ-120); dirty is text there (AZ-122)."""
    if git is None:
        return {}
    facts = {
        "azureml.git.repository_uri": git.repository_uri,
        "azureml.git.branch": git.branch,
        "azureml.git.commit": git.commit,
        "azureml.git.dirty": None if git.dirty is None else str(git.dirty),
        "azureml.git.build_id": git.build_id,
        "azureml.git.build_uri": git.build_uri,
        "mlflow.source.git.repoURL": git.repository_uri,
        "mlflow.source.git.branch": git.branch,
        "mlflow.source.git.commit": git.commit,
    }
    return {name: value for name, value in facts.items() if value is not None}
