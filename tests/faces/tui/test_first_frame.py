"""What the first frame costs the server, and what news cost it afterwards: only what is in view."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import row
from workbench.text.location import parse
from workbench.tui.model.head_start import Ahead, HeadStart
from workbench.tui.places.first_questions import first_questions


class Beforehand:
    """The world as a thread sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        return getattr(self.world, f"{noun}_{method}")(**parameters)

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize("place", ["runs", "runs/mnist", "runs?status=failed", "compute"])
async def test_nothing_that_was_asked_ahead_is_asked_again(stage: Open, place: str) -> None:
    world = World()
    asked = first_questions(parse(place))
    head_start = HeadStart(asked, lambda: Beforehand(world))
    async with stage(world, place, through=lambda services: Ahead(services, head_start)) as it:
        await it.see("lab-7")
        again = {name for name, _ in world.calls} & {f"{item.noun}.{item.method}" for item in asked}
        assert again == set()


async def test_a_wrong_filter_is_told_by_the_page(stage: Open) -> None:
    assert [item.noun for item in first_questions(parse("runs?status=nonsense"))] == ["events", "workspace"]
    async with stage(location="runs?status=nonsense") as it:
        await it.told("no state 'nonsense'")


async def test_rows_out_of_view_are_asked_for_when_they_are_seen(stage: Open) -> None:
    world = World([row(number, f"run-{number:03}") for number in range(200, 0, -1)])
    async with stage(world, "runs/mnist") as it:
        await it.see("run-200")
        await it.press("end")
        await it.see("run-001")
        await it.press("home")
        await it.see("run-200")
        await it.rest()
        world.calls.clear()
        world.change("run-001", name="run-last")
        world.change("run-199", name="run-first")
        await it.see("run-first")
        fetched = [asked["ids"] for name, asked in world.calls if name == "runs.table" and "ids" in asked]
        assert fetched == [[world.run("run-first")["id"]]]
        await it.press("end")
        await it.see("run-last")


async def test_a_run_that_leaves_a_state_leaves_the_list_of_it(stage: Open) -> None:
    async with stage(location="runs?status=running") as it:
        await it.see("calm-otter-42", "2 runs")
        it.world.change("calm-otter-42", status="Completed")
        await it.miss("calm-otter-42")
        await it.see("1 run$")


async def test_sorting_asks_for_the_order_alone(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.rest()
        it.world.calls.clear()
        await it.press("S")
        await it.until(lambda: any(name == "runs.order" for name, _ in it.world.calls), "the order")
        await it.rest()
        assert {name for name, _ in it.world.calls} == {"runs.order"}
