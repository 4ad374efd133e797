"""Environments in the dashboard: versions, what they are made of, where they are built; built, compared, pruned."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_environments import Environments


@pytest.fixture
def world() -> World:
    world = World()
    world.environments = Environments(world)  # type: ignore[attr-defined]
    world.rows[0]["environment"] = "digits:2"
    return world


def environments(world: World) -> Environments:
    found: Environments = world.environments  # type: ignore[attr-defined]
    return found


async def test_environments_are_listed_with_where_they_are_built(stage: Open, world: World) -> None:
    """AZ-132, AZ-133, AZ-141."""
    async with stage(world, ":environments") as it:
        await it.see(
            "digits +2 +requirements +- +gpu1, lab-7 +now", "torch-image +1 +image", "lab +1 +python"
        )
        assert "\x1b" not in it.text
        await it.press("slash", *"joblib", "enter")
        await it.see("1 environment$", "for the digits")
        await it.press("enter")
        await it.see("Environments ▸ digits", "2 versions", r"1 +>=3.9 +requirements +stable +lab-7")
        await it.press("enter")
        await it.see("Environments ▸ digits ▸ 2", "locked to +2 packages", "OMP_NUM_THREADS=8", "team=vision")
        await it.see("wb submit --env digits:2 -- python train.py")
        await it.press("tab")
        await it.see("numpy==2.1.3", "--hash=sha256:aa08e04e")
        await it.press("Y")
        await it.told("wb env show digits:2 --lock")
        await it.press("tab")
        await it.see(
            "digits:2 +gpu1 +✔ ready +58.2 MiB +now +3.11.2", "✖ failed", "joblib 1.4.2, numpy 2.1.3"
        )
        await it.miss("digits:1")


async def test_an_environment_is_reached_from_the_run_that_ran_in_it(stage: Open, world: World) -> None:
    async with stage(world, "runs/mnist/calm-otter-42") as it:
        await it.see("calm-otter-42")
        await it.press("ctrl+n")
        await it.see("Environments ▸ digits ▸ 2", "locked to")
        await it.press("left_square_bracket")
        await it.see("Runs ▸ mnist")
        await it.press("4", "tab", "tab")
        await it.see("4 environments|5 environments")


async def test_two_versions_are_held_against_each_other(stage: Open, world: World) -> None:
    async with stage(world, "environments/digits") as it:
        await it.see("2 versions")
        await it.press("c")
        await it.see("digits:1 against digits:2", r"\+requirements: joblib", r"\+variable OMP_NUM_THREADS=8")
        await it.see("-numpy==2.0.0", r"\+numpy==2.1.3")
        await it.press("escape")
        await it.press("j", "c")
        await it.told("there is no other version of it")
        await it.press("space", "k", "space")
        await it.see("2 marked")
        await it.press("c")
        await it.see("digits:1 against digits:2")


async def test_an_environment_is_built_with_its_log(stage: Open, world: World) -> None:
    """AZ-141: an activity with a log; it goes on while one looks elsewhere."""
    environments(world).held = asyncio.Event()
    async with stage(world, "environments/digits:2") as it:
        await it.see("locked to")
        await it.press("b")
        await it.see("Build digits:2 on which machine")
        await it.press(*"dgx", "enter")
        await it.see(
            "digits:2 on dgx-02", "Resolved 2 packages", "Downloading numpy 100%", "Installed 2 packages"
        )
        await it.miss("numpy 10%")
        assert "\x1b" not in it.text
        await it.press("escape")
        await it.see("wb submit --env digits:2")
        held = environments(world).held
        assert held is not None
        held.set()
        await it.told("digits:2 built on dgx-02: 2 packages, Python 3.11.2")
        await it.press("shift+tab")
        await it.see("digits:2 +dgx-02 +✔ ready")


async def test_a_build_is_ended_and_one_that_fails_says_why(stage: Open, world: World) -> None:
    environments(world).held = asyncio.Event()
    async with stage(world, "environments/digits") as it:
        await it.see("2 versions")
        await it.press("b", *"dgx", "enter")
        await it.see("Resolved 2 packages")
        await it.press("x")
        await it.see("ended; it goes on where a run waits for it")
        await it.press("x")
        await it.told("it is over")
        await it.press("escape", "b", *"lab", "enter")
        await it.see("lab-7 has no Python 3.12", "wb compute set lab-7 python=PATH")
    async with stage(world, "environments/lab") as it:
        await it.see("1 version$")
        await it.press("b")
        await it.told("nothing is built of it")


async def test_a_machine_that_comes_is_asked_and_one_that_went_forgotten(stage: Open, world: World) -> None:
    """What is seen of builds is of now, and nobody else is asked for it."""

    def asked() -> list[Any]:
        return [said.get("among") for name, said in world.calls if name == "environment_builds.list"]

    every = environments(world).builds
    for place, all_, left in (
        ("builds", ("4 builds", "other-None-dgx-02"), "2 builds"),
        ("environments", ("digits .*gpu1, lab-7",), "digits .*lab-7"),
        ("environments/digits", ("2 .*gpu1", "1 .*lab-7"), "1 .*lab-7"),
    ):
        environments(world).builds = [one for one in every if one["target"] != "gpu1"]
        world.calls.clear()
        async with stage(world, place, size=(200, 50)) as it:
            await it.see("lab-7")
            assert asked() == [None]
            environments(world).builds = every
            world.happen("TargetChanged", "compute/gpu1", state="connected", changed=["state"])
            await it.see("gpu1", *all_)
            environments(world).builds = [one for one in every if one["target"] == "lab-7"]
            for name in ("gpu1", "dgx-02"):
                world.happen("TargetChanged", f"compute/{name}", state="idle", changed=["state"])
            await it.miss("gpu1")
            await it.miss("dgx-02")
            await it.see(left)
            assert asked()[:2] == [None, ["gpu1"]]
            assert None not in asked()[2:]
            assert {name for among in asked()[2:] for name in among} == {"gpu1", "dgx-02"}


async def test_a_machine_that_comes_while_others_are_asked_is_asked_next(stage: Open, world: World) -> None:
    every, held = environments(world).builds, asyncio.Event()
    environments(world).builds = [one for one in every if one["target"] == "lab-7"]

    async def slow(**said: Any) -> Any:
        found = environments(world).list_builds(**said)
        await held.wait()
        return found

    world.answers["environment_builds.list"] = slow
    async with stage(world, "builds", size=(200, 50)) as it:
        await it.until(lambda: any(name == "environment_builds.list" for name, _ in world.calls))
        environments(world).builds = every
        world.happen("TargetChanged", "compute/dgx-02", state="connected", changed=["state"])
        await it.rest()
        held.set()
        await it.see("3 builds", "other-None-dgx-02")


async def test_builds_are_listed_read_and_pruned(stage: Open, world: World) -> None:
    async with stage(world, "builds", size=(200, 50)) as it:
        await it.see("digits:2 +gpu1 +✔ ready", "other-None-dgx-02", "4 builds", "lab-7 has no Python 3.12")
        assert "\x1b" not in it.text
        it.table.go_to("lab-7 digits-2-lab-7")
        await it.press("f")
        await it.see("what digits:2 said on lab-7", "error: no such Python", "failed")
        await it.press("x")
        await it.told("it is over|somebody else")
        await it.press("escape")
        await it.press("asterisk")
        await it.see("4 marked")
        await it.press("X")
        await it.see(
            "Remove 3 builds", "digits:1 on lab-7", "digits:2 stays: a run lives in it", "would be freed"
        )
        await it.press("enter")
        await it.see("4 builds")
        await it.press("X", "y")
        await it.told("3 builds removed")
        await it.see("1 build ")


async def test_aliases_tags_and_archives(stage: Open, world: World) -> None:
    """AZ-133."""
    async with stage(world, "environments/digits") as it:
        await it.see("2 versions")
        await it.press("a", *"latest", "enter")
        await it.see("latest always means the newest")
        await it.press("ctrl+u", *"gold")
        await it.see("wb env alias digits:2 gold")
        await it.press("enter")
        await it.see("latest, gold")
        await it.press("t")
        await it.type(" good")
        await it.press("enter")
        await it.see("team=vision.*")
        await it.until(
            lambda: environments(world).get("digits:2")["tags"] == {"team": "vision", "good": None}
        )
        await it.press("delete")
        await it.see("2 +>=3.9 +requirements +archived")
        await it.press("z")
        await it.miss("archived")


async def test_environments_stand_at_every_size(stage: Open, world: World) -> None:
    for size in ((80, 24), (120, 36), (200, 50)):
        for place in ("environments", "environments/digits", "environments/digits:2", "builds"):
            async with stage(world, place, size=size) as it:
                await it.see("digits|numpy")
                assert all(strip.cell_length == size[0] for strip in it.strips)
