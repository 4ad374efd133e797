"""What is the same on every page: the prompt, the palette, the list of keys, history, copying, themes."""

from __future__ import annotations

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import ROWS
from workbench.errors import Refused
from workbench.home import Home
from workbench.tui.themes.palette import palette_of


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("runs/mnist", "Runs ▸ mnist"),
        ("compute", "[^/]4 machines\\b"),
        ("compute/gpu1", "Compute ▸ gpu1"),
        ("runs status=failed", "2 runs"),
        ("activity", "transfer"),
        ("runs/mnist/calm-otter-42?tab=logs", "following"),
        ("runs/mnist/calm-otter-42/logs", "following"),
        ("compute/gpu1/facts", "machine_id|python *3|cpus"),
        ("keys", "Everywhere|Runs"),
    ],
)
async def test_the_prompt_leads_anywhere(stage: Open, typed: str, seen: str) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("colon")
        await it.see("a place: runs/mnist")
        it.app.focused.insert_text_at_cursor(typed)  # type: ignore[union-attr]
        await it.press("enter")
        await it.see(seen)


async def test_the_prompt_says_what_it_does_not_know_and_q_quits(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("colon")
        await it.see("a place:")
        await it.type("nonsense")
        await it.press("enter")
        await it.told("there is no place called 'nonsense'")
        await it.press("colon")
        await it.see("a place:")
        await it.press("escape")
        await it.miss("a place:")
        await it.press("j")
        assert it.table.cursor == ROWS[1]["id"], "the focus is back in the list"
        await it.press("colon")
        await it.see("a place:")
        await it.press("q", "enter")
        await it.until(lambda: it.app.return_code == 0 and it.app._exit)


async def test_places_are_proposed_while_one_types(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("colon")
        await it.see("a place:")
        await it.type("compute/g")
        await it.see("compute/gpu1")
        await it.press("right", "enter")
        await it.see("Compute ▸ gpu1")


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("runs/imagenet?status=failed", "old-wren-35"),
        ("runs/mnist/vivid-lark-40?tab=files", "outputs/model.pt"),
        ("compute/gpu1?tab=doctor", "lingering"),
        ("activity?text=attach", "1|attach"),
        (":runs /panda", "panda-38"),
        ("experiments/mnist", "calm-otter-42"),
    ],
)
async def test_it_opens_where_a_location_says(stage: Open, location: str, seen: str) -> None:
    async with stage(location=location) as it:
        await it.see(seen)


async def test_history_goes_back_forward_and_between_two_places(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("2")
        await it.see("[^/]4 machines\\b")
        await it.press("7")
        await it.see("transfer")
        await it.press("left_square_bracket")
        await it.see("[^/]4 machines\\b")
        await it.press("left_square_bracket")
        await it.see("8 runs")
        await it.press("right_square_bracket", "right_square_bracket")
        await it.see("transfer")
        await it.press("backspace")
        await it.see("[^/]4 machines\\b")
        await it.press("backspace")
        await it.see("transfer")


async def test_escape_leads_out_and_q_leaves_only_at_the_outermost(stage: Open) -> None:
    async with stage(location="runs/mnist/calm-otter-42") as it:
        await it.see("python train.py")
        await it.press("q")
        await it.told("esc steps out first")
        await it.press("escape")
        await it.see("5 runs")
        await it.press("escape")
        await it.see("8 runs")
        await it.press("escape", "q")
        await it.until(lambda: it.app._exit)


async def test_escape_gives_a_filtered_list_back_as_it_was(stage: Open) -> None:
    async with stage(location="runs?status=failed") as it:
        await it.see("2 runs")
        await it.press("j", "enter")
        await it.see("▸ old-wren-35")
        await it.press("escape")
        await it.see("/ status=failed *2 runs")
        assert it.table.cursor == ROWS[7]["id"]


async def test_the_list_of_keys_finds_does_and_says_why_not(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("question_mark")
        await it.see("type to find a key", "Compare the marked runs side by side", "space marks the runs")
        await it.type("machines go")
        await it.press("enter")
        await it.see("[^/]4 machines\\b")
        await it.press("f1")
        await it.see("Machines", "Attach a machine")
        await it.press("escape")
        await it.miss("type to find a key")


async def test_the_palette_does_what_works_here(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("ctrl+p")
        await it.until(lambda: "CommandPalette" in type(it.app.screen).__name__)
        await it.type("cancel")
        await it.see("End the run and everything it started")
        await it.press("enter")
        await it.see("End calm-otter-42\\?")


async def test_copies_go_to_the_terminal_up_to_its_cap(stage: Open) -> None:
    async with stage(location="runs/mnist?status=running") as it:
        await it.see("calm-otter-42")
        copied: list[str] = []
        it.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await it.press("y", "Y", "L")
        await it.until(lambda: len(copied) == 3)
        assert copied == [ROWS[0]["id"], "wb runs/mnist?status=running", "runs/mnist?status=running"]
        it.world.log(ROWS[0]["id"]).data = b"x" * 70_000
        await it.press("enter", "tab")
        await it.see("xxxx")
        await it.press("y")
        await it.told("too long to copy|copied")


async def test_a_theme_is_seen_before_it_is_taken_and_escape_brings_the_old_back(
    stage: Open, home: Home
) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        before = it.app.theme
        await it.press("T")
        await it.see("Colours", "Calm light")
        await it.press("down")
        assert it.app.theme != before
        await it.press("escape")
        await it.miss("Colours")
        assert it.app.theme == before
        await it.press("T")
        await it.see("Colours")
        await it.type("calm light")
        await it.until(lambda: it.app.theme == "workbench-light")
        await it.press("enter")
    async with stage() as it:
        assert it.app.theme == "workbench-light"


async def test_what_is_read_has_the_colours_of_the_theme_that_is_worn(stage: Open) -> None:
    async with stage(location="compute/gpu1?tab=doctor", theme="workbench-light") as it:
        await it.see("lingering")

        def worn() -> bool:
            wanted = palette_of(it.app).style("title").color
            said = [part for strip in it.strips for part in strip if "lingering" in part.text]
            return [part.style.color for part in said if part.style] == [wanted]

        await it.until(worn, "the light theme's colour")
        light = palette_of(it.app).style("title").color
        it.app.theme = "workbench-dark"
        await it.until(lambda: palette_of(it.app).style("title").color != light)
        await it.until(worn, "the dark theme's colour")


async def test_a_broken_theme_is_told_with_its_line(stage: Open, home: Home) -> None:
    (home.root / "themes").mkdir()
    (home.root / "themes" / "mine.toml").write_text(
        'schema = 1\nname = "mine"\n[colors]\nprimary = "bluish"\n'
    )
    async with stage() as it:
        await it.told("mine.toml:4: primary: 'bluish' is no colour")


async def test_the_users_keys_are_at_work_and_shown_and_wrong_ones_are_told(stage: Open) -> None:
    async with stage(keys={"app.compute": "f6", "list.fly": "z", "runs.cancel": "r"}, size=(120, 50)) as it:
        await it.told("there is no action list.fly")
        await it.see("calm-otter-42")
        await it.press("2")
        await it.rest()
        assert "4 machines" not in it.lines[1]
        await it.press("f6")
        await it.see("[^/]4 machines\\b")
        await it.press("question_mark")
        await it.see("f6 *Go to the machines")


async def test_a_key_is_changed_by_pressing_it(stage: Open, home: Home) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("question_mark")
        await it.see("type to find a key")
        await it.type("machines go")
        await it.press("ctrl+e")
        await it.see("Press the key for")
        await it.press("f6")
        await it.told("f6: Go to the machines")
        await it.press("f6")
        await it.see("[^/]4 machines\\b")
    assert '"app.compute" = "f6"' in home.settings_file.read_text()


async def test_a_click_on_a_tab_a_crumb_a_row_and_a_key_does_what_they_say(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")

        async def click(word: str) -> None:
            line = next(number for number, text in enumerate(it.lines) if word in text)
            await it.pilot.click(offset=(it.lines[line].index(word) + 1, line))

        await click("Compute")
        await it.see("[^/]4 machines\\b")
        await click("Runs")
        await it.see("8 runs")
        await click("vivid-lark-40")
        await click("vivid-lark-40")
        await it.see("Runs ▸ mnist ▸ vivid-lark-40")
        await click("Files")
        await it.see("outputs/model.pt")
        await click("mnist ▸")
        await it.see("5 runs")
        await click("new run")
        await it.see("New run", "submit")


async def test_a_fault_of_ours_leaves_a_report_and_a_readable_line(
    stage: Open, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()

    def broken(**_: object) -> None:
        raise ZeroDivisionError("no, really")

    async def breaks() -> None:
        async with stage(world) as it:
            await it.see("calm-otter-42")
            world.answers["compute.list"] = broken
            await it.press("2")
            await it.until(lambda: it.app._exception)
            [report] = home.root.glob("dashboard-*.txt")
            report.rename(home.root / "the first")
            it.app._handle_exception(ZeroDivisionError("what breaks while it is left"))

    with pytest.raises(Exception, match="no, really"):
        await breaks()
    assert "ZeroDivisionError: no, really" in (home.root / "the first").read_text()
    assert not list(home.root.glob("dashboard-*.txt")), "one cause, one report"
    assert capsys.readouterr().err.count("the dashboard broke") == 1


async def test_an_error_is_not_said_again_while_it_is_still_there(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        for message in ("no room", "no room", "no answer"):
            it.app.complain(Refused(message, "remove something"))
            await it.pilot.pause()
        assert [item.message for item in it.app._notifications if "no " in item.message] == [
            "no room\nremove something",
            "no answer\nremove something",
        ]
        it.app.clear_notifications()
        it.app.complain(Refused("no room", "remove something"))
        await it.pilot.pause()
        assert it.toasts == "no room\nremove something"


async def test_escape_takes_marks_then_the_filter_then_says_that_it_is_outermost(stage: Open) -> None:
    async with stage(location="compute?text=gpu") as it:
        await it.see("1 machine")
        await it.press("space")
        await it.see("1 marked")
        await it.press("escape")
        await it.miss("1 marked")
        assert "/ gpu" in it.text
        await it.press("escape")
        await it.see("4 machines")
        await it.press("escape")
        await it.told("q leaves")
