"""The server under the dashboard: slow, gone, back, shared with another dashboard; news it brings."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS, row
from workbench.errors import ServerError

PLACES = ["", "runs/mnist", "runs/mnist/calm-otter-42", "compute", "compute/gpu1", "activity"]
PLACES += ["queue", *(f"compute/gpu1?tab={tab}" for tab in ("runs", "history", "queue", "facts", "doctor"))]
PLACES += [f"runs/mnist/calm-otter-42?tab={tab}" for tab in ("logs", "metrics", "files", "snapshot")]
PLACES += [f"runs/mnist?compare={ROWS[0]['id']},{ROWS[2]['id']}{tab}" for tab in ("", "&tab=code")]


class SlowWorld(World):
    """Nothing is answered until `ready` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        await self.ready.wait()
        return await super().call(noun, method, **parameters)


async def test_the_first_frame_waits_for_nobody_and_keys_work_meanwhile(stage: Open) -> None:
    world = SlowWorld()
    world.calls.append(("none yet", {}))
    async with stage(world) as it:
        await it.see("the local server starts", "1 Runs", "STATE")
        await it.press("2")
        await it.see("^ Compute")
        await it.press("question_mark")
        await it.see("type to find a key")
        await it.press("escape", "1")
        world.ready.set()
        await it.see("calm-otter-42", "3/4 machines")


@pytest.mark.parametrize("place", PLACES)
async def test_a_server_that_went_is_told_keys_work_and_all_is_fresh_when_it_is_back(
    stage: Open, place: str
) -> None:
    async with stage(location=place) as it:
        await it.see("◆ 3/4")
        await it.rest()
        it.world.vanish("the local server ended")
        await it.see("the local server ended, trying again")
        await it.press("2", "1", "7", "left_square_bracket", "left_square_bracket", "left_square_bracket")
        await it.press("question_mark", "escape", "tab", "tab", "g", "G", "x")
        await it.press("escape", "colon", "escape", "slash", "escape", "s", "escape", "R", "escape")
        await it.rest()
        # What is typed while a line may still open is meant for it, and no command.
        await it.until(lambda: it.app.ahead._waiting is None, "the end of waiting for a line")
        it.world.gone = None
        await it.see("◆ 3/4")
        it.world.change("calm-otter-42", status="Failed", message="lost its GPU", exit_code=1)
        await it.press("1")
        await it.see("STATE")
        await it.press("colon")
        await it.see("a place:")
        await it.type("runs/mnist")
        await it.press("enter")
        await it.see("failed *calm-otter-42", "5 runs")


async def test_what_changed_while_the_server_was_away_is_seen_afterwards(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        it.world.vanish("upgrading")
        await it.see("upgrading, trying again")
        it.world.run("brisk-heron-41").update(status="Running")
        it.world.rows.insert(0, row(77, "missed-moose-77"))
        it.world.gone = None
        await it.see("missed-moose-77", "running *brisk-heron-41")
        assert it.table.cursor == ROWS[0]["id"]


async def test_rows_scrolled_to_while_the_server_was_away_come_afterwards(stage: Open) -> None:
    rows = [row(900 - number, f"run-{number:03}", experiment="many") for number in range(500)]
    async with stage(World(rows), "runs/many") as it:
        await it.see("run-000")
        it.world.vanish("gone")
        await it.see("trying again")
        await it.press("G")
        await it.rest()
        it.world.gone = None
        await it.see("run-499")


async def test_one_page_that_cannot_be_had_does_not_harm_the_others(stage: Open) -> None:
    world = World()

    def refuses(**_: Any) -> None:
        raise ServerError("the store is being repaired")

    world.answers["activities.list"] = refuses
    async with stage(world) as it:
        await it.see("calm-otter-42")
        await it.press("7")
        await it.rest()
        await it.press("1")
        it.world.change("calm-otter-42", status="Completed")
        await it.see("completed *calm-otter-42")
        del world.answers["activities.list"]
        await it.press("7")
        await it.see("transfer")


async def test_two_dashboards_on_one_world_see_what_the_other_does(stage: Open) -> None:
    world = World()
    async with stage(world) as one, stage(world, "runs/mnist") as other:
        await one.see("calm-otter-42")
        await other.see("calm-otter-42")
        await one.press("x")
        await one.see("End calm-otter-42\\?")
        await one.press("y")
        await other.see("cancel.* *calm-otter-42")
        await other.press("j", "j", "delete")
        await one.miss("vivid-lark-40")
        await one.see("7 runs")


async def test_a_flood_of_news_does_not_outrun_what_is_asked_for(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        before = len(it.world.calls)
        for number in range(2000):
            it.world.happen("RunRecords", f"experiments/mnist/runs/{ROWS[number % 5]['id']}")
        it.world.change("calm-otter-42", last=0.0777)
        await it.see("0.0777")
        assert len(it.world.calls) - before < 100


async def test_more_changes_than_one_names_are_looked_at_whole(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        for number in range(3000):
            it.world.happen("RunStatusChanged", f"experiments/mnist/runs/elsewhere-{number}")
        it.world.change("calm-otter-42", status="Completed")
        await it.see("completed *calm-otter-42")


async def test_what_happened_while_one_was_away_is_told_once(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        it.app.memory.keep("left", "2026-11-23T09:00:00Z")
        it.app._note_time = lambda: None  # type: ignore[method-assign]
    async with stage() as it:
        await it.told("2 completed|1 completed|completed")
        await it.press("7")
        await it.see("While you were away", "vivid-lark-40")
        await it.press("g", "j", "enter")
        await it.see("Runs ▸ mnist ▸ ")
