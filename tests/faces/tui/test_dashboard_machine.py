"""A machine's page: GPUs and processes live, what did not come is not shown as 0, and what can be done there."""

from __future__ import annotations

import re
from typing import Any

from textual.screen import Screen

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_fleet import fleet_views
from tests.faces.tui.world_queue import OTTER
from tests.faces.tui.world_views import gpu, process, view
from workbench.errors import Refused
from workbench.tui.model.dirty import Dirty
from workbench.tui.table.column_table import Table


async def test_gpus_and_processes_as_they_are(stage: Open) -> None:
    async with stage(location="compute/gpu1") as it:
        await it.see("◆ up 41d  driver 570.124.06  CUDA 12.8  load 31.2/128", "RAM 812/2048G  disk 1.5T free")
        await it.see(r"2  A100 .* 97  ▇▇▇▇▇▇░ 66/80G +623/700 +67 +1897 +2.1G/819M  - +calm-otter-42")
        await it.see(r"3  A100 .* 88 .* 87 .*HW-THERMAL +calm-otter-42", r"1  A100 .* free")
        await it.see(
            r"▸ calm-otter-42 +ann +2,3 +2 +108G +176 +411 +16G +3h02  loss 0.0412 +python train.py --lr"
        )
        await it.see(r"\(other users\) +bob +0 +1 +10G +36 +102 +3.0G +1d1h +-$")
        it.world.measured("gpu1", sample={"processes": [], "gpus": [gpu("gpu1", 0, 0, 0.3)]})
        await it.see("Nobody computes here")


async def test_what_is_not_known_is_never_zero(stage: Open) -> None:
    world = World()
    world.machines["gpu1"] = view(
        "gpu1", [{"uuid": "GPU-x"}], [{"pid": 7, "gpus": [{"gpu": "GPU-x"}]}], host={}, driver={}
    )
    async with stage(world, "compute/gpu1") as it:
        await it.see(
            r"^▌? +0  GPU +[⠀-⣿ ]+ +- +- +- +- +- +- +- +\(\?\)$",
            r"\? +0 +1 +- +- +- +- +- +-$",
            "◆ up  CPU .* -$",
        )
        assert not re.search("[0-9]", it.lines[3])


async def test_a_run_unfolds_to_its_processes_and_is_cancelled_as_a_whole(stage: Open) -> None:
    async with stage(location="compute/gpu1") as it:
        await it.see("▸ calm-otter-42")
        await it.press("down", "down", "down", "down", "right")
        await it.see("▾ calm-otter-42", "pid 4711", "pid 4712")
        await it.press("X")
        await it.told("2 processes: x ends the run, the right arrow shows each")
        await it.press("down", "left")
        await it.miss("pid 4711")
        await it.press("x")
        await it.see("End calm-otter-42\\?")
        await it.press("y")
        await it.until(lambda: it.world.asked("runs.cancel") == [{"run": OTTER}])


async def test_news_while_a_dialog_opens_leave_the_cursor_in_its_list(stage: Open) -> None:
    """A dialog has no focus of its own yet when it is pushed."""
    async with stage(location="compute/gpu1") as it:
        await it.see("▸ calm-otter-42")
        await it.press("down", "down", "down", "down", "right")
        await it.see("▾ calm-otter-42")
        await it.press("down")
        processes = it.app.screen.focused
        assert isinstance(processes, Table)
        screen: Screen[None] = Screen()
        await it.app.push_screen(screen)
        screen.set_focus(None)
        await it.app._news(Dirty(watched={"gpu1"}))
        await it.pilot.pause()
        assert it.app.screen_stack[0].focused is processes


async def test_a_process_of_ones_own_is_ended_after_a_yes_and_killed_when_it_does_not_listen(
    stage: Open,
) -> None:
    async with stage(location="compute/gpu1") as it:
        listens = [False]
        it.world.answers["compute.end_process"] = lambda **asked: (
            it.world.ended.append(asked) or {"ended": listens[0]}
        )  # type: ignore[func-returns-value]
        await it.see("no run")
        await it.press("down", "down", "down", "down", "down", "X")
        await it.see("End process 6001\\?", "python -m http.server, on gpu1. TERM asks it")
        await it.press("enter")
        await it.miss("End process")
        assert it.world.ended == []
        await it.press("X", "y")
        await it.told("6001 is still there; X again sends KILL")
        listens[0] = True
        await it.press("X")
        await it.see("KILL: it can save nothing")
        await it.press("y")
        await it.told("process 6001 ended")
        assert [(item["pid"], item["start"], item["signal"]) for item in it.world.ended] == [
            (6001, 6101, "TERM"), (6001, 6101, "KILL"),
        ]  # fmt: skip
        await it.press("down", "X")
        await it.told("it is bob's; only your own can be ended")
        assert len(it.world.ended) == 2


async def test_a_refusal_of_the_machine_is_told(stage: Open) -> None:
    world = World()

    def refused(**_: Any) -> None:
        raise Refused("process 6001 is another user's", "ask them")

    world.answers["compute.end_process"] = refused
    async with stage(world, "compute/gpu1") as it:
        await it.see("no run")
        await it.press("down", "down", "down", "down", "down", "X")
        await it.see("End process 6001")
        await it.press("y")
        await it.told("another user's\nask them")


async def test_the_run_behind_a_process_its_log_and_a_new_one_here(stage: Open) -> None:
    async with stage(location="compute/gpu1") as it:
        await it.see("▸ calm-otter-42")
        await it.press("f")
        await it.told("no run of this workspace")
        await it.press("down", "down", "enter")
        await it.see("Runs ▸ mnist ▸ calm-otter-42")
        await it.press("left_square_bracket")
        await it.see("▸ calm-otter-42")
        await it.press("f")
        await it.see("of 12\\d|epoch")
        await it.press("left_square_bracket", "R")
        await it.see("New run", "wb submit .*gpu1")


async def test_a_machine_without_figures_says_why(stage: Open) -> None:
    async with stage(location="compute/lab-7") as it:
        await it.see("◇ needs sign-in", "it wants a password and a code")
        assert not any(table.is_on_screen for table in it.app.page.query(Table)), "empty lists say nothing"  # type: ignore[union-attr]


async def test_old_figures_are_grey_and_say_how_old(stage: Open) -> None:
    async with stage(location="compute/dgx-02") as it:
        await it.see("✖ unreachable", "no answer for 3 minutes; trying again in 20 s", r"0  A100 .* 95 ")


async def test_a_fault_on_a_gpu_says_what_to_do(stage: Open) -> None:
    world = World()
    world.machines["gpu1"] = {**fleet_views()["dgx-02"], "name": "gpu1"}
    async with stage(world, "compute/gpu1") as it:
        await it.see(
            "HELD-IDLE 14m",
            "^ 15 GB left where runs are kept   look at it$",
            "^ gpu2 idle 14m, held by run-81 ",
        )
        await it.press("down", "down")
        await it.see("gpu2 idle 14m, held by run-81   look at it")


async def test_twenty_processes_of_a_run_are_one_row(stage: Open) -> None:
    world = World()
    sample = world.machines["gpu1"]["sample"]
    sample["processes"] = [process(100 + number, [("GPU-gpu1-2", 1.0, 4.0)], OTTER) for number in range(20)]
    async with stage(world, "compute/gpu1", size=(80, 24)) as it:
        await it.see(r"▸ calm-otter-42 +ann +2 +20G +80 +2020 +162G")


async def test_what_it_did_is_drawn_with_its_gaps(stage: Open) -> None:
    async with stage(location="compute/gpu1?tab=history") as it:
        await it.see("GPU utilisation %", "temperature C", "CPU %", "RAM GiB", "the last 10 minutes")
        asked = it.world.asked("compute.history")[-1]
        assert asked["seconds"] == 600
        assert {"cpu", "memory", "gpu:GPU-gpu1-3:power"} <= set(asked["series"])
        await it.press("b")
        await it.see("the last 12 hours")
        await it.until(lambda: it.world.asked("compute.history")[-1]["seconds"] == 12 * 3600)
        await it.press("enter")
        await it.see("GPU utilisation %, the last 12 hours", "gpu0", "gpu3")
        await it.press("escape")
        await it.see("temperature C")


async def test_who_waits_there_is_a_tab(stage: Open) -> None:
    async with stage(location="compute/gpu1?tab=queue") as it:
        await it.see("◌ waiting 1 +brisk-heron-41 .*~15m +2 GPUs wanted", "1 running  3 waiting  1 on hold")
        assert it.world.asked("queue.list")[-1] == {"target": "gpu1"}
