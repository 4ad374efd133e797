"""The room page: what runs keep on a machine, what of it may go and why the rest stays, removing it."""

from __future__ import annotations

from tests.faces.tui.conftest import Open

HERE = "compute/gpu1/room"


async def test_what_is_kept_is_shown_and_why_it_stays(stage: Open) -> None:
    async with stage(location="compute/gpu1", size=(120, 36)) as it:
        await it.press("U")
        await it.see(
            "5 runs", "40 files of code", "31.0 GiB .*vivid-lark-40 .*may go; 2 files", "calm-otter-42.*stays: not over",
            "panda-38.*stays: best", "stays: not known here", "older than 30d, keep best,tagged,registered",
            "2 runs, 3 files of code: 31.8 GiB would be freed, 81.0 GiB are free now",
        )  # fmt: skip
        assert it.table.keys[0].endswith("1"), "the largest first"
        assert "\x1b" not in it.text
        await it.press("slash")
        await it.type("ibis")
        await it.press("enter")
        await it.miss("otter")
        await it.press("escape")
        await it.see("otter")
        await it.press("escape")
        await it.see("Compute ▸ gpu1( |$)")


async def test_rules_are_changed_and_wrong_ones_told(stage: Open) -> None:
    async with stage(location=HERE, size=(120, 36)) as it:
        await it.see("stays: best")
        await it.press("e", "ctrl+u")
        await it.type("43d keep none")
        await it.press("enter")
        await it.see("older than 43d, keep none", "dull-ibis-39.*stays: younger", "panda-38.*may go")
        assert it.world.asked("compute.room")[-1] == {"name": "gpu1", "older": 43 * 86400.0, "keep": []}
        await it.press("e", "ctrl+u")
        await it.type("soon")
        await it.press("enter")
        await it.see("soon")
        await it.miss("panda-38")
        await it.press("e", "ctrl+u")
        await it.type("30d everything")
        await it.press("enter")
        await it.see("'everything' is nothing that can be kept", "one of best, tagged")


async def test_what_may_go_goes_once_the_machines_name_is_typed(stage: Open) -> None:
    async with stage(location=HERE, size=(100, 30)) as it:
        await it.see("may go")
        await it.press("delete")
        await it.see("Remove 31.8 GiB from gpu1", "Lost with them", "type gpu1 to go on")
        await it.type("gpu2")
        await it.press("enter")
        await it.see("cannot be undone")
        assert not it.world.asked("compute.prune")
        await it.press("ctrl+u")
        await it.type("gpu1")
        await it.press("enter")
        await it.told("31.8 GiB freed, 2 runs removed")
        await it.miss("vivid-lark")
        await it.see("3 runs", "3 files of code")


async def test_of_marked_runs_those_go_that_may(stage: Open) -> None:
    async with stage(location=HERE, size=(100, 30)) as it:
        await it.see("may go")
        for number in (0, 2):
            it.table.go_to(f"01JE{number:022d}")
            await it.press("space")
        await it.press("delete")
        await it.see("1 run: 800 MiB would be freed")
        await it.type("gpu1")
        await it.press("enter")
        await it.told("800 MiB freed, 1 run removed")
        assert it.world.asked("compute.prune") == [
            {
                "name": "gpu1",
                "runs": [f"01JE{2:022d}"],
                "trees": [],
                "environments": [],
                "payloads": [],
                "data": [],
            }
        ]


async def test_where_none_may_go_one_is_told_and_a_machine_that_is_away_says_so(stage: Open) -> None:
    async with stage(location=f"{HERE}?older=300d", size=(100, 30)) as it:
        await it.see("nothing may go|3 files of code", "stays: younger")
        it.table.go_to(f"01JE{0:022d}")
        await it.press("space", "delete")
        await it.told("none of the marked may go")
    async with stage(location="compute/dgx-02/room") as it:
        await it.see("dgx-02 does not answer")


async def test_this_side_is_shown_and_what_belongs_to_no_run_goes_after_a_yes(stage: Open) -> None:
    async with stage(location="activity", size=(100, 30)) as it:
        await it.see("transfer")
        await it.press("U")
        await it.see("output of runs  2.00 GiB", "in all +5.00 GiB", "Belongs to no run: .*7 files of code")
        await it.press("y")
        await it.told("removed .*7 files of code")
        await it.press("U")
        await it.see("All of it belongs to runs")
        assert [call["dry_run"] for call in it.world.asked("workspace.prune")] == [True, False, True]
