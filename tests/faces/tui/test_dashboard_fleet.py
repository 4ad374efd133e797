"""The fleet: every kind of trouble told, figures that are not known never 0, filters, measures, looking."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.tui.conftest import Open, Stage
from tests.faces.tui.world import World, fleet
from tests.faces.tui.world_fleet import fleet_views, large_fleet
from tests.faces.tui.world_views import gpu, view
from workbench.errors import NotFound


def line(it: Stage, name: str) -> str:
    """The line of the screen a machine stands in."""
    return next(text for text in it.lines if f" {name} " in f"{text} ")


async def test_each_machine_says_how_it_does(stage: Open) -> None:
    async with stage(fleet(fleet_views()), "compute", size=(200, 40)) as it:
        await it.see("[^/]14 machines", "11 up  2 stale", "dgx-02")
        wanted = {
            "dgx-01": r"◆ up .*▇▇▇█▇▇▇▇ +H100 +69% +5.0k +68 +28% +40% +61% +0 +now",
            "dgx-02": r"✖ fault .*▇▇▁▇▇▇▇▇ .*87! .*98%!.*15 GB left where runs are kept  \(\+1\)",
            "lab-7": r"✖ fault .*x +4090 .*GPU 1 fell off the bus \(Xid 79\)",
            "box-4": r"◌ late .*A6000 .* 8s .*last seen 8s ago",
            "box-5": r"◌ lost .*A6000 .* 1m .*it does not answer; trying again in 12s",
            "mig-1": r"·------ +A100 1g.10gb",
            "no-smi": r"✖ fault .*driver 570.124 was upgraded under kernel module 550.54",
            "old-3": r"cordoned by ann: a new fan",
            "cpu-1": r"◆ up +cpu-1 +- +no GPU +- +- +- +92%",
            "new-1": r"◌ connecting +new-1 +- +- +- +- +- +- +- +- ",
            "spare-9": r"▁·······",
        }
        import re

        for name, pattern in wanted.items():
            assert re.search(pattern, line(it, name)), (name, pattern, line(it, name))
        assert "7x A100 spare-9:1-7" in it.lines[-2]
        assert "old-3" not in it.lines[-2]
        assert "60 GPUs" in it.lines[1]
        assert "49/60 GPUs busy" in it.lines[0]


async def test_what_to_do_stands_below(stage: Open) -> None:
    async with stage(fleet(fleet_views()), "compute") as it:
        await it.see("[^/]14 machines")
        await it.press("j", "j", "j", "j")
        await it.see(r"15 GB left where runs are kept  \(\+1\)   look at it")


async def test_hostile_texts_reach_no_terminal(stage: Open) -> None:
    async with stage(fleet({"evil": fleet_views()["evil"]}), "compute") as it:
        await it.see("evil", "line one line two red")
        assert not any(sign in it.text for sign in ("\x1b", "\x07", "\u202e", "pwned"))
        await it.press("enter")
        await it.see("rm -rf", "XID|X|H100")
        assert not any(sign in it.text for sign in ("\x1b", "\x07", "\u202e"))


async def test_a_filter_on_figures_is_about_one_gpu(stage: Open) -> None:
    async with stage(fleet(fleet_views()), "compute") as it:
        await it.see("[^/]14 machines")
        await it.press("slash")
        await it.type("util<5 & held")
        await it.until(lambda: list(it.table.keys) == ["dgx-02"])
        await it.press("ctrl+u")
        await it.type("free")
        await it.until(lambda: list(it.table.keys) == ["mig-1", "old-3", "spare-9"])
        await it.press("ctrl+u")
        await it.type("state=lost,late")
        await it.until(lambda: list(it.table.keys) == ["box-4", "box-5"])
        await it.press("ctrl+u")
        await it.type("speed>3")
        await it.see("there is no speed to compare; there are util, mem, temp")
        await it.press("ctrl+u")
        await it.type("temp>86")
        await it.press("enter")
        await it.until(lambda: list(it.table.keys) == ["dgx-02"])
        await it.see("/ temp>86")


async def test_the_cells_stand_for_what_one_wants(stage: Open) -> None:
    async with stage(fleet(fleet_views()), "compute") as it:
        await it.see("GPU util", "[^/]14 machines")
        for title, strip in (
            ("GPU mem", "▅▅▅▅▅▅▅▅"),
            ("GPU temp", "▅"),
            ("GPU power", "▇"),
            ("GPU util", "▇▇▇█▇▇▇▇"),
        ):
            await it.press("u")
            await it.see(title)
            assert strip in line(it, "dgx-01 ★" if "★" in it.text else "dgx-01")


async def test_figures_change_in_place_and_only_rows_that_did_are_drawn(stage: Open) -> None:
    async with stage(fleet(large_fleet(200)), "compute", size=(120, 40)) as it:
        await it.see("[^/]200 machines", "node-000")
        await it.press("j", "j")
        drawn: list[str] = []
        before = it.table._source.cells
        it.table._source.cells = lambda key: drawn.append(key) or before(key)  # type: ignore[method-assign, func-returns-value]
        for name in ("node-001", "node-150"):
            sample = it.world.machines[name]["sample"]
            sample = {**sample, "gpus": [gpu(name, 0, 3.0, 1)]}
            it.world.measured(name, sample=sample)
        await it.see("node-001 +▁ ")
        assert it.table.cursor == "node-002"
        assert set(drawn) == {"node-001"}, "what is out of sight is not looked at"


async def test_a_machine_that_falls_silent_keeps_its_figures_and_comes_back(stage: Open) -> None:
    async with stage(
        fleet({"a": view("a", [gpu("a", 0, 97)]), "b": view("b", [])}), "compute", size=(200, 24)
    ) as it:
        await it.see("◆ up +a +▇ ")
        it.world.measured("a", freshness="late", age=4.5)
        await it.see("◌ late +a +▇ .* 4s .*last seen 4s ago", "1 up  1 stale")
        it.world.measured("a", freshness="lost", age=61.0, state="unreachable", problem="it does not answer")
        await it.see("✖ unreachable +a +▇ .* 1m .*it does not answer")
        it.world.measured("a", freshness="fresh", age=0.1, state="connected", problem=None)
        await it.see("◆ up +a +▇ .* now")
        assert "does not answer" not in it.text


async def test_machines_are_watched_while_they_are_looked_at_and_no_longer(stage: Open) -> None:
    world = World()

    def looking() -> list[tuple[list[str], str]]:
        return [(names, how) for names, how, _ in world.watching]

    async with stage(world, "runs") as it:
        await it.see("calm-otter-42")
        assert looking() == []
        await it.press("2")
        await it.see("GPU util")
        await it.until(lambda: looking() == [([], "visible")])
        await it.press("j", "enter")
        await it.until(lambda: looking() == [(["gpu1"], "closely")])
        await it.press("tab")
        await it.until(lambda: looking() == [])
        await it.press("tab")
        await it.until(lambda: looking() == [(["gpu1"], "visible")])
        await it.press("1")
        await it.until(lambda: looking() == [])
        assert "GPUs" not in it.lines[0], "nobody counts what nobody watches"
    assert looking() == []


async def test_a_server_that_does_not_measure_yet_has_its_list(stage: Open) -> None:
    world = World()

    async def watch(**_: Any) -> Any:
        raise NotFound("no operation compute.watch", "versions")
        yield

    world.answers["compute.watch"] = watch
    async with stage(world, "compute") as it:
        await it.see("[^/]4 machines", "4x A100", "✖ +dgx-02")
        assert it.toasts == ""


async def test_columns_are_chosen_and_remembered(stage: Open) -> None:
    async with stage(fleet(fleet_views()), "compute", size=(160, 40)) as it:
        await it.see("[^/]14 machines")
        await it.press("C")
        await it.see("space shows")
        await it.press("G", "k", "space", "enter")
        await it.see("UTIL")
        assert it.app.memory.get("columns compute")[-1] == "util"
        await it.press("s")
        await it.type("DISK")
        await it.press("enter")
        await it.see("DISK▼")
        assert it.table.keys[0] == "dgx-02"
        known = [name for name in it.table.keys if name not in ("new-1", "no-smi")]
        assert list(it.table.keys)[: len(known)] == known, "what is not known stands last"
        await it.press("u")
        await it.see("GPU mem")
    async with stage(fleet(fleet_views()), "compute", size=(160, 40)) as it:
        await it.see("GPU mem", "DISK▼", "UTIL")
        assert it.table.keys[0] == "dgx-02"


async def test_what_was_before_one_looked_is_asked_for_once_and_for_rows_in_sight(stage: Open) -> None:
    async with stage(fleet(large_fleet(200)), "compute", size=(150, 30)) as it:
        await it.see("node-000 .* now  [⣀-⣿]{2}")
        asked = {call["name"] for call in it.world.asked("compute.history")}
        assert "node-199" not in asked
        await it.press("G")
        await it.see("node-199 .* now  [⣀-⣿]{2}")
        names = [call["name"] for call in it.world.asked("compute.history")]
        assert len(names) == len(set(names)) < 150


@pytest.mark.parametrize("place", ["compute", "compute/dgx-01"])
async def test_a_machine_is_taken_out_of_service_and_back(stage: Open, place: str) -> None:
    world = fleet(fleet_views())
    asked: list[dict[str, Any]] = []

    def cordon(**said: Any) -> dict[str, Any]:
        asked.append(said)
        held = {"by": "ann", "drain": said["drain"]}
        return {"target": said["name"], "running": 2, "cordon": held if said["on"] else None}

    world.answers["compute.cordon"] = cordon
    async with stage(world, place) as it:
        await it.see("dgx-01")
        name = it.app.page.chosen_id() if it.app.page is not None else None
        await it.press("d")
        await it.see(f"Cordon {name}", "back to work")
        await it.press("down", "enter")
        await it.told(f"{name} is being drained by ann; 2 still run")
        await it.press("d")
        await it.see("back to work")
        await it.type("back")
        await it.press("enter")
        await it.told(f"{name} takes runs again")
    assert [(said["name"], said["on"], said["drain"]) for said in asked] == [
        (name, True, True),
        (name, False, False),
    ]
