"""The list of runs: groups, views, dots, marks, columns among thousands."""

from __future__ import annotations

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import row


async def test_marks_reach_rows_that_are_no_longer_held(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.tui.model.run_list.HELD", 60)
    rows = [
        row(900 - number, f"run-{number:03}", experiment="many", status="Running") for number in range(300)
    ]
    async with stage(World(rows), "runs/many") as it:
        await it.see("run-000")
        await it.press("asterisk", "x")
        await it.see("End 300 runs")
        await it.press("left", "enter")
        await it.until(lambda: len(it.world.asked("runs.cancel")) == 300, "every run asked to end")
        assert {asked["run"] for asked in it.world.asked("runs.cancel")} == {item["id"] for item in rows}


async def test_runs_stand_under_what_they_share_and_the_store_sums_groups_up(stage: Open) -> None:
    async with stage(location="runs?filter=loss<9 or lr>0") as it:
        await it.see("calm-otter-42", "/ loss<9 or lr>0")
        await it.press("b")
        await it.see("Group by")
        await it.type("arch")
        await it.press("enter")
        await it.see("arch resnet50", "arch vit-b", "no arch", "by param:arch", r"best loss 0\.0398")
        order = it.world.asked("runs.order")[-1]
        assert (order["group"], order["filter"]) == ("param:arch", "loss<9 or lr>0")
        assert "grouped" not in order
        assert it.app.places.current.options == {"filter": "loss<9 or lr>0", "group": "param:arch"}
        await it.press("escape")
        await it.see("8 runs", "no arch")
        assert it.app.places.current.options == {"group": "param:arch"}
        await it.press("escape")
        await it.see("mnist", "imagenet")
        assert it.app.places.current.options == {}


async def test_a_list_is_saved_as_a_view_and_comes_back_with_filter_order_and_columns(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.press("slash")
        await it.type("loss<0.1")
        await it.press("enter")
        await it.see("2 runs")
        await it.press("s")
        await it.type("name")
        await it.press("enter")
        await it.see("NAME▲")
        await it.press("w")
        await it.see("save this list")
        await it.press("enter")
        await it.see("Save this list")
        await it.type("good")
        await it.press("enter")
        await it.told("saved as good")
        saved = {
            "name": "good",
            "filter": "loss<0.1",
            "experiment": "mnist",
            "sort": "name",
            "descending": False,
        }
        assert {key: it.world.views["good"].get(key) for key in saved} == saved
        it.world.views["good"]["columns"] = ["state", "name", "max:loss"]
        await it.press("escape", "s")
        await it.type("age")
        await it.press("enter")
        await it.see("8 runs|5 runs", "AGE▼")
        await it.press("w")
        await it.see("good", "loss<0.1")
        await it.press("enter")
        await it.see("2 runs", "NAME▲", "/ loss<0.1")
        assert "TOOK" not in it.text
        await it.press("w")
        await it.see("forget a view")
        await it.type("forget")
        await it.press("enter")
        await it.see("Forget a view")
        await it.press("enter")
        await it.told("good is forgotten")
        assert it.world.views == {}
        await it.press("z")
        await it.until(lambda: "good" in it.world.views)
        assert it.world.views["good"]["filter"] == "loss<0.1"


async def test_runs_are_drawn_as_dots_and_opened(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.press("P")
        await it.see("plot", "^ *loss +3 runs, 2 without", " lr ")
        assert it.app.places.current.options["x"] == "param:lr"
        await it.press("right", "right")
        await it.see("vivid-lark-40 +lr 0.001 +loss 0.0398", "◆")
        await it.press("I")
        await it.see("y axis")
        await it.press("escape", "i")
        await it.see("x axis")
        await it.type("target")
        await it.press("enter")
        await it.see("gpu1 .* lab-7")
        await it.press("V")
        await it.told("is no number in some run")
        await it.press("enter")
        await it.see("vivid-lark-40", "Overview")
        await it.press("escape")
        await it.see("lab-7")


async def test_a_column_is_found_among_thousands_by_its_name(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.press("C")
        await it.see("space shows", "✔ +STATE")
        await it.press("slash")
        await it.type("bran attr")
        await it.miss("✔ +STATE")
        await it.see("BRANCH")
        await it.press("enter", "space")
        await it.see("✔ +BRANCH")
        await it.press("enter")
        await it.miss("space shows")
        await it.see("STATE.*BRANC")
