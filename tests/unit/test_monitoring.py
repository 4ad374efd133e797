"""What a face gets of machines: a snapshot, then only what changed, never more than it takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.scripted_machines import ScriptedWorld, scripted
from workbench.entities.base import to_wire
from workbench.entities.encoding import encode
from workbench.entities.machine_view import Looking, RunThere
from workbench.entities.merge_patch import merged
from workbench.entities.run import RunState
from workbench.errors import NoPython, NotFound
from workbench.services.context import Context
from workbench.services.monitoring import MonitoringService

Scene = Callable[[ScriptedWorld, MonitoringService], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene, int], None]:
    """`play(scene, count)`: run a scene with so many machines and the service over them."""

    def run(scene: Scene, count: int) -> None:
        async def scened() -> None:
            world = ScriptedWorld(monkeypatch, count)
            context = SimpleNamespace(monitor=world.monitor, store=None, link=world.fleet.link)
            try:
                await scene(world, MonitoringService(cast(Context, context)))
            finally:
                await world.close()

        scripted(scened)

    return run


class Face:
    """What a face makes of a stream."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self._stream = stream
        self.machines: dict[str, Any] = {}
        self.last: dict[str, Any] = {}

    async def step(self) -> dict[str, Any]:
        item = await anext(self._stream)
        self.last = json.loads(encode(item))
        assert self.last == to_wire(item)
        if "machines" in self.last:
            self.machines = self.last["machines"]
        for name, patch in self.last.get("patch", {}).items():
            self.machines[name] = merged(self.machines.get(name, {}), patch)
        for name in self.last.get("gone", []):
            del self.machines[name]
        return self.last


def same(face: Face, world: ScriptedWorld) -> None:
    """That the face has what there is, but for ages that go on and processes that come seldom."""
    for machine in world.machines:
        view, known = to_wire(world.monitor.view(machine.name)), dict(face.machines[machine.name])
        for one in (view, known):
            one.pop("age", None)
            if "sample" in one:
                one["sample"] = dict(one["sample"])
                assert [process["pid"] for process in one["sample"].pop("processes")] == [machine.number]
        assert known == view


def test_patches_make_what_there_is(play: Callable[[Scene, int], None]) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        async with aclosing(service.watch()) as stream:
            face = Face(stream)
            assert "machines" in await face.step()
            for second in range(20):
                await face.step()
                same(face, world)
                if second == 10:
                    world.machines[2].link.lose("cut")
                    world.monitor.set_runs(
                        {"m001": {"01R": RunThere(name="r", experiment="e", status=RunState.RUNNING)}}
                    )
            assert face.machines["m001"]["runs"]["01R"]["status"] == "Running"
            assert "uuid" not in json.dumps(face.last), "GPUs that did not change are not sent again"

    play(scene, 5)


def test_it_comes_as_often_as_one_looks(play: Callable[[Scene, int], None]) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        loop = asyncio.get_running_loop()
        for looking, least, most in (
            (Looking.CLOSELY, 80, 103),
            (Looking.VISIBLE, 8, 12),
            (Looking.AWAY, 1, 4),
        ):
            async with aclosing(service.watch(["m001"], looking)) as stream:
                face = Face(stream)
                await face.step()
                until, count = loop.time() + 10, 0
                while loop.time() < until:
                    await face.step()
                    count += 1
            assert least <= count <= most, looking

    play(scene, 3)


@pytest.mark.parametrize(("named", "least", "most"), [(["m001"], 15, 22), (None, 3, 6)])
def test_processes_come_seldom_to_who_looks_at_many(
    play: Callable[[Scene, int], None], named: list[str] | None, least: int, most: int
) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        async with aclosing(service.watch(named)) as stream:
            face, seen = Face(stream), []
            loop = asyncio.get_running_loop()
            while loop.time() < 20:
                await face.step()
                for one in face.machines.get("m001", {}).get("sample", {}).get("processes", []):
                    seen.append(one["cpu"])
            assert least <= len(set(seen)) <= most

    play(scene, 3)


def test_one_that_stopped_reading_gets_how_it_is_then(play: Callable[[Scene, int], None]) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        async with aclosing(service.watch(looking=Looking.CLOSELY)) as stream:
            face = Face(stream)
            await face.step()
            await face.step()
            await asyncio.sleep(300)
            ticks = world.machines[0].ticks
            await face.step()
            memory = face.machines["m000"]["sample"]["host"]["memory_used"] >> 20
            assert ticks <= memory <= ticks + 3, "not what was missed, but what is"

    play(scene, 2)


def test_machines_that_come_and_go_are_told(play: Callable[[Scene, int], None]) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        async with aclosing(service.watch()) as stream:
            face = Face(stream)
            await face.step()
            await world.monitor.forget("m001")
            while "m001" in face.machines:
                await face.step()
            world.monitor.add("m001")
            while "sample" not in face.machines.get("m001", {}):
                await face.step()
            assert face.machines["m001"]["name"] == "m001"
        with pytest.raises(NotFound):
            await anext(service.watch(["nowhere"]))

    play(scene, 3)


def test_a_sample_is_how_it_is_now(play: Callable[[Scene, int], None]) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        (machine,) = world.machines
        view = await service.sample("m000")
        assert view.sample is not None
        await asyncio.sleep(8)
        assert machine.probe_stream.every == 5.0
        ticks = machine.ticks
        view = await service.sample("m000")
        assert view.sample is not None
        assert view.sample.host.memory_used is not None
        assert view.sample.host.memory_used >> 20 > ticks

    play(scene, 1)


def test_a_sample_of_a_machine_without_python_is_what_its_shell_tells(
    play: Callable[[Scene, int], None],
) -> None:
    async def scene(world: ScriptedWorld, service: MonitoringService) -> None:
        async def link(name: str) -> None:
            raise NoPython(f"there is no Python on {name}")

        service._context.link = link  # type: ignore[method-assign, assignment]
        view = await service.sample("m000")
        assert view.sample is not None

    play(scene, 1)
