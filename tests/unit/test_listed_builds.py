"""What is built on machines that are connected, where one of them is not any more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workbench.errors import Unreachable
from workbench.services.environment_builds import EnvironmentBuildService

BUILD = {"key": "k" * 32, "state": "ready", "name": "digits", "version": 1, "packages": {"numpy": "2"}}


def service() -> EnvironmentBuildService:
    """Of four machines, one of which was lost a moment ago, and one to which there is no connection."""

    class Link:
        async def call(self, method: str) -> Any:
            return {"environments": [BUILD]}

    async def link(name: str) -> Link:
        if name == "lost":
            raise Unreachable("lost cannot be reached")
        return Link()

    async def every(*_: Any) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("lost", "gpu1", "gpu2", "resting")]

    async def one(read: Any, name: str) -> Any:
        return SimpleNamespace(name=name)

    async def read(what: Any, *arguments: Any) -> Any:
        return await (one(what, *arguments) if arguments else every())

    context: Any = SimpleNamespace(
        store=SimpleNamespace(read=read),
        link=link,
        fleet=SimpleNamespace(current=lambda name: None if name == "resting" else object()),
    )
    return EnvironmentBuildService(context)


async def test_a_machine_that_went_hides_no_others() -> None:
    found = await service().list()
    assert [(one.name, one.target) for one in found] == [("digits", "gpu1"), ("digits", "gpu2")]
    with pytest.raises(Unreachable):
        await service().list("lost")


async def test_of_some_machines_those_that_are_connected_are_asked() -> None:
    """One that went has nothing to say; to ask it would be to connect to it."""
    for among, asked in ((["gpu2", "resting", "detached"], ["gpu2"]), ([], [])):
        assert [one.target for one in await service().list(among=among)] == asked
