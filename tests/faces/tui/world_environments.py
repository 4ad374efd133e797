"""Environments of the fixed world: two families with locks, one image, and what is built of them where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from tests.faces.fixed_runs import ago
from workbench.errors import NotFound, RemoteError
from workbench.text.asset_reference import parse

LOCK = """\
joblib==1.4.2 \\
    --hash=sha256:06d478d5674cbc267e7496a410ee875abd68e4340feff4490bcb7afb88060ae6
numpy==2.1.3 ; python_version >= '3.10' \\
    --hash=sha256:aa08e04e08aaf974d4458def539dece0d28146d866a39da5639596f4921fd761
"""


def version(name: str, number: int, definition: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A version as `environments.get` gives it."""
    return {
        "name": name, "version": number, "hash": f"{number}" * 64, "definition": definition, "aliases": [],
        "requires_python": ">=3.9", "created": ago(days=20 - number), "created_by": "ann@laptop", "tags": {},
        "archived": False, **more,
    }  # fmt: skip


def build(name: str | None, number: int | None, target: str, **more: Any) -> dict[str, Any]:
    """A build as `environment_builds.list` gives it."""
    return {
        "key": f"{name or 'other'}-{number}-{target}", "target": target, "state": "ready", "name": name,
        "version": number, "python": "3.11.2", "packages": {"joblib": "1.4.2", "numpy": "2.1.3"},
        "bytes": 61_000_000, "started": ago(days=2), "ended": ago(days=2), "used": ago(hours=3), "in_use": False,
        **more,
    }  # fmt: skip


class Environments:
    """Answers calls of the nouns `environments` and `environment_builds` over a few dictionaries."""

    def __init__(self, world: Any) -> None:
        self.world = world
        requirements = {"kind": "requirements", "requirements": "numpy>=1.26\ntabulate", "variables": {}}
        self.all = [
            version("digits", 1, requirements, lock=LOCK.replace("2.1.3", "2.0.0"), aliases=["stable"]),
            version("digits", 2, {**requirements, "requirements": "numpy>=1.26\ntabulate\njoblib",
                                  "variables": {"OMP_NUM_THREADS": "8"}},
                    lock=LOCK, aliases=["latest"], tags={"team": "vision"}, description="for the digits"),
            version("torch-image", 1, {"kind": "image", "image": "pytorch/pytorch:2.4.0"}, aliases=["latest"]),
            version("lab", 1, {"kind": "python", "interpreter": "/opt/ml/bin/python"}, aliases=["latest"]),
            version("w" * 128, 1, {"kind": "requirements", "requirements": "\x1b[31mhostile\n" + "長" * 300},
                    description="\x1b]0;owned\x07" + "名" * 200, aliases=["latest"]),
        ]  # fmt: skip
        self.builds = [
            build("digits", 2, "gpu1", in_use=True),
            build("digits", 1, "lab-7", used=ago(days=40)),
            build("digits", 2, "lab-7", state="failed", packages={}, bytes=None, used=None,
                  problem="lab-7 has no Python 3.12; it has 3.9.2\x1b[31m (/usr/bin/python3)"),
            build(None, None, "dgx-02", used=ago(days=90), python="3.10.1"),
        ]  # fmt: skip
        self.held: asyncio.Event | None = None
        world.answers |= {
            f"environments.{name}": getattr(self, name)
            for name in ("list", "get", "presets", "set_alias", "remove_alias", "tag", "archive")
        }
        world.answers |= {
            "environment_builds.list": self.list_builds,
            "environment_builds.build": self.build,
            "environment_builds.log": self.log,
            "environment_builds.prune": self.prune,
        }

    def list(self, name: str | None = None, archived: bool = False) -> Any:
        if name is not None:
            mine = [one for one in self.all if one["name"] == name]
            if not mine:
                raise NotFound(f"no environment {name!r}", "wb env ls lists them")
            return sorted(mine, key=lambda one: -one["version"])
        newest: dict[str, Any] = {}
        for one in self.all:
            if not one["archived"]:
                newest[one["name"]] = one
        return [newest[key] for key in sorted(newest)]

    def get(self, environment: str) -> Any:
        named = parse(environment)
        for one in self.list(named.name):
            if named.alias in one["aliases"] or named.version == one["version"] or named[1:] == (None, None):
                return one
        raise NotFound(f"there is no {environment}", f"wb env ls {named.name} lists its versions")

    def presets(self) -> Any:
        return [{"name": "sklearn"}, {"name": "pytorch"}]

    def _changed(self, one: dict[str, Any]) -> Any:
        self.world.happen("EnvironmentChanged", f"environments/{one['name']}:{one['version']}")
        return one

    def set_alias(self, environment: str, alias: str) -> Any:
        one = self.get(environment)
        one["aliases"] = [*one["aliases"], alias]
        return self._changed(one)

    def remove_alias(self, name: str, alias: str) -> Any:
        one = self.get(f"{name}@{alias}")
        one["aliases"] = [kept for kept in one["aliases"] if kept != alias]
        return self._changed(one)

    def tag(self, environment: str, set: Any = None, remove: Any = None, description: Any = None) -> Any:
        one = self.get(environment)
        one["tags"] = {**{k: v for k, v in one["tags"].items() if k not in (remove or [])}, **(set or {})}
        return self._changed(one)

    def archive(self, environment: str, archived: bool = True) -> Any:
        one = self.get(environment)
        one["archived"] = archived
        return self._changed(one)

    # On machines

    def list_builds(
        self, target: str | None = None, environment: str | None = None, among: Any = None
    ) -> Any:
        named = None if environment is None else parse(environment)
        return [
            one
            for one in self.builds
            if target in (None, one["target"])
            and (among is None or one["target"] in among)
            and (named is None or (one["name"] == named.name and named.version in (None, one["version"])))
        ]

    async def build(self, environment: str, target: str) -> AsyncGenerator[Any, None]:
        named = parse(environment)
        if target == "lab-7":
            raise RemoteError("lab-7 has no Python 3.12", "wb compute set lab-7 python=PATH")
        yield {"doing": f"building on {target}"}
        yield {"log": "Resolved 2 packages\n"}
        yield {"log": "Downloading numpy 10%\rDownloading numpy 100%\n\x1b[31mInstalled\x1b[0m 2 packages\n"}
        if self.held is not None:
            await self.held.wait()
        made = build(named.name, named.version, target)
        self.builds.append(made)
        yield {"build": made, "built_now": True}

    async def log(self, environment: str, target: str) -> AsyncGenerator[Any, None]:
        yield {"log": f"what {environment} said on {target}\n"}
        yield {"log": "error: no such Python\n"}

    async def prune(
        self, target: str, older: float, keys: list[str], dry_run: bool
    ) -> AsyncGenerator[Any, None]:
        size = 0
        for one in [one for one in self.builds if one["target"] == target and one["key"] in keys]:
            if one["in_use"]:
                yield {"kept": {"environment": one["key"], "why": "a run lives in it"}}
                continue
            size += one["bytes"] or 0
            yield {"removed": {"environment": one["key"], "bytes": one["bytes"] or 0}}
            if not dry_run:
                self.builds.remove(one)
        yield {"environments": 1, "bytes": size, "words": ""}
