"""Environments on machines as a service: built, listed, removed when nobody uses them (AZ-135, AZ-141)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

from workbench.compute.holdings import read_figures, read_named
from workbench.entities.environment import EnvironmentBuild, EnvironmentKind
from workbench.environments.builds import read_builds, read_ready
from workbench.errors import Conflict, NotFound, RemoteError, UsageError, WorkbenchError
from workbench.runs.activity import activity
from workbench.runs.run_environments import BUILD_ACTIVITY, last_line
from workbench.services.context import Context
from workbench.services.operation import call, items
from workbench.store.fleet import targets
from workbench.store.registry import environments_registry as registry
from workbench.text import sizes
from workbench.text.asset_reference import parse
from workbench.text.numbers import counted
from workbench.text.sanitize import clean

Builds = list[EnvironmentBuild]
Names = list[str] | None
Targets = list[str]
MONTH = 30 * 86400.0
LONGEST_LOG = 1 << 16
_log = logging.getLogger(__name__)


class EnvironmentBuildService:
    """The noun `environment_builds`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @items
    async def build(self, environment: str, target: str) -> AsyncGenerator[dict[str, Any], None]:
        """Have a version ready on a machine; {"doing"} and {"log"} as it goes, {"build"} at the end.

        Who is at it already is joined. It ends with who asked, unless a run waits for it as well. Raises
        NotFound, Conflict (an interpreter has nothing to build; no such Python), Unreachable, RemoteError.
        """
        version = await self._store.read(registry.get, parse(environment))
        here = await self._store.read(targets.get, target)
        if version.definition.kind is EnvironmentKind.PYTHON:
            raise Conflict(
                f"{version.name}:{version.version} is an interpreter of the machine's own",
                "nothing is built of it",
            )
        subject = f"environments/{version.name}:{version.version}"
        builds = self._context.builds
        async with activity(self._store, BUILD_ACTIVITY, subject, f"building on {target}") as progress:
            known = await builds.index_secrets(version.definition)
            link = await self._context.link(target)
            provided = await builds.provide(version, here, link, known, progress)
            yield {"doing": progress.activity.text}
            asked = {"build": provided.build, "secrets": known}
            async with link.stream("environment_build", asked) as stream:
                async for event in stream:
                    text = event.get("log") if isinstance(event, dict) else None
                    if isinstance(text, str):
                        await progress.report(f"{target}: {last_line(text)}")
                        yield {"log": clean(text, LONGEST_LOG)}
                answer = await stream.result()
            made = read_ready(answer, target)
            await progress.report(f"ready on {target}, {counted(len(made.packages), 'package')}")
        yield {"build": made, "built_now": bool(answer.get("built_now"))}

    @call
    async def list(
        self, target: str | None = None, environment: str | None = None, among: Names = None
    ) -> Builds:
        """Environments as they are on a machine, or on all that are connected; of one name where it is given.

        among: of those that are connected only these. Raises NotFound, Unreachable of a machine that was
        named; of the others one that does not answer is left out.
        """
        wanted = parse(environment) if environment is not None else None
        asked = await self._asked(target, among)
        answers = await asyncio.gather(*(self._on(name) for name in asked), return_exceptions=True)
        found: list[EnvironmentBuild] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                if target is not None or not isinstance(answer, WorkbenchError):
                    raise answer
                _log.info("builds of a machine: %s", answer.message)
                continue
            found += answer
        if wanted is None:
            return found
        return [
            one
            for one in found
            if one.name == wanted.name and (wanted.version is None or one.version == wanted.version)
        ]

    async def _on(self, target: str) -> Builds:
        link = await self._context.link(target)
        return read_builds(await link.call("environment_list"), target)

    async def _asked(self, target: str | None, among: Names) -> Targets:
        if target is not None:
            return [(await self._store.read(targets.get, target)).name]
        named = [one.name for one in await self._store.read(targets.every)]
        wanted = named if among is None else [name for name in named if name in among]
        return [name for name in wanted if self._context.fleet.current(name) is not None]

    @items
    async def log(self, environment: str, target: str) -> AsyncGenerator[dict[str, Any], None]:
        """{"log": text} of the last build of a version on a machine. Raises NotFound, Unreachable."""
        builds = [one for one in await self.list(target, environment) if one.version is not None]
        if not builds:
            raise NotFound(
                f"{environment} was never built on {target}", f"wb env build {environment} -t {target}"
            )
        newest = max(
            builds, key=lambda one: (one.version or 0, one.started.timestamp() if one.started else 0)
        )
        link = await self._context.link(target)
        async with link.stream("environment_log", {"key": newest.key}) as stream:
            async for event in stream:
                if isinstance(event, dict) and isinstance(event.get("log"), str):
                    yield {"log": clean(event["log"], LONGEST_LOG)}
            await stream.result()

    @items
    async def prune(
        self, target: str, older: float = MONTH, keys: Names = None, dry_run: bool = True
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Remove environments that no run used for so many seconds; one that is needed again is built again.

        {"removed": {"environment": key, "bytes"}} and {"kept": {"environment": key, "why"}}, then
        {"environments", "bytes"}. Those a run uses or waits for stay. Raises NotFound, Unreachable.
        """
        if older < 0:
            raise UsageError("an age is not negative", "--older 30d")
        await self._store.read(targets.get, target)
        link = await self._context.link(target)
        asked = {"older": older, "keys": keys, "dry_run": dry_run}
        async with link.stream("environment_prune", asked) as stream:
            async for event in stream:
                for word in ("removed", "kept"):
                    one = event.get(word) if isinstance(event, dict) else None
                    if isinstance(one, dict):
                        yield {word: read_named(one, ("environment",))}
            answer = await stream.result()
        if not isinstance(answer, dict):
            raise RemoteError("the machine did not say what it removed")
        figures = read_figures(answer, ("environments", "bytes"))
        freed = figures["bytes"]
        yield {**figures, "words": "" if freed is None else sizes.short(freed)}
