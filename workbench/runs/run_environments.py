"""The environment of a run on its way to a machine: what it is there, what is sent, its build watched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.configuration import RunConfiguration
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind, EnvironmentVersion
from workbench.entities.run import Run
from workbench.entities.target import Target
from workbench.environments.definition import asked_indexes
from workbench.environments.image_build import contained, describe_image
from workbench.environments.layered_image import in_container
from workbench.environments.provision import Provided, Provisioner, Wanted
from workbench.environments.reference import Form, read
from workbench.environments.requirement_lines import index_secrets
from workbench.errors import NotFound, Unreachable
from workbench.runs.activity import Progress, activity
from workbench.runs.delivery import deliver_snapshot
from workbench.runs.stored_secrets import Reader, none_stored
from workbench.store.async_store import AsyncStore
from workbench.store.registry import environments_registry as registry
from workbench.text.numbers import counted
from workbench.text.sanitize import clean

BUILD_ACTIVITY = "environment"
AGAIN_SECONDS = 5.0
log = logging.getLogger(__name__)


class RunEnvironments:
    """One workspace's environments on their way to machines. Used from the event loop only."""

    def __init__(
        self, store: AsyncStore, fleet: Fleet, provisioner: Provisioner, stored: Reader = none_stored
    ) -> None:
        self._stored = stored
        self._store = store
        self._fleet = fleet
        self._provisioner = provisioner
        self._supplied: dict[str, Provided] = {}
        self._watching: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Look on no longer; what is built goes on."""
        tasks = [*self._watching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def supply(
        self,
        run: Run,
        configuration: RunConfiguration,
        target: Target,
        link: Link,
        secrets: Mapping[str, str],
        progress: Progress,
    ) -> None:
        """Have all on a run's machine that its environment is built of there; `complete` remembers it.

        Raises what `Provisioner.provide` does, NotFound for an environment that is gone.
        """
        version = await self.version(configuration.environment)
        if version is None or version.definition.kind is EnvironmentKind.PYTHON:
            return
        known = {**await self.index_secrets(version.definition), **secrets}
        self._supplied[run.id] = await self.provide(version, target, link, known, progress)

    async def complete(
        self,
        run: Run,
        spec: dict[str, Any],
        configuration: RunConfiguration,
        target: Target,
        link: Link,
        secrets: Mapping[str, str],
        progress: Progress,
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """A run's spec with its environment, all that the machine lacks for it sent there; and its secrets,
        with those of the indexes, of which the run's command gets none that it did not ask for.

        Raises what `Provisioner.provide` does, NotFound for an environment that is gone.
        """
        version = await self.version(configuration.environment)
        if version is None:
            return spec, secrets
        definition = version.definition
        # Whatever is nearer to the run goes first: its own, the environment's (AZ-138), the machine's.
        variables = {
            **spec["environment_variables"],
            **definition.variables,
            **configuration.environment_variables,
        }
        spec = {**spec, "environment_variables": variables}
        if definition.kind is EnvironmentKind.PYTHON:
            return {**spec, "python": definition.interpreter}, secrets
        indexes = await self.index_secrets(definition)
        spec = {**spec, "build_secrets": sorted(indexes.keys() - secrets.keys())}
        secrets = {**indexes, **secrets}
        provided = self._supplied.pop(run.id, None)
        if provided is None:  # a resumed run, or what was known of it went with a server
            provided = await self.provide(version, target, link, secrets, progress)
        if provided.ready is None:
            self._look_on(target.name, provided.build)
        if in_container(definition):
            return contained(spec, provided.build, configuration), secrets
        return {**spec, "environment_build": provided.build}, secrets

    async def index_secrets(self, definition: EnvironmentDefinition) -> dict[str, str]:
        """What the workspace keeps of credentials of a definition's indexes, as uv looks for them."""
        names = index_secrets(asked_indexes(definition))
        return await self._stored(names) if names else {}

    async def version(self, environment: str | None) -> EnvironmentVersion | None:
        """The version that a configuration names; None where it names none, or a path. Raises NotFound."""
        if environment is None:
            return None
        found = read(environment)
        if found.form is not Form.VERSION or found.asset is None:
            return None
        return await self._store.read(registry.get, found.asset)

    async def provide(
        self,
        version: EnvironmentVersion,
        target: Target,
        link: Link,
        secrets: Mapping[str, str],
        progress: Progress,
    ) -> Provided:
        """What a machine builds of a version, and whether it is ready; see `Provisioner.provide`."""
        definition = version.definition
        if in_container(definition):
            lock = version.lock
            build = describe_image(version.name, version.version, definition, target.settings, lock)
            needs = await link.call("environment_needs", {"build": build})
            ready = needs.get("ready")
            if not isinstance(ready, dict) and definition.context is not None:
                await deliver_snapshot(link, self._store, self._fleet, definition.context, None, progress)
            return Provided(build, ready if isinstance(ready, dict) else None)
        preferred = target.settings.python
        wanted = Wanted(
            version.name,
            version.version,
            definition,
            version.lock,
            preferred,
            version.requires_python,
            target.settings.install_python,
        )
        return await self._provisioner.provide(target.name, link, wanted, secrets, progress)

    def _look_on(self, target: str, build: dict[str, Any]) -> None:
        """Have an activity for the build that a run there begins, one however many runs wait for it."""
        place = (target, str(build["key"]))
        if place in self._watching:
            return
        task = asyncio.create_task(self._watch(target, build), name=f"environment {build['key']}")
        self._watching[place] = task
        task.add_done_callback(lambda done: self._seen(place, done))

    def _seen(self, place: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._watching.pop(place, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.info("environment %s on %s: %s", place[1], place[0], problem)

    async def _watch(self, target: str, build: dict[str, Any]) -> None:
        subject = f"environments/{build['name']}:{build['version']}"
        async with activity(self._store, BUILD_ACTIVITY, subject, f"building on {target}") as progress:
            while True:
                try:
                    link = await self._fleet.link(target)
                    await self._once(link, target, build, progress)
                    return
                except NotFound:  # the target was detached
                    return
                except Unreachable as problem:
                    await progress.report(f"building on {target}; {problem.message}")
                    await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self, link: Link, target: str, build: dict[str, Any], progress: Progress) -> None:
        async with link.stream("environment_build", {"build": build, "want": False}) as stream:
            async for event in stream:
                if isinstance(event, dict) and isinstance(event.get("log"), str):
                    await progress.report(f"{target}: {last_line(event['log'])}")
            answer = await stream.result()
        packages = answer.get("packages") if isinstance(answer, dict) else None
        said = counted(len(packages), "package") if isinstance(packages, dict) else "nothing had to be built"
        await progress.report(f"ready on {target}, {said}")


def last_line(text: str) -> str:
    """The last line that says something, made harmless."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return clean(lines[-1], 300) if lines else ""
