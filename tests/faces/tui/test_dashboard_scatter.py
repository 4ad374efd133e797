"""Runs as dots: the newest are drawn at once, how many there are in all is said once that is known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS
from workbench.errors import ServerError
from workbench.tui.screens.scatter import page

PLACE = "runs?plot=all&x=lr&y=loss"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs fill a page, and no more are drawn."""
    monkeypatch.setattr(page, "PAGE", 2)
    monkeypatch.setattr(page, "MOST", 2)


def world() -> World:
    """Pages of its runs do not tell how many there are."""
    found = World()
    table = found.runs_table

    def without_total(**asked: Any) -> Any:
        answer = table(**asked)
        return {key: value for key, value in answer.items() if key != "total"}

    found.answers["runs.table"] = without_total
    return found


async def test_the_dots_do_not_wait_for_the_count_of_all_runs(stage: Open) -> None:
    counted = asyncio.Event()
    here = world()

    async def count(**asked: Any) -> dict[str, int]:
        await counted.wait()
        return {"count": 12_345}

    here.answers["runs.count"] = count
    async with stage(here, PLACE) as it:
        await it.see(r"the newest 2 of 2\+ runs")
        counted.set()
        await it.see("the newest 2 of 12,345 runs")
        assert ("runs.count", {}) in it.world.calls


async def test_a_count_that_fails_is_told_and_the_dots_stay(stage: Open) -> None:
    here = world()

    async def count(**asked: Any) -> dict[str, int]:
        raise ServerError("the disk is gone", "look for it")

    here.answers["runs.count"] = count
    async with stage(here, PLACE) as it:
        await it.told("the disk is gone")
        await it.see(r"the newest 2 of 2\+ runs")


async def test_marked_runs_are_not_counted(stage: Open) -> None:
    here = world()
    two = ",".join(row["id"] for row in here.rows[:2])
    async with stage(here, f"runs?plot={two}&x=lr&y=loss") as it:
        await it.until(lambda: any(call == "runs.table" for call, _ in here.calls))
        await it.rest()
        assert "runs.count" not in [call for call, _ in here.calls]
        assert "the newest" not in it.text


async def test_compared_runs_are_drawn_as_dots_from_where_they_are_compared(stage: Open) -> None:
    compared = ",".join(row["id"] for row in ROWS[:2])
    async with stage(location=f"runs/mnist?compare={compared}") as it:
        await it.see("2 runs compared")
        await it.press("P")
        await it.see("x axis", "y axis")
        assert it.app.places.current.options["plot"] == compared
        await it.press("left_square_bracket")
        await it.see("2 runs compared")
