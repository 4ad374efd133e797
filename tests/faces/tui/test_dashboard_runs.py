"""The list of runs: rows, filters, order, marks, and what one does with runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faces.fixed_runs import NOW
from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS, row
from workbench.errors import Refused
from workbench.text.location import Location
from workbench.tui.frame.footer import Footer
from workbench.tui.model.each import AT_ONCE
from workbench.tui.screens.run import overview, page
from workbench.tui.screens.runs import listing
from workbench.tui.screens.runs.page import RunsPage


async def test_opens_with_every_experiment_as_a_group(stage: Open) -> None:
    async with stage() as it:
        await it.see("mnist  5", "imagenet", "calm-otter-42", "CUDA out of memory", "2 GPUs wanted")
        assert "8 runs" in it.lines[1]
        assert "best by highest acc" in it.text
        assert "best so far" in it.text


async def test_a_row_changes_in_place_and_the_cursor_stays(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("j", "j")
        before, line = it.table.cursor, next(n for n, text in enumerate(it.lines) if "calm-otter" in text)
        it.world.change("calm-otter-42", status="Completed", ended="2026-11-23T12:04:29Z")
        await it.see("completed *calm-otter-42")
        assert it.table.cursor == before
        assert "calm-otter-42" in it.lines[line]
        it.world.add(row(50, "new-newt-50"))
        await it.see("new-newt-50", "9 runs")
        assert it.table.cursor == before


async def test_tab_and_a_click_beside_the_rows_leave_the_list_its_keys(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        seen = [it.table.cursor]
        for key in ("tab", "shift+tab"):
            await it.press(key, "j")
            seen.append(it.table.cursor)
        assert len(set(seen)) == 3


async def test_a_state_a_value_and_the_name_of_a_param_are_whole(stage: Open) -> None:
    rows = [
        row(1, "new-newt-1", experiment="few", status="NotStarted", params={"optimizer": "adam"}),
        row(2, "old-owl-2", experiment="few", status="Running", params={}, last=0.001234),
    ]
    async with stage(World(rows), "runs/few", size=(120, 24)) as it:
        await it.see("not started  new-newt-1", r"\boptimizer\b", r"0\.001234")
        await it.pilot.resize_terminal(80, 24)
        await it.see("not started *new-newt-1", r"0\.001234")


async def test_runs_that_come_above_leave_what_one_looks_at_where_it_is(stage: Open) -> None:
    rows = [row(900 - number, f"run-{number:03}", experiment="many") for number in range(300)]
    async with stage(World(rows), "runs/many") as it:
        await it.see("run-000")
        await it.press(*["ctrl+d"] * 5)
        await it.miss("· *·")
        seen, cursor = [line[:100].rstrip() for line in it.lines[3:-2]], it.table.cursor
        for number in range(3):
            it.world.add(row(950 + number, f"newer-{number}", experiment="many"))
        await it.see("303 runs")
        assert ([line[:100].rstrip() for line in it.lines[3:-2]], it.table.cursor) == (seen, cursor)


async def test_what_does_not_fit_into_a_row_stands_below_the_list(stage: Open) -> None:
    async with stage(size=(80, 24)) as it:
        await it.see("brisk-heron-41")
        await it.press("j")
        assert it.lines[-2].strip() == "2 GPUs wanted, 0 free, held by calm-otter-42 (ann)"


async def test_a_filter_narrows_while_one_types_and_escape_gives_everything_back(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("slash")
        await it.type("panda")
        await it.see("1 run$", "/ panda")
        assert "calm-otter-42" not in it.text
        await it.press("escape")
        await it.see("8 runs", "calm-otter-42")
        await it.press("slash")
        await it.type("status=failed")
        await it.press("enter")
        await it.see("2 runs", "dull-ibis-39", "old-wren-35")
        assert it.app.places.current.options == {"filter": "status=failed"}
        assert it.world.asked("runs.order")[-1]["filter"] == "status=failed"
        await it.press("escape")
        await it.see("8 runs")


async def test_a_filter_that_means_nothing_says_why_and_one_that_fits_nothing_too(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("slash")
        await it.type("loss<0.1 status=faild")
        await it.see(r"^ {19}\^{5} there is no state 'faild'; did you mean failed\?")
        await it.press("enter")
        await it.see("status=faild", "did you mean failed")
        await it.press("ctrl+u")
        await it.type("target")
        await it.see("8 runs", "/ target")
        await it.press("ctrl+u")
        await it.type("los<0.1")
        await it.see(r"^   \^{3} no run has los; did you mean loss\?", "No run fits")
        await it.press("escape")
        await it.see("8 runs")
        assert "^" not in it.text
        await it.press("slash")
        await it.type("zebra")
        await it.press("enter")
        await it.see("No run fits zebra.   esc shows all.")
        await it.press("x")
        await it.told("no run under the cursor")


async def test_sorting_asks_the_service_and_the_header_shows_it(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42", "AGE▼")
        await it.press("s")
        await it.see("Sort by")
        await it.type("loss")
        await it.press("enter")
        await it.see("loss▲")
        order = it.world.asked("runs.order")[-1]
        assert (order["sort"], order["descending"]) == ("primary", False)
        await it.press("S")
        await it.see("loss▼")
        assert it.world.asked("runs.order")[-1]["descending"] is True


async def test_the_choice_of_columns_is_remembered(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42", "TOOK")
        await it.press("C")
        await it.see("Columns")
        await it.press(*["j"] * 5, "space", "enter")
        await it.miss("TOOK")
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.rest()
        assert "TOOK" not in it.text


async def test_marked_runs_are_compared_and_one_alone_is_refused(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("c")
        await it.told("space marks the runs to compare")
        await it.press("space", "j", "j", "space")
        await it.see("2 marked")
        await it.press("c")
        await it.see("2 runs compared")
        await it.press("escape")
        await it.see("2 marked")
        await it.press("escape")
        await it.miss("2 marked")


async def test_a_cancel_asks_first_and_enter_changes_nothing(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("x")
        await it.see("End calm-otter-42\\?", "TERM first")
        await it.press("enter")
        await it.miss("End calm-otter")
        assert not it.world.asked("runs.cancel")
        await it.press("x")
        await it.see("End calm-otter-42\\?")
        await it.press("right", "enter")
        await it.told("is asked to end")
        await it.see("cancel.* *calm-otter-42")
        assert [call["run"] for call in it.world.asked("runs.cancel")] == [ROWS[0]["id"]]


async def test_several_are_cancelled_at_once_and_each_refusal_is_told(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("j", "j", "x")
        await it.told("vivid-lark-40 ended already")

        def cancel(run: str) -> None:
            raise Refused(f"{run} is protected", "ask ann")

        it.world.answers["runs.cancel"] = cancel
        await it.press("k", "space", "k", "space", "x")
        await it.see("End 2 runs\\?")
        await it.press("y")
        await it.told("is protected\nask ann")


async def test_archiving_takes_out_of_the_list_and_z_brings_back(stage: Open) -> None:
    async with stage() as it:
        await it.see("vivid-lark-40")
        await it.press("delete")
        await it.told("calm-otter-42 goes on; x ends it first")
        await it.press("asterisk", "delete")
        await it.told("some of them go on; x ends them first")
        await it.press("escape", "j", "j", "delete")
        await it.miss("vivid-lark-40 ")
        await it.see("7 runs")
        await it.press("z")
        await it.see("vivid-lark-40", "8 runs")


async def test_running_again_sends_the_same_and_shows_it(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("r")
        await it.told("same-seal-44 goes to gpu1")
        await it.see("same-seal-44")
        assert it.world.submitted == [{"run": ROWS[0]["id"], "target": None, "sets": ()}]


async def test_tags_are_set_taken_away_and_taken_back(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("t")
        await it.see("Tags of calm-otter-42")
        await it.press("enter")
        await it.see("name a tag")
        await it.type("best arch=vit")
        await it.see("wb run tag calm-otter-42 best arch=vit")
        await it.press("enter")
        await it.until(lambda: it.world.run("calm-otter-42")["tags"] == {"best": None, "arch": "vit"})
        await it.press("z")
        await it.until(lambda: it.world.run("calm-otter-42")["tags"] == {})


async def test_the_form_of_a_new_run_shows_its_command_and_sends_what_it_says(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.press("R")
        await it.see("New run", "\\$ wb submit .*-e mnist --follow")
        await it.press("enter")
        await it.see("a command is wanted")
        await it.type("python train.py --lr 0.1")
        await it.press("tab")
        await it.type("gpu1")
        await it.press("tab", "tab")
        await it.type("2")
        await it.see("\\$ wb submit -t gpu1 -e mnist --gpus 2 --follow -- python train.py")
        await it.press("enter")
        await it.told("data/ is 200 MB")
        await it.see("new-newt-43", "Logs")
        [sent] = it.world.submitted
        assert sent["command"] == ["python", "train.py", "--lr", "0.1"]
        assert (sent["target"], sent["experiment"], sent["gpus"]) == ("gpu1", "mnist", 2)
        await it.press("1", "R")
        await it.see("New run", "python train.py --lr 0.1"), "the last command is proposed"


async def test_what_cannot_be_submitted_is_told_with_its_hint(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("R")
        await it.see("New run")
        await it.type("true")
        await it.press("tab")
        await it.type("nowhere")
        await it.press("enter")
        await it.told("there is no machine nowhere\nwb compute ls lists them")
        assert not it.world.submitted


async def test_a_hundred_thousand_runs_open_by_asking_for_the_rows_in_sight(stage: Open) -> None:
    rows = [row(number, f"run-{number}", experiment=f"e{number % 7}") for number in range(100_000)]
    async with stage(World(rows)) as it:
        await it.see("100,000 runs")
        await it.see("run-0 ")
        await it.press("G")
        await it.see("run-999")
        asked = sum(len(call.get("ids", ())) for call in it.world.asked("runs.table"))
        assert asked < 20 * it.app.size.height
        assert len(it.world.asked("runs.order")) <= 2


async def test_stepping_out_of_a_run_puts_the_cursor_on_it(stage: Open) -> None:
    async with stage(location=f"runs/mnist/{ROWS[3]['id']}") as it:
        await it.see("dull-ibis-39", "Overview")
        await it.press("escape")
        await it.see("calm-otter-42", "5 runs")
        await it.until(lambda: it.table.cursor == ROWS[3]["id"], "the cursor on the run that was left")


async def test_a_value_is_never_cut_for_the_name_of_its_metric(stage: Open) -> None:
    rows = [row(1, "long-one", metric="validation/accuracy_top5", last=0.9361, best=0.9389)]
    async with stage(World(rows), size=(80, 24)) as it:
        await it.see("long-one")
        await it.press("slash")
        await it.type("long")
        await it.press("enter")
        await it.see(r"accurac… +0\.9361")


async def test_while_one_types_the_footer_offers_no_letters(stage: Open) -> None:
    async with stage() as it:
        await it.see("x cancel")
        await it.press("slash")
        await it.see("enter take it  esc leave it")
        assert "x cancel" not in it.lines[-1]
        await it.press("escape")
        await it.see("x cancel")


async def test_a_run_that_ends_as_the_best_is_called_so(stage: Open) -> None:
    async with stage() as it:
        await it.see("vivid-lark-40.*best so far")
        it.world.change("calm-otter-42", status="Completed", last=0.03, best=0.01)
        await it.see("calm-otter-42.*best 0.01")
        await it.miss("vivid-lark-40.*best")


async def test_a_page_that_is_taken_down_while_the_footer_is_drawn_breaks_nothing(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        await it.see("x cancel")
        half = RunsPage(Location("runs"))  # has no list, as one whose children went first
        monkeypatch.setattr(it.app.page, "chosen_runs", half.chosen_runs)
        said = it.app.query_one(Footer).left(120)
        assert next(piece.role for piece in said if piece.text == " x") == "stale"


async def test_a_list_filtered_by_state_lets_runs_in_and_out_as_they_change(stage: Open) -> None:
    async with stage(location="runs?status=running") as it:
        await it.see("2 runs", "calm-otter-42")
        it.world.change("brisk-heron-41", status="Running")
        await it.see("3 runs", "brisk-heron-41")
        it.world.change("calm-otter-42", status="Completed")
        await it.see("2 runs")


async def test_an_error_that_stays_is_told_once(stage: Open) -> None:
    rows = [row(900 - number, f"run-{number:03}", experiment="many") for number in range(300)]
    async with stage(World(rows), "runs/many") as it:
        await it.see("run-000")
        told: list[str] = []
        it.app.complain = lambda problem: told.append(problem.message)  # type: ignore[method-assign, assignment]

        def broken(**asked: object) -> dict[str, object]:
            raise Refused("the store is being moved")

        answer = it.world.answers.get("runs.table")
        it.world.answers["runs.table"] = broken
        before = len(it.world.asked("runs.table"))
        await it.press("G")
        await it.until(lambda: len(it.world.asked("runs.table")) >= before + 3, "three tries")
        assert told == ["the store is being moved"]
        it.world.answers.pop("runs.table") if answer is None else it.world.answers.update(
            {"runs.table": answer}
        )
        await it.see("run-299")


@pytest.mark.parametrize("place", ["runs", "runs/imagenet/warm-finch-37"])
async def test_a_run_that_says_nothing_is_not_old_while_its_machine_is_heard(
    stage: Open, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(listing, "QUIET", 0.05)
    monkeypatch.setattr(page, "QUIET", 0.05)
    monkeypatch.setattr(overview, "OLDER", 0.05)
    async with stage(location=place) as it:
        await it.see("as of 12:01:30")
        silent = next(run for run in it.world.rows if run["name"] == "warm-finch-37")
        silent["as_of"] = NOW.isoformat()  # no event tells of it
        await it.miss("as of")


async def test_tags_of_very_many_runs_leave_room_for_the_field(stage: Open) -> None:
    rows = [row(900 - number, f"run-{number:03}", experiment="many") for number in range(300)]
    async with stage(World(rows), "runs/many", size=(80, 24)) as it:
        await it.see("run-000")
        await it.press("*")
        await it.see("300 marked")
        await it.press("t")
        await it.see("Tags of 300 runs", "wb run tag run-000 .*", "295")
        await it.type("best")
        await it.see("tags +best", "cancel +tag")


async def test_very_many_tags_are_set_some_at_a_time_and_what_failed_is_counted(stage: Open) -> None:
    rows = [row(900 - number, f"run-{number:03}", experiment="many") for number in range(120)]
    here = World(rows)
    waiting, most = 0, 0

    async def tag(run: str, set: dict[str, Any], remove: list[str]) -> Any:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0)
        waiting -= 1
        if here.run(run)["name"] in ("run-007", "run-111"):
            raise Refused("the server is busy", "try again")
        return here.runs_tag(run, set, remove)

    here.answers["runs.tag"] = tag
    async with stage(here, "runs/many") as it:
        await it.see("run-000")
        await it.press("*")
        await it.see("120 marked")
        await it.press("t")
        await it.see("Tags of 120 runs")
        await it.type("best")
        await it.press("enter")
        await it.told("2 of 120 runs kept the tags they had")
        await it.told("118 runs have other tags; z takes it back")
        await it.told("the server is busy")
        assert sum(run["tags"] == {"best": None} for run in here.rows) == 118
        assert most <= AT_ONCE
        await it.press("z")
        await it.until(lambda: not any(run["tags"] for run in here.rows))
