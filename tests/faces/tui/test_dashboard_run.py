"""A run's page, tab by tab, and the page that compares runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS
from workbench.errors import NotFound
from workbench.tui.screens.runs import noting

OTTER, LARK, IBIS = ROWS[0]["id"], ROWS[2]["id"], ROWS[3]["id"]
RUN = "runs/mnist/calm-otter-42"


async def test_enter_opens_a_run_and_escape_leads_back_to_its_row(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("j", "j", "enter")
        await it.see("Runs ▸ mnist ▸ vivid-lark-40", "Overview", "python train.py", "ann@laptop", "val/acc")
        assert it.app.places.current.path == ("mnist", LARK)
        await it.press("escape")
        await it.see("imagenet")
        assert it.table.cursor == LARK


async def test_tabs_are_gone_through_and_each_shows_what_it_is_about(stage: Open) -> None:
    async with stage(location=RUN) as it:
        await it.see("python train.py")
        for pattern, tab in (
            ("RuntimeError: CUDA", "logs"),
            ("train/", "metrics"),
            ("confusion matrix", "values"),
            ("outputs/model.pt", "files"),
            ("data/loader.py", "snapshot"),
            ("No runs below it", "children"),
            ("python train.py", ""),
        ):
            await it.press("tab")
            await it.see(pattern)
            assert it.app.places.current.options.get("tab", "") == tab
        await it.press("shift+tab", "shift+tab")
        await it.see("data/loader.py", "755")


async def test_the_head_follows_the_run(stage: Open) -> None:
    async with stage(location=RUN) as it:
        await it.see("● running")
        it.world.change(OTTER, status="Failed", message="CUDA out of memory", exit_code=1)
        await it.see("✖ failed *calm-otter-42.*CUDA out of memory")
        await it.press("x")
        await it.told("calm-otter-42 ended already")


async def test_a_run_that_is_not_there_says_so(stage: Open) -> None:
    async with stage(location="runs/mnist/nobody-1") as it:
        await it.see("there is no run nobody-1")
        await it.press("tab", "tab", "x")
        await it.told("no run under the cursor")
        await it.press("escape")
        await it.see("calm-otter-42")


async def test_a_log_grows_is_searched_and_lets_go_of_its_end(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=logs") as it:
        await it.see("following", "RuntimeError")
        it.world.log(OTTER).grow(b"one more line\n")
        await it.see("one more line")
        await it.press("k")
        await it.miss("following")
        it.world.log(OTTER).grow(b"and another\n" * 60)
        await it.rest()
        assert "and another" not in it.text
        await it.press("f")
        await it.see("and another", "following")
        await it.press("slash")
        await it.type("runtimeerror")
        await it.press("enter")
        await it.see("1/1", "RuntimeError", "n next match +N previous match")
        await it.press("escape", "g", "E")
        page = it.app.page
        assert page is not None
        await it.until(lambda: page.chosen_id() == "Traceback (most recent call last):")
        await it.press("y")
        await it.told("copied: Traceback")


async def test_a_metric_is_opened_large_and_left_again(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=metrics") as it:
        await it.see("loss", "val/", "train/")
        await it.press("enter")
        await it.see("calm-otter-42 *last 0.0412")
        await it.press("v", "plus", "l", "m")
        await it.rest()
        await it.press("escape")
        await it.see("val/")
        await it.press("slash")
        await it.type("grad")
        await it.press("enter")
        await it.miss("0.0412")
        await it.press("escape")
        await it.see("0.0412")


async def test_the_processes_of_a_run_stand_in_one_chart(stage: Open) -> None:
    world = World()
    told = world.runs_metrics(OTTER)
    other = [{**item, "rank": 3, "last": 0.5} for item in told if item["name"] == "loss"]
    world.answers["runs.metrics"] = lambda run: [*other, *told]
    async with stage(world, location=f"{RUN}?tab=metrics") as it:
        await it.see("loss", "0.0412")
        await it.press("enter")
        await it.see("rank 0 +0.0412", "rank 3 +0.5")
        assert {asked.get("rank") for asked in world.asked("runs.envelope")} == {None, 0, 3}


async def test_files_are_fetched_beside_those_that_are_there(stage: Open) -> None:
    Path("report.json").write_text("mine")
    async with stage(location=f"{RUN}?tab=files") as it:
        await it.see("outputs/report.json", "46.1 MiB")
        await it.press("G", "d")
        await it.told("report-1.json saved")
        assert Path("report.json").read_text() == "mine"
        assert Path("report-1.json").read_text() == "outputs/report.json"
        await it.press("asterisk", "d")
        await it.told("3 files saved")


async def test_the_snapshot_is_saved_as_a_zip(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=snapshot") as it:
        await it.see("train.py")
        await it.press("enter")
        await it.told("d saves the whole snapshot")
        await it.press("d")
        await it.told("calm-otter-42.zip saved")
        assert Path("calm-otter-42.zip").exists()


async def test_compared_runs_show_what_differs_then_everything_then_their_code(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}") as it:
        await it.see(
            "2 runs compared", "calm-otter-42", "vivid-lark-40", "3e-4", "1e-3", "torch", "only what differs"
        )
        assert "seed" not in it.text
        await it.press("a")
        await it.see("seed", "everything")
        await it.press("full_stop")
        await it.miss("seed")
        await it.press("escape")
        await it.see("seed")
        await it.press("tab")
        await it.see("-    lr = 1e-3", "\\+    lr = 3e-4")
        await it.press("Y")
        await it.told("wb run diff calm-otter-42 vivid-lark-40")


async def test_the_names_of_compared_runs_keep_their_ends(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}", size=(80, 24)) as it:
        await it.see("2 runs compared", r"calm-otter-42\b")
        it.world.change("calm-otter-42", name="calm-otter-of-the-northern-sea-42")
        it.app.page.missed_everything()  # type: ignore[union-attr]
        await it.see(r"calm-\S*…\S*sea-42\b")


async def test_what_is_wrong_with_the_first_runs_code_is_said_once(stage: Open) -> None:
    def changed_files(a: str, b: str) -> Any:
        raise NotFound("calm-otter-42 has no snapshot", "it ran without code")

    runs = ",".join(row["id"] for row in ROWS[:6])
    world = World()
    world.answers["runs.changed_files"] = changed_files
    async with stage(world, f"runs/mnist?compare={runs}&tab=code", size=(120, 36)) as it:
        await it.see("calm-otter-42 → .*, .*, .* and 2 more", "not committed when submitted")
        assert it.text.count("has no snapshot") == 1


async def test_a_compared_value_too_long_for_its_column_is_read_in_full(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}", size=(80, 24)) as it:
        await it.see("2 runs compared")
        long = "python train.py --data /scratch/imagenet-21k --lr"
        compare = it.world.runs_compare

        def told(**asked: Any) -> Any:
            found = compare(**asked)
            return found | {"facts": {"command": [f"{long} 3e-4", f"{long} 1e-3"]}}

        it.world.answers["runs.compare"] = told
        await it.press("a")
        await it.see("everything")
        await it.press("/")
        await it.type("command")
        await it.press("enter", "enter")
        await it.see("calm-otter-42", f"{long} 3e-4", "vivid-lark-40", f"{long} 1e-3")
        await it.press("enter")
        await it.miss(f"{long} 3e-4")


async def test_another_run_is_what_the_others_are_held_against(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}") as it:
        await it.see("0.0412 +★ 0.0398 +-0.0014", "loss, lower is better$", "val/acc ↑\\?")
        await it.press("b")
        await it.see("★ 0.0398 +0.0412 +\\+0.0014")
        await it.press("Y")
        await it.told("wb run compare vivid-lark-40 calm-otter-42")
        await it.press("tab")
        await it.see("vivid-lark-40 → calm-otter-42", "weights.bin", "not committed when submitted")
        assert it.world.asked("runs.changed_files")[-1] == {"a": LARK, "b": OTTER}
        await it.press("enter")
        await it.miss("weights.bin")
        await it.press("escape")
        await it.see("weights.bin")
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK},{it.world.rows[1]['id']}") as it:
        await it.see("3 runs compared")
        await it.press("b")
        await it.see("Hold the others against")
        await it.type("lark")
        await it.press("enter")
        await it.see("^ +vivid-lark-40 +calm-otter-42")


async def test_a_comparison_is_kept_noted_opened_again_and_forgotten(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}") as it:
        await it.see("2 runs compared", "★")
        await it.press("e")
        await it.told("w keeps the comparison under a name first")
        await it.press("w")
        await it.see("Keep this comparison")
        await it.type("lr sweep")
        await it.press("enter")
        await it.see("letters, digits", "lr sweep")  # what was typed stays, to be mended
        await it.press("ctrl+u")
        await it.type("sweep")
        await it.press("enter")
        await it.see("Compare ▸ sweep", "★")
        written: list[str] = []
        monkeypatch.setattr(
            noting,
            "edited",
            lambda app, name, before: written.append(before) or "# Why\nthe **lr**\x1b]0;x\x07",
        )
        await it.press("shift+tab")
        await it.see("No note yet; e writes one")
        await it.press("e")
        await it.see("^ Why$", "^ the lr$")
        assert written == [""]
        await it.press("b")
        await it.press("w")
        await it.until(lambda: it.world.comparisons["sweep"]["runs"] == [LARK, OTTER])
        await it.press("escape")
        await it.see("NAME", "sweep +2 +Why", "1 comparison")
        await it.press("delete")
        await it.see("No comparison is saved")
        await it.press("z")
        await it.see("sweep +2 +Why")
        await it.press("enter")
        await it.see("Compare ▸ sweep", "vivid-lark-40 +calm-otter-42")
        await it.press("Y")
        await it.told("wb run compare vivid-lark-40 calm-otter-42")
    async with stage(location="compare/nobody") as it:
        await it.told("no comparison 'nobody' is saved")
        await it.see("There are no two runs")


async def test_a_comparison_is_narrowed_and_written_down(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}") as it:
        await it.see("★", "train/grad_norm", "^ *facts")
        await it.press("slash")
        await it.type("grad")
        await it.miss("^ *facts")
        await it.press("enter")
        await it.see("train/grad_norm")
        await it.press("escape")
        await it.see("^ *facts")
        await it.press("d")
        await it.told("comparison.html written")
        said = Path("comparison.html").read_text()
        assert "<svg" in said
        assert "data:image/png;base64," in said, "what was logged besides numbers is in it"


async def test_runs_are_handed_on_in_one_file(stage: Open) -> None:
    async with stage(location="runs/mnist") as it:
        await it.see("calm-otter-42")
        await it.press("ctrl+g")
        await it.told("calm-otter-42 goes on")
        await it.press("j", "j", "ctrl+g")
        await it.told("vivid-lark-40.wb written")
        assert Path("vivid-lark-40.wb").read_text() == f"PK {LARK}"


async def test_the_comparison_follows_its_runs(stage: Open) -> None:
    async with stage(location=f"runs/mnist?compare={OTTER},{LARK}") as it:
        await it.see("● running")
        it.world.change(OTTER, status="Completed", last=0.0123)
        await it.see("0.0123")
        await it.miss("● running")


async def test_a_small_and_a_large_chart_become_files(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=metrics") as it:
        await it.see("val/")
        await it.press("ctrl+s")
        await it.see("save as")
        await it.press("enter")
        await it.told("is in")
        await it.press("enter")
        await it.see("last")
        await it.press("ctrl+s")
        await it.see("save as")
        await it.press(*["backspace"] * 4)
        await it.type(".csv")
        await it.press("enter")
        await it.rest()
        kinds = sorted(path.suffix for path in Path.cwd().iterdir() if path.suffix in (".svg", ".csv"))
        assert kinds == [".csv", ".svg"]


@pytest.mark.parametrize("tab", ["overview", "logs", "metrics", "files", "snapshot"])
async def test_a_run_that_has_nothing_yet_says_so(stage: Open, tab: str) -> None:
    async with stage(location=f"runs/mnist/brisk-heron-41?tab={tab}") as it:
        await it.see("queued *brisk-heron-41", "2 GPUs wanted")


async def test_values_are_shown_as_what_they_are(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """AZ-95, AZ-96, AZ-97: a matrix in counts and shares, curves of a table, a picture, tables and texts."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    async with stage(location=f"{RUN}?tab=values") as it:
        await it.see("confusion matrix", "airplane +90", "found", "right of all 80.96%")
        await it.press("n")
        await it.see("airplane +100%")
        await it.press("less_than_sign")
        await it.see("1 of 2", "airplane +10%")
        await it.press("o")
        await it.told("only pictures")
        await it.press("j")
        await it.see("precision over recall")
        await it.press("n")
        await it.see("true over false positives", "cat area 0.8996", "false positive rate")
        await it.press("j")
        await it.see(r"-1 to -0.5 █+ 3", r"0 to 0.5 █+ 55")
        await it.press("j")
        await it.see("outputs/sample.png +PNG 160 x 90", "▀▀▀▀")
        await it.until(lambda: it.text.count("▀") > 500, "a picture that takes the room there is")
        await it.press("o")
        await it.told("wb run download .*outputs/sample.png")
        await it.press("j")
        await it.see("JPEG 640 x 480", "only PNG is drawn here")
        await it.press("j", "enter")
        await it.see("epoch +picture +p +label", "img_00029.png")
        await it.miss("WHAT")
        await it.press("escape")
        await it.see("WHAT")
        await it.press("j")
        await it.see("step 100", "^ *train *$")
