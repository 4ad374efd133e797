"""The queues: who waits, why and how long still; hold, release, move and priority, one and many."""

from __future__ import annotations

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_queue import HERON, OTTER, WREN


async def test_who_waits_why_and_how_long_still(stage: Open) -> None:
    async with stage(location="queue", size=(120, 24)) as it:
        await it.see("▾ gpu1  5", r"● running +calm-otter-42 +ann@laptop +2 +4m +~15m")
        await it.see(r"◌ waiting 2 +shy-wren-50 .*≤35m +behind brisk-heron-41", "‖ on hold +night-owl-51")
        await it.see("▾ dgx-02  0  no answer for 3 minutes", "1 running  3 waiting  1 on hold")
        await it.press("j")
        await it.see("2 GPUs wanted, 1 free, 2 held by calm-otter-42 \\(ann\\); starts in about 15m")


async def test_several_are_held_and_what_is_refused_is_told(stage: Open) -> None:
    world = World()
    world.unmoved.add(WREN)
    async with stage(world, "queue") as it:
        await it.see("shy-wren-50")
        await it.press("H")
        await it.told("it has what it wants; x ends it")
        await it.press("j", "space", "j", "space", "H")
        await it.told("brisk-heron-41 on hold")
        await it.told("shy-wren-50: it runs already")
        assert world.changes == [("hold", [HERON, WREN], {})]
        await it.see("‖ on hold +brisk-heron-41")


async def test_release_move_and_priority(stage: Open) -> None:
    async with stage(location="queue") as it:
        await it.see("shy-wren-50")
        await it.press("j", "U")
        await it.told("nothing of it is on hold")
        await it.press("shift+up")
        await it.told("nothing of yours is there to change places with")
        await it.press("shift+down")
        await it.until(lambda: it.world.changes == [("move", [HERON], {"place": "after", "other": WREN})])
        await it.press("j", "less_than_sign")
        await it.until(
            lambda: it.world.changes[1:] == [("move", [WREN], {"place": "before", "other": HERON})]
        )
        await it.press("P")
        await it.see("Priority of shy-wren-50", "wb run priority 0 shy-wren-50")
        await it.press("ctrl+u", "x", "enter")
        await it.see("a whole number")
        await it.press("ctrl+u", "5", "enter")
        await it.until(lambda: it.world.changes[2:] == [("priority", [WREN], {"priority": 5})])
        await it.press("j", "U")
        await it.until(lambda: it.world.changes[-1][0] == "release")


async def test_what_is_another_users_is_left_alone(stage: Open) -> None:
    async with stage(location="queue") as it:
        await it.see("bobs-job")
        await it.press("G", "k", "H")
        await it.told("bobs-job is another user's")
        await it.press("x")
        await it.told("no run under the cursor")
        assert it.world.changes == []


async def test_it_opens_cancels_filters_and_is_found(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("Q")
        await it.see("Queue", "night-owl-51")
        await it.press("slash")
        await it.type("heron")
        await it.press("enter")
        await it.miss("night-owl-51")
        await it.press("x")
        await it.see("End brisk-heron-41\\?")
        await it.press("y")
        await it.until(lambda: it.world.asked("runs.cancel") == [{"run": HERON}])
        await it.press("escape")
        await it.see("night-owl-51")
        await it.press("g", "enter")
        await it.see("Runs ▸ mnist ▸ calm-otter-42")
        await it.press("colon")
        await it.type("queue")
        await it.press("enter")
        await it.see("night-owl-51")
        assert it.app.page is not None
        assert it.app.page.chosen_id() == OTTER
