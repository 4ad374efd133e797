"""Many machines watched at once, over a real fleet and a clock that is a script."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from tests.scripted_machines import ScriptedMachine, ScriptedWorld, scripted
from workbench.compute.looks import Look
from workbench.entities.machine_view import Freshness, Looking, MachineView, RunThere
from workbench.entities.queue import Cordon
from workbench.entities.run import RunState
from workbench.entities.target import TargetState
from workbench.errors import NotFound, RemoteError

Scene = Callable[[ScriptedWorld], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`play(scene, count, idle=0)`: run a scene in a world of so many machines."""

    def run(scene: Scene, count: int, idle: float = 0.0) -> None:
        async def scened() -> None:
            world = ScriptedWorld(monkeypatch, count, idle)
            try:
                await scene(world)
            finally:
                await world.close()

        scripted(scened)

    return run


def figures_of(machine: ScriptedMachine, view: MachineView) -> None:
    """That everything in a view is its machine's own."""
    assert view.name == machine.name
    assert view.sample is not None
    assert view.sample.host.cpu == machine.number / 2
    assert [gpu.uuid for gpu in view.sample.gpus] == [f"{machine.name}-0", f"{machine.name}-1"]
    assert {gpu.utilisation for gpu in view.sample.gpus} == {machine.number / 4}


def test_two_hundred_machines_are_all_seen_and_none_is_mixed_up(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(60)
            for machine in world.machines:
                view = world.monitor.view(machine.name)
                figures_of(machine, view)
                assert (view.state, view.freshness) == (TargetState.CONNECTED, Freshness.FRESH)
                assert len(machine.attempts) == 1
                assert 45 <= machine.ticks <= 61
                history = world.monitor.history(machine.name)
                assert history.seconds("cpu", *seconds_ago(world, 30, 1)) == [machine.number / 2] * 29

    play(scene, 200)


def seconds_ago(world: ScriptedWorld, first: int, last: int) -> tuple[int, int]:
    now = int(world.monitor._wall())
    return now - first, now - last


def test_two_hundred_machines_are_not_all_connected_to_in_one_moment(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(30)
        assert most_in(0.5, [at for machine in world.machines for at in machine.attempts]) <= 11

    play(scene, 200)


def most_in(span: float, times: list[float]) -> int:
    """The most of these times that lie within one span."""
    times = sorted(times)
    return max(sum(begin <= at <= begin + span for at in times) for begin in times)


def test_one_that_stops_answering_is_late_then_lost_then_back(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        sick = world.machines[3]
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(5)
            sick.silent = True
            seen: list[tuple[float, Freshness]] = []
            for second in range(75):
                await asyncio.sleep(1)
                view = world.monitor.view(sick.name)
                figures_of(sick, view)  # the last values stay
                assert view.age is not None
                if not seen or seen[-1][1] is not view.freshness:
                    seen.append((second, view.freshness))
            assert [freshness for _, freshness in seen] == ["fresh", "late", "lost"]
            assert 3 <= seen[1][0] <= 6
            assert 59 <= seen[2][0] <= 63
            assert 73 <= (world.monitor.view(sick.name).age or 0) <= 76
            assert all(world.monitor.view(other.name).freshness == "fresh" for other in world.machines[4:])
            sick.silent = False
            await asyncio.sleep(3)
            assert world.monitor.view(sick.name).freshness is Freshness.FRESH
            past = world.monitor.history(sick.name).seconds("cpu", *seconds_ago(world, 60, 10))
            assert past == [None] * 50, "a gap is a gap"

    play(scene, 8)


def test_fifty_that_fail_at_once_come_back_without_a_storm(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        failing, well = world.machines[:50], world.machines[50:]
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(60)
            began = asyncio.get_running_loop().time()
            for machine in failing:
                machine.up = False
                machine.attempts.clear()
                machine.link.lose("the switch is off")
            await asyncio.sleep(600)
            attempts = [at for machine in failing for at in machine.attempts]
            assert all(world.monitor.view(machine.name).freshness == "lost" for machine in failing)
            assert all(world.monitor.view(machine.name).freshness == "fresh" for machine in well)
            assert most_in(0.5, attempts) <= 11
            first = [at - began for at in attempts if at - began < 4]
            assert min(first) >= 0.5, "the fleet's patience with them counts"
            assert max(first) - min(first) > 1, "they were not tried in one moment"
            assert len([at for at in attempts if at - began > 300]) <= 50 * (300 / 60 + 1)
            for machine in failing:
                machine.up = True
                machine.attempts.clear()
            await asyncio.sleep(130)
            assert all(world.monitor.view(machine.name).freshness == "fresh" for machine in failing)
            assert Counter(len(machine.attempts) for machine in failing) == {1: 50}
            assert most_in(1.0, [machine.attempts[0] for machine in failing]) <= 15

    play(scene, 60)


def test_the_closest_look_decides_how_often_a_machine_is_asked(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(5)
            stream = machine.probe_stream
            assert (stream.every, stream.detail) == (1.0, [])
            with world.monitor.look([machine.name], Looking.CLOSELY):
                await asyncio.sleep(2)
                assert (stream.every, stream.detail) == (0.1, ["m000-0", "m000-1"])
                before = machine.ticks
                await asyncio.sleep(5)
                assert 45 <= machine.ticks - before <= 51
            await asyncio.sleep(1)
            assert (stream.every, stream.detail) == (1.0, [])
            with world.monitor.look([machine.name], Looking.AWAY):
                await asyncio.sleep(1)
                assert stream.every == 1.0
        await asyncio.sleep(1)
        assert stream.every == 5.0
        assert machine.probe_stream is stream, "one probe, however many look"

    play(scene, 1)


def test_who_watches_keeps_the_link_and_one_that_nobody_watches_rests(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(1000)
            assert len(machine.links) == 1
            assert machine.link.lost_reason is None
        await asyncio.sleep(90)
        assert machine.link.lost_reason is None
        assert world.monitor.view(machine.name).freshness is Freshness.FRESH
        await asyncio.sleep(1000)
        assert machine.link.lost_reason == "it was closed"
        view = world.monitor.view(machine.name)
        assert (view.state, view.freshness) == (TargetState.IDLE, Freshness.RESTING)
        assert len(machine.links) == 1
        with world.monitor.look(None, Looking.AWAY):
            await asyncio.sleep(100)
            assert len(machine.links) == 1, "who is away is not worth a connection"
        with world.monitor.look(None, Looking.CLOSELY):
            await asyncio.sleep(5)
            assert world.monitor.view(machine.name).freshness is Freshness.FRESH

    play(scene, 1, idle=100)


def test_a_machine_that_asks_its_user_is_not_tried_again_and_is_not_said_to_rest(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(5)
        await asyncio.sleep(300)
        assert world.monitor.view(machine.name).freshness is Freshness.RESTING
        machine.asks = True
        machine.attempts.clear()
        tries: list[str] = []
        link = world.fleet.link
        monkeypatch.setattr(world.fleet, "link", lambda name: (tries.append(name), link(name))[1])
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(600)
            view = world.monitor.view(machine.name)
            assert (view.state, view.freshness) == (TargetState.NEEDS_SIGN_IN, Freshness.LOST)
            assert view.retry is None
            assert (len(machine.attempts), len(tries)) == (1, 1)
        await asyncio.sleep(5)
        assert world.monitor.view(machine.name).freshness is Freshness.RESTING
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(3)
            assert world.monitor.view(machine.name).freshness is Freshness.LOST
            assert len(machine.attempts) == 1
            machine.asks = False
            await link(machine.name, retry_now=True)
            await asyncio.sleep(3)
            assert world.monitor.view(machine.name).freshness is Freshness.FRESH

    play(scene, 1, idle=50)


def test_a_link_that_is_up_for_runs_is_asked_seldom(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        await asyncio.sleep(100)
        assert machine.attempts == []
        await world.fleet.link(machine.name)
        await asyncio.sleep(100)
        assert 19 <= machine.ticks <= 22
        figures_of(machine, world.monitor.view(machine.name))

    play(scene, 1)


def test_a_machine_with_runs_that_cannot_be_reached_is_lost_and_does_not_rest(
    play: Callable[..., None],
) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        run = RunThere(name="r", experiment="e", status=RunState.RUNNING, gpus=["m000-1"])
        world.monitor.set_runs({machine.name: {"01R": run}, "elsewhere": {}})
        world.monitor.set_leases(machine.name, {"m000-0": "ann's shell"})
        world.monitor.set_cordon(machine.name, Cordon(by="ann"))
        await world.fleet.link(machine.name)
        await asyncio.sleep(10)
        machine.up = False
        machine.link.lose("no route")
        await asyncio.sleep(70)
        view = world.monitor.view(machine.name)
        assert view.freshness is Freshness.LOST
        assert view.held == {"m000-0": "ann's shell", "m000-1": "01R"}
        assert view.cordon == Cordon(by="ann")

    play(scene, 1)


def test_a_probe_that_keeps_dying_is_started_again_and_not_at_once_for_ever(
    play: Callable[..., None],
) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(5)
            machine.probe_stream.end(RemoteError("it was killed"))
            await asyncio.sleep(0.01)
            assert world.monitor.view(machine.name).problem == "it was killed"
            await asyncio.sleep(3)
            assert world.monitor.view(machine.name).problem is None
            assert world.monitor.view(machine.name).freshness is Freshness.FRESH
            started = 0
            for _ in range(6000):
                if machine.link.streams:
                    started += 1
                    machine.probe_stream.end()
                await asyncio.sleep(0.1)
            assert 8 <= started <= 25
            assert len(machine.links) == 1

    play(scene, 1)


def test_messages_that_make_no_sense_are_asked_for_in_full(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        (machine,) = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(5)
            stream = machine.probe_stream
            stream.put({"delta": {}})
            await asyncio.sleep(0.5)
            assert stream.said == [{"full": True}]
            machine.silent = True
            for _ in range(10):
                stream.put({"delta": {}})
            await asyncio.sleep(0.05)
            assert "makes no sense" in (world.monitor.view(machine.name).problem or "")
            machine.silent = False
            await asyncio.sleep(5)
            assert world.monitor.view(machine.name).problem is None

    play(scene, 1)


def test_a_machine_that_says_more_than_anybody_can_read_does_not_keep_others_waiting(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = itertools.count(0.0, 0.01)  # every message takes 10 ms to read
    monkeypatch.setattr(
        "workbench.compute.probe_stream.time", SimpleNamespace(thread_time=lambda: next(spent))
    )

    async def scene(world: ScriptedWorld) -> None:
        hostile, other = world.machines
        with world.monitor.look(None, Looking.VISIBLE):
            await asyncio.sleep(2)
            stream = hostile.probe_stream
            for _ in range(10_000):
                stream.put({"full": hostile.sample(1.0)})
            ticks = other.ticks
            await asyncio.sleep(60)
            assert 10_000 - len(stream._items) <= 60 * 0.1 / 0.01 + 30
            assert other.ticks - ticks >= 55
            assert world.monitor.view(other.name).freshness is Freshness.FRESH

    play(scene, 2)


def test_a_stopped_reader_keeps_names_only(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        with world.monitor.look(None, Looking.CLOSELY) as look:
            await asyncio.sleep(600)
            assert await look.take() == {machine.name for machine in world.machines}
            changed = asyncio.create_task(look.take())
            await asyncio.sleep(0.2)
            assert changed.done()
            assert sum(machine.ticks for machine in world.machines) > 10_000

    play(scene, 3)


def test_machines_come_and_go_while_somebody_looks(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        with world.monitor.look(None, Looking.VISIBLE) as look:
            await asyncio.sleep(5)
            await world.monitor.forget("m001")
            assert await names_until(look, "m001")
            assert world.monitor.plain("m001") is None
            with pytest.raises(NotFound):
                world.monitor.view("m001")
            world.monitor.add("m001")
            await asyncio.sleep(3)
            figures_of(world.machines[1], world.monitor.view("m001"))
        with pytest.raises(NotFound), world.monitor.look(["m001", "nowhere"], Looking.VISIBLE):
            pass

    play(scene, 3)


async def names_until(look: Look, name: str) -> bool:
    while name not in await look.take():
        pass
    return True
