"""A run's logs beside each other and as one, errors with counts, times beside lines."""

from __future__ import annotations

from tests.faces.tui.log_desk import desk, numbered, until
from tests.faces.tui.memory_log import MemoryLog
from tests.faces.tui.test_dashboard_run import OTTER, RUN, Open


async def test_ranks_beside_each_other_at_one_time_and_merged(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=logs", size=(120, 36)) as it:
        await it.see("following", "RuntimeError")
        await it.press("A")
        await it.see("A log beside", "attempt 2", "logs/rank-3.txt", "all ranks")
        await it.type("rank-1")
        await it.press("enter")
        await it.see("output", "logs/rank-1.txt", "grad_norm", "RuntimeError")
        await it.press("g")
        await it.see("step    0")
        await it.press("j", "j", "j", "i")
        await it.see("12:5\\d:\\d\\d step    3|1\\d:\\d\\d:\\d\\d step    3")
        await it.press("equals_sign")
        await it.miss("RuntimeError")
        await it.press("escape")
        await it.miss("logs/rank-1.txt")
        await it.press("A")
        await it.see("A log beside")
        await it.type("rank-1")
        await it.press("enter")
        await it.see("output", "logs/rank-1.txt")
        await it.press("M")
        await it.see("merged by time: out, r1")
        await it.press("D")
        await it.see("RuntimeError")
        await it.miss("merged")
        assert OTTER in it.world.logs


async def test_all_ranks_at_once_and_back(stage: Open) -> None:
    async with stage(location=f"{RUN}?tab=logs") as it:
        await it.see("following")
        await it.press("a")
        await it.see("all ranks")
        await it.type("all ranks")
        await it.press("enter")
        await it.see("merged by time: r0, r1, r2, r3", "r3 step   89")
        await it.press("a")
        await it.see("all ranks")
        await it.type("attempt 2")
        await it.press("enter")
        await it.see("holding", "epoch")
        await it.press("left_parenthesis")
        await it.see("downloading")
        await it.press("left_parenthesis")
        await it.told("no attempt before")


async def test_errors_are_counted_and_gone_back_to() -> None:
    log = MemoryLog((numbered(50) + b"ValueError: no\n") * 5)
    async with desk(log) as (app, pilot):
        await pilot.press("g", "E")
        await until(pilot, lambda: app.view.status.notice == "error 1/5")
        await pilot.press("E", "E")
        await until(pilot, lambda: app.view.status.notice == "error 3/5")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: app.view.status.notice == "error 2/5")
        log.grow(b"OSError: later\n")
        await pilot.press("E", "E", "E", "E")
        await until(pilot, lambda: app.view.status.notice == "error 6/6")
        await pilot.press("ctrl+e", "ctrl+e", "ctrl+e", "ctrl+e", "ctrl+e", "ctrl+e")
        await until(pilot, lambda: "no error before" in app.view.status.notice)


async def test_a_time_that_is_not_known_is_not_made_up() -> None:
    log = MemoryLog(numbered(4))
    log.marks = [(len(numbered(2)), 1_790_000_000.0)]
    async with desk(log) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: app.screen_lines[0].startswith("- "))
        assert app.screen_lines[1].split() == ["-", "line", "1"]
        assert app.screen_lines[2].split()[-2:] == ["line", "2"]
        assert len(app.screen_lines[2].split()) == 4, "the day and the time of another day"
        await pilot.press("i")
        await until(pilot, lambda: app.screen_lines[0].startswith("line 0"))
