"""Runs below a run: folded in the list, a tab of their own on its page, compared as a group."""

from __future__ import annotations

from tests.faces.fixed_runs import ago
from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS, row

SWEEP = row(
    50,
    "sweep-50",
    status="Running",
    created=ago(minutes=4),
    children={"count": 3, "active": 1, "failed": 1, "best": 0.125},
)
FOLDS = [
    row(51, "fold-1", parent=SWEEP["id"], created=ago(minutes=3), last=0.5, metric="loss"),
    row(52, "fold-2", parent=SWEEP["id"], created=ago(minutes=2), status="Failed",
        children={"count": 1, "active": 0, "failed": 0, "best": None}),
]  # fmt: skip
INNER = row(53, "inner", parent=FOLDS[1]["id"], created=ago(minutes=1))


def world() -> World:
    """A sweep with two folds, one of which has a run below it, beside other runs."""
    return World([SWEEP, *ROWS[:2], *FOLDS, INNER])


async def test_children_are_folded_until_one_looks(stage: Open) -> None:
    async with stage(world()) as it:
        await it.see(r"▸ sweep-50 3", "3 below, 1 active, 1 failed, best 0.125", "calm-otter-42")
        assert "fold-1" not in it.text
        await it.press("g", "plus")
        await it.see(r"▾ sweep-50 3", r"^ +\S+ +\S+ +fold-1", r"▸ fold-2 1")
        await it.press("j", "j", "plus")
        await it.see("▾ fold-2", "inner")
        assert it.table.cursor == FOLDS[1]["id"]
        await it.press("k", "k", "plus")
        await it.see("▸ sweep-50 3")
        assert "inner" not in it.text
        assert it.table.cursor == SWEEP["id"]
        await it.press("j", "plus")
        await it.told("calm-otter-42 has no runs below it")


async def test_a_child_that_comes_is_there_where_one_looks(stage: Open) -> None:
    async with stage(world()) as it:
        await it.see("sweep-50")
        await it.press("g", "plus")
        await it.see("fold-2")
        it.world.rows.append(row(54, "fold-3", parent=SWEEP["id"], created=ago(seconds=1)))
        it.world.happen("RunCreated", f"experiments/mnist/runs/{row(54, 'x')['id']}", above=[SWEEP["id"]])
        await it.see("fold-3")


async def test_the_tab_of_children_and_their_comparison(stage: Open) -> None:
    async with stage(world(), location="runs/mnist/sweep-50?tab=children") as it:
        await it.see("Children", "fold-1", "▸ fold-2 1")
        assert "calm-otter" not in it.text
        await it.press("c")
        await it.see("fold-1", "fold-2")
        assert it.app.places.current.options["compare"] == ",".join(run["id"] for run in FOLDS)
        await it.press("left_square_bracket")
        await it.see("Children")
        await it.press("enter")
        await it.see("Runs ▸ mnist ▸ fold-1", "Overview")


async def test_one_run_with_children_is_compared_as_its_children(stage: Open) -> None:
    async with stage(world()) as it:
        await it.see("sweep-50")
        await it.press("g", "c")
        await it.see("fold-1", "fold-2")
        assert it.app.places.current.options["compare"] == ",".join(run["id"] for run in FOLDS)


async def test_children_that_log_another_metric_are_told_by_it(stage: Open) -> None:
    """The header names it, the best of them stands out; the run they belong to is judged by its own."""
    folds = [
        row(60 + number, f"fold-{number}", parent=SWEEP["id"], created=ago(minutes=3), metric="loss", last=None,
            metrics={"val_acc": value})
        for number, value in enumerate((0.25, 0.75, 0.5))
    ]  # fmt: skip
    async with stage(World([SWEEP, *folds]), location="runs/mnist/sweep-50?tab=children") as it:
        await it.see("val_acc", "fold-0", r"0\.25", r"0\.75", r"0\.5")
        assert "METRIC" not in it.text
        asked = [call for call in it.world.asked("runs.table") if call.get("sort") == "max:val_acc"]
        assert asked
