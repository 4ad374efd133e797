"""Forwarded ports in the dashboard: listed, added, opened, closed; a run's tools and what it is doing, by one key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.tui.conftest import Open, Stage
from tests.faces.tui.world import World
from workbench.errors import Conflict, NotFound


class Ports:
    """The forwards of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: list[dict[str, Any]] = [
            {"local": 8888, "target": "gpu1", "host": "localhost", "port": 8888, "state": "open", "connections": 2,
             "served": 17, "url": "http://127.0.0.1:8888/"},
            {"local": 43845, "target": "lab-7", "host": "localhost", "state": "waiting", "tool": "jupyter", "run": "r",
             "run_name": "vivid-lark-40", "problem": "it has ended: kernel died\x1b[31m", "connections": 0, "served": 3,
             "url": "http://127.0.0.1:43845/lab?token=secret"},
        ]  # fmt: skip
        world.answers |= {
            "forwards.list": lambda: self.found,
            "forwards.add": self.add,
            "forwards.remove": self.remove,
            "forwards.serve": self.serve,
        }

    def add(self, **asked: Any) -> dict[str, Any]:
        if asked["port"] == 1:
            raise Conflict("port 9000 cannot be had here: Address already in use", "take another")
        local = asked["local"] or 50123
        new = {
            **asked,
            "local": local,
            "state": "open",
            "url": f"http://127.0.0.1:{local}/",
            "host": "localhost",
        }
        self.found = [*self.found, new]
        return new

    def remove(self, local: int) -> dict[str, Any]:
        self.found = [one for one in self.found if one["local"] != local]
        return {}

    def serve(self, run: str, tool: str) -> dict[str, Any]:
        if tool == "jupyter":
            raise NotFound(
                "Jupyter is not installed for /usr/bin/python3", "add jupyterlab to the run's environment"
            )
        new = {"local": 6006, "target": "gpu1", "run": run, "tool": tool, "state": "open", "host": "localhost",
               "url": "http://127.0.0.1:6006/"}  # fmt: skip
        self.found = [*self.found, new]
        return new


@pytest.fixture
def world() -> World:
    world = World()
    world.ports = Ports(world)  # type: ignore[attr-defined]
    return world


async def test_they_are_listed_with_what_is_wrong(stage: Open, world: World) -> None:
    async with stage(world, "forwards", size=(140, 30)) as it:
        await it.see(
            "open +8888 +gpu1 port 8888", "waiting +43845 +Jupyter on lab-7 +vivid-lark-40", "2 forwards"
        )
        await it.press("j")
        await it.see("it has ended: kernel died$")
        assert "\x1b" not in it.text
        assert "secret" not in it.text
        await it.press("slash")
        await it.type("jup")
        await it.press("enter")
        await it.see("1 forward$|1 forward ")
        assert "port 8888" not in it.text


async def test_another_is_added_and_a_refusal_is_told(stage: Open, world: World) -> None:
    async with stage(world, "forwards") as it:
        await it.see("2 forwards")
        await it.press("a")
        await it.see("Forward a port", "wb compute forward gpu1 PORT")
        await it.type("90000000")
        await it.press("enter")
        await it.see("8888, 9000:8888 or")
        await it.press(*["backspace"] * 8)
        await it.type("6006")
        await it.press("enter")
        await it.told("gpu1 port 6006")
        await it.see("3 forwards")
        await it.press("a")
        await it.see("Forward a port")
        await it.type("1")
        await it.press("enter")
        await it.told("cannot be had here")


def closing(it: Stage) -> list[dict[str, Any]]:
    return [asked for name, asked in it.world.calls if name == "forwards.remove"]


async def test_one_is_closed_after_a_yes(stage: Open, world: World) -> None:
    async with stage(world, "forwards") as it:
        await it.see("2 forwards")
        await it.press("j", "delete")
        await it.see("Close port 43845", "Jupyter ends with it")
        await it.press("escape")
        await it.miss("Close port")
        assert closing(it) == []
        await it.press("delete")
        await it.see("Close port 43845")
        await it.press("y")
        await it.see("1 forward")
        assert closing(it) == [{"local": 43845}]


async def test_where_there_is_no_browser_its_url_is_copied(stage: Open, world: World) -> None:
    async with stage(world, "forwards") as it:
        await it.see("2 forwards")
        await it.press("o")
        await it.told("URL copied: http://127.0.0.1:8888/")
        assert it.app.clipboard == "http://127.0.0.1:8888/"
        await it.press("j", "y")
        await it.until(lambda: it.app.clipboard == "http://127.0.0.1:43845/lab?token=secret")


async def test_a_runs_tools_by_one_key(stage: Open, world: World) -> None:
    async with stage(world, "runs") as it:
        await it.see("vivid-lark-40")
        await it.press("B")
        await it.told("starting TensorBoard for")
        await it.told("TensorBoard on gpu1: http://127.0.0.1:6006/")
        assert it.app.clipboard == "http://127.0.0.1:6006/"
        await it.press("J")
        await it.told("Jupyter is not installed")
        served = [asked["tool"] for name, asked in it.world.calls if name == "forwards.serve"]
        assert served == ["tensorboard", "jupyter"]


async def test_news_of_another_face_are_seen(stage: Open, world: World) -> None:
    async with stage(world, "forwards") as it:
        await it.see("2 forwards")
        world.ports.remove(8888)  # type: ignore[attr-defined]
        world.happen("ForwardChanged", "forwards/8888")
        await it.see("1 forward")


HUNG = {
    "processes": [
        {"pid": 4711, "parent": 1, "state": "S", "cpu": 61.0, "rank": 0, "threads": 2, "command": "python t.py\x1b[5m",
         "by": "faulthandler", "python": "Current thread 0x01 (most recent call first):\n  File \"t.py\", line 4 in wait\n"},
        {"pid": 4712, "parent": 4711, "state": "D", "threads": 30, "command": "rsync",
         "waits": [{"id": 4712, "name": "rsync", "state": "D", "wchan": "nfs_wait"}]},
    ],
    "more": 2,
}  # fmt: skip


async def test_what_a_run_is_doing(stage: Open, world: World) -> None:
    asked = []
    world.answers["runs.stack"] = lambda run: asked.append(run) or HUNG
    async with stage(world, "runs") as it:
        await it.see("calm-otter-42")
        await it.press("W")
        await it.see(
            "what calm-otter-42 is doing", "line 4 in wait", "stuck in the kernel +in nfs_wait", "and 2 more"
        )
        assert "\x1b" not in it.text
        await it.press("r")
        await it.until(lambda: len(asked) == 2)
        await it.press("escape")
        await it.miss("is doing")
