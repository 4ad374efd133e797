"""What goes wrong beneath the dashboard is told and ends nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from workbench.errors import NotFound, StoreError, UsageError
from workbench.home import Home
from workbench.tui.model.memory import Memory
from workbench.tui.screens.run.files import file_name


async def test_a_refusal_nobody_took_is_told_and_the_dashboard_goes_on(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")

        async def refused() -> None:
            raise StoreError("the disk is full", "make room")

        it.app.run_worker(refused())
        await it.told("the disk is full")
        await it.press("2")
        await it.see("gpu1")


async def test_what_is_told_is_text_whatever_it_looks_like(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.app.action_visit("nowhere[/b]/[bold")
        await it.told("there is no place called")
        await it.app.action_visit("runs/[/x]/[y")
        it.app.notify("[/red] [link=x")
        await it.see(r"\[/red\] \[link=x")


async def test_a_filter_that_is_refused_while_one_types_leaves_the_line_open(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")

        def refused(**_: Any) -> Any:
            raise UsageError("no such filter", "another")

        it.world.answers["runs.order"] = refused
        await it.press("slash")
        await it.type("ot")
        await it.told("no such filter")
        del it.world.answers["runs.order"]
        await it.type("ter")
        await it.miss("brisk-heron-41")
        await it.see("calm-otter-42")


async def test_keys_are_taken_while_a_filter_is_asked(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        asked, go_on, order = [], asyncio.Event(), it.world.runs_order

        async def slow(**said: Any) -> Any:
            asked.append(said.get("filter"))
            await go_on.wait()
            return order(**said)

        it.world.answers["runs.order"] = slow
        await it.press("slash")
        await it.type("otter")
        await it.see("otter")
        go_on.set()
        await it.miss("brisk-heron-41")
        assert asked[-1] == "otter"


async def test_events_are_asked_for_again_whatever_refused_them(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        for queue in it.world._events:
            queue.put_nowait({"error": NotFound("no such workspace").to_wire()})
        await it.see("no such workspace")
        it.world.change("calm-otter-42", status="Completed")
        await it.see("completed *calm-otter-42")


async def test_points_alone_do_not_ask_a_machine_for_files(stage: Open) -> None:
    async with stage(location="runs/mnist/calm-otter-42?tab=files") as it:
        await it.until(lambda: it.world.asked("runs.files"))
        await it.rest()
        before = len(it.world.asked("runs.files"))
        it.world.change("calm-otter-42", kind="RunRecords", last=0.01)
        await it.until(lambda: len(it.world.asked("runs.get")) > 1)
        await it.rest()
        assert len(it.world.asked("runs.files")) == before
        it.world.change("calm-otter-42", status="Completed")
        await it.until(lambda: len(it.world.asked("runs.files")) > before)


async def test_a_log_whose_run_could_not_be_asked_for_comes_later(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        it.world.answers["runs.get"] = _broken
        await it.app.action_visit("runs/mnist/calm-otter-42?tab=logs")
        await it.told("for a moment")
        del it.world.answers["runs.get"]
        it.world.change("calm-otter-42", last=0.02)
        await it.until(lambda: it.app.query("LogPane"), "the log")


def _broken(**_: Any) -> Any:
    raise StoreError("not for a moment", "again")


def test_two_dashboards_of_a_home_remember_beside_each_other(home: Home) -> None:
    one, other = Memory(home, "default"), Memory(home, "default")
    one.keep("theme", "calm")
    other.keep("left", "now")
    Memory(home, "another").keep("theme", "loud")
    again = Memory(home, "default")
    assert (again.get("theme"), again.get("left")) == ("calm", "now")


def test_a_name_from_elsewhere_names_no_other_folder() -> None:
    for name in ("../../x", "/etc/passwd", ".hidden", "a/b"):
        made = file_name(name, ".zip")
        assert Path(made).name == made
        assert not made.startswith(".")
        assert made.endswith(".zip")


async def test_a_protected_machine_goes_once_its_name_was_typed(stage: Open) -> None:
    async with stage(location="compute") as it:
        await it.see("gpu1")
        it.world.compute_set("gpu1", {"protected": True})
        it.world.happen("TargetChanged", "compute/gpu1")
        await it.until(lambda: len(it.world.asked("compute.list")) > 1)
        await it.rest()
        it.table.go_to("gpu1")
        await it.press("delete")
        await it.see("type gpu1 to go on")
        await it.type("gpu")
        await it.press("enter")
        await it.see("cannot be undone")
        await it.type("1")
        await it.press("enter")
        await it.told("gpu1 is detached")
        assert it.world.asked("compute.detach") == [{"name": "gpu1", "even_protected": True}]


async def test_nothing_of_a_hostile_name_or_location_reaches_the_terminal_raw(stage: Open) -> None:
    world = World()
    evil = "a\x1b]0;pwn\x07b[/x][bold]\x1b[31m"
    world.run("calm-otter-42").update(name=evil, tags={"k": f"{evil} v"})
    async with stage(world, location="runs?text=a%1b]0;pwn%07") as it:
        await it.see("a.*x")
        assert "\x1b" not in it.text
        await it.press("slash")
        await it.rest()
        assert "\x1b" not in it.text
        await it.press("escape", "escape")
        await it.see("brisk-heron-41")
        it.table.go_to(world.rows[0]["id"])
        for key, words in (("t", "Tags of"), ("x", "End ")):
            await it.press(key)
            await it.see(words)
            assert "\x1b" not in it.text
            await it.press("escape")
        it.app.notify(evil)
        await it.see(r"\[bold\]")
        assert "\x1b" not in it.text


async def test_news_that_come_while_one_leaves_harm_nobody(stage: Open) -> None:
    go_on = asyncio.Event()
    async with stage() as it:
        await it.see("calm-otter-42")
        close, summary = it.app._close_all, it.world.workspace_summary
        asked = []

        async def slow() -> Any:
            asked.append(True)
            await go_on.wait()
            return summary()

        async def closed() -> None:
            await close()
            go_on.set()
            for _ in range(5):
                await asyncio.sleep(0)

        it.world.answers["workspace.summary"] = slow
        it.app._close_all = closed  # type: ignore[method-assign]
        it.world.change("calm-otter-42", status="Completed")
        await it.until(lambda: asked, "the question")
