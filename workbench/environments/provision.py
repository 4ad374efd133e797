"""Before an environment is built on a machine: what it is there, and sending what the machine lacks for it.

The machine builds by itself. What it cannot get by itself goes there first: uv where it has none that is new
enough, and the locked wheels where it reaches no index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from workbench.compute.link import Link
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.build_key import Interpreter, build_key, read_interpreter
from workbench.environments.definition import untranslated
from workbench.environments.locked_wheels import entries_of, locked_wheels
from workbench.environments.pip_download import Sent
from workbench.environments.sending import send_file
from workbench.environments.uv_binary import uv_version, uv_wheel
from workbench.errors import Conflict, RemoteError, WorkbenchError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean

CALL_SECONDS = 120.0
BUILT = frozenset({EnvironmentKind.REQUIREMENTS, EnvironmentKind.PROJECT, EnvironmentKind.CONDA})
"""Kinds of which something is built."""


class Reporting(Protocol):
    """Who is told how far it is."""

    async def report(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Say it."""


class Wanted(NamedTuple):
    """An environment version as it is to be on a machine."""

    name: str
    version: int
    definition: EnvironmentDefinition
    lock: str | None
    preferred: str | None = None
    """The interpreter the target's settings name."""
    requires_python: str | None = None
    """The Pythons that the lock is for."""
    install: bool = False
    """Whether the machine may fetch a Python that it lacks."""

    @property
    def python(self) -> str | None:
        """The version of Python that is wanted, or the limits it is to be within."""
        return self.definition.python or self.requires_python


class Provided(NamedTuple):
    """What travels in a run's spec, and whether it is there already."""

    build: dict[str, Any]
    ready: dict[str, Any] | None
    """What the machine says of one that is ready."""


class Provisioner:
    """One home's way to have environments on machines. cache: where fetched files are kept."""

    def __init__(self, cache: Path, environ: Mapping[str, str]) -> None:
        self._cache = cache
        self._environ = environ
        self._ways: dict[str, asyncio.Lock] = {}

    async def provide(
        self, target: str, link: Link, wanted: Wanted, secrets: Mapping[str, str], progress: Reporting
    ) -> Provided:
        """What a machine is to build, everything it needs for that being there when this returns.

        Raises Conflict (no such interpreter there), Unreachable and its kinds (also of the index),
        RemoteError, WorkbenchError.
        """
        site = await self._site(link, wanted)
        if site.get("python") is None and wanted.python and wanted.install:
            async with self._ways.setdefault(target, asyncio.Lock()):
                await self._fetch_python(link, wanted, site, progress)
            site = await self._site(link, wanted)
        build = describe(target, wanted, site)
        needs = await link.call("environment_needs", {"build": build}, timeout=CALL_SECONDS)
        if isinstance(needs.get("ready"), dict):
            return Provided(build, needs["ready"])
        if not by_conda(build):
            async with self._ways.setdefault(target, asyncio.Lock()):  # no file goes twice
                await self._supply(target, link, build, site, secrets, progress)
        return Provided(build, None)

    async def _site(self, link: Link, wanted: Wanted) -> dict[str, Any]:
        asked = {"python": wanted.python or "", "preferred": wanted.preferred or ""}
        found = await link.call("environment_site", asked, timeout=CALL_SECONDS)
        if not isinstance(found, dict):
            raise RemoteError("the machine did not say with what it builds")
        return found

    async def _fetch_python(
        self, link: Link, wanted: Wanted, site: dict[str, Any], progress: Reporting
    ) -> None:
        """Have uv there fetch the Python that is wanted."""
        own = site.get("uv")
        uv = str(own["version"]) if isinstance(own, dict) and own.get("version") else uv_version()
        empty = {"key": "fetching-python", "kind": "requirements", "lock": "", "uv": uv}
        needs = await link.call("environment_needs", {"build": empty}, timeout=CALL_SECONDS)
        if needs.get("uv"):
            await self._send_uv(link, {**empty, "wheels": []}, site, str(needs.get("folder")), progress)
        await progress.report(f"fetching Python {wanted.python} there")
        await link.call("environment_python", {"python": wanted.python, "uv": uv})

    async def _send_uv(
        self, link: Link, build: dict[str, Any], site: dict[str, Any], folder: str, progress: Reporting
    ) -> None:
        """Have our uv on the machine."""
        await progress.report("fetching uv")
        system, machine = str(site.get("system")), str(site.get("machine"))
        wheel = await uv_wheel(self._cache, system, machine, self._environ)
        await self._send(link, [wheel], {**build, "wheels": [wheel.wire]}, folder, progress)
        sha256, name = wheel.wire
        asked = {"version": build["uv"], "sha256": sha256, "name": name}
        await link.call("environment_uv", asked, timeout=CALL_SECONDS)

    async def _supply(
        self,
        target: str,
        link: Link,
        build: dict[str, Any],
        site: dict[str, Any],
        secrets: Mapping[str, str],
        progress: Reporting,
    ) -> None:
        needs = await link.call("environment_needs", {"build": build}, timeout=CALL_SECONDS)
        folder = str(needs.get("folder"))
        if needs.get("uv"):
            await self._send_uv(link, build, site, folder, progress)
        if not entries_of(str(build["lock"])):
            return  # nothing is installed
        reach = await link.call("environment_reach", {"build": build, "secrets": dict(secrets)})
        if reach.get("finds"):
            return
        interpreter = read_interpreter(site.get("python"))
        assert interpreter is not None
        if site.get("system") != "linux":
            raise WorkbenchError(f"{target} reaches no package index: {clean(str(reach.get('why')), 500)}")
        await progress.report(f"{target} reaches no index; fetching what is locked from here")
        wanted = [*build["indexes"], *([build["index"]] if build["index"] else [])]
        wheels = await locked_wheels(
            self._cache, str(build["lock"]), interpreter, wanted, self._environ, secrets
        )
        build["wheels"] = [wheel.wire for wheel in wheels]
        await self._send(link, wheels, build, folder, progress)

    async def _send(
        self, link: Link, files: Sequence[Sent], build: dict[str, Any], folder: str, progress: Reporting
    ) -> None:
        needs = await link.call("environment_needs", {"build": build}, timeout=CALL_SECONDS)
        lacking = {str(one[0]) for one in needs.get("wheels") or []}
        wanted = [one for one in files if one.sha256 in lacking]
        sizes = await asyncio.to_thread(lambda: [one.path.stat().st_size for one in wanted])
        total, done = sum(sizes), 0

        def moved(count: int) -> None:
            nonlocal done
            done += count

        for number, one in enumerate(wanted, 1):
            what = f"sending {one.path.name}" if len(wanted) == 1 else (
                f"sending {counted(len(wanted), 'wheel')}, {number}: {one.path.name}"
            )  # fmt: skip
            telling = asyncio.create_task(self._tell(progress, what, lambda: done, total))
            try:
                await send_file(link, one, folder, moved)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, progress: Reporting, what: str, done: Any, total: int) -> None:
        while True:
            await progress.report(what, min(done(), total), total)
            await asyncio.sleep(0.3)


def describe(target: str, wanted: Wanted, site: dict[str, Any]) -> dict[str, Any]:
    """What a spec says of an environment to build, by what a machine says of itself. Pure.

    Raises Conflict where the machine has no fitting interpreter, RemoteError.
    """
    definition = wanted.definition
    conda = definition.kind is EnvironmentKind.CONDA and bool(site.get("conda"))
    interpreter = read_interpreter(site.get("python"))
    if interpreter is None and not conda:
        raise _no_interpreter(target, wanted.python, site.get("seen"))
    own = site.get("uv")
    uv = clean(str(own["version"]), 40) if isinstance(own, dict) and own.get("version") else uv_version()
    content = (definition.conda if conda else wanted.lock) or ""
    by, builder = ("conda", clean(str(site.get("conda")), 4000)) if conda else ("uv", uv)
    at = interpreter or Interpreter("/", "", "", clean(str(site.get("machine")), 40), ("", ""))
    # One in place of the public index is not the same as one beside it.
    indexes = [*definition.indexes, *([f"alone {definition.index}"] if definition.index else [])]
    if conda:  # it brings its own
        at = at._replace(path="/", version="", abi="")
    return {
        "key": build_key(str(definition.kind.value), content, at, builder, indexes, by),
        "kind": definition.kind.value,
        "name": wanted.name,
        "version": wanted.version,
        "lock": wanted.lock or "",
        "conda": definition.conda if conda else None,
        "lacking": "" if conda else clean(", ".join(untranslated(definition)), 4000),
        "python": definition.python,
        "interpreter": None if conda else at.path,
        "uv": uv,
        "index": definition.index,
        "indexes": list(definition.indexes),
        "variables": dict(definition.variables),
        "wheels": [],
    }


def by_conda(build: dict[str, Any]) -> bool:
    """Whether the machine's conda builds it, for which nothing is sent."""
    return build.get("conda") is not None


def _no_interpreter(target: str, python: str | None, seen: Any) -> WorkbenchError:
    there = [
        f"{clean(str(one.get('version')), 40)} ({clean(str(one.get('path')), 200)})"
        for one in (seen if isinstance(seen, list) else [])[:6]
        if isinstance(one, dict)
    ]
    if not there:
        return RemoteError(f"{target} did not say which Pythons it has")
    wanted = f"Python {python}" if python else "a Python"
    return Conflict(
        f"{target} has no {wanted}; it has {', '.join(there)}",
        f"put one there, name another (wb compute set {target} python=PATH), or let uv fetch it: "
        f"wb compute set {target} install_python=true",
    )
