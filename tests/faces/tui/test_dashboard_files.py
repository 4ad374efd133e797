"""The file browser: looking through a machine, reading, moving, removing, what takes the room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_files import HOME
from workbench.errors import Unreachable

HERE = "compute/gpu1/files"


async def test_a_folder_is_looked_through(stage: Open) -> None:
    async with stage(location="compute/gpu1", size=(100, 24)) as it:
        await it.press("F")
        await it.see("▸ /home/ann ", "data/", "train.log", "6 entries", "81.0 GiB free")
        assert ".cache" not in it.text
        await it.press("full_stop")
        await it.see(r"\.cache/", "7 entries")
        await it.press("full_stop")
        await it.miss(r"\.cache")
        assert it.table.cursor == "data"
        await it.press("enter")
        await it.see("▸ /home/ann/data ", "deep/", "small.csv")
        await it.press("h")
        await it.see("▸ /home/ann ")
        assert it.table.cursor == "data", "the cursor is on the folder one comes from"
        await it.press("minus", "minus", "minus")
        await it.see("▸ / ")
        await it.press("escape")
        await it.see("Compute ▸ gpu1( |$)")
        await it.miss("MODIFIED")


async def test_hostile_names_are_harmless_and_stay_themselves(stage: Open) -> None:
    async with stage(location=HERE) as it:
        await it.see("evil name", "caf�")
        assert "\x1b" not in it.text
        it.table.go_to("caf\udce9")
        await it.press("enter")
        await it.see("^x")
        await it.press("escape", "L")
        await it.press("Y")
        assert it.world.asked("files.get")[0]["path"] == f"{HOME}/caf\udce9"


async def test_text_is_read_where_one_looks_and_searched(stage: Open) -> None:
    async with stage(location=HERE, size=(80, 24)) as it:
        await it.see("train.log")
        it.table.go_to("train.log")
        await it.press("enter")
        await it.see("▸ /home/ann/train.log", "epoch 0", "epoch 12")
        await it.press("slash")
        await it.type("epoch 321")
        await it.press("enter")
        await it.see("epoch 321", "1 (of|match)|1 line|1/1")
        await it.press("escape", "E")
        await it.see("Traceback")
        await it.press("delete")
        await it.told("esc closes this first")
        await it.press("escape")
        await it.see("▸ /home/ann ")
        assert it.table.cursor == "train.log"


async def test_a_regular_expression_is_refused_kindly(stage: Open) -> None:
    async with stage(location=HERE) as it:
        await it.see("train.log")
        it.table.go_to("train.log")
        await it.press("enter")
        await it.see("epoch 0")
        await it.press("slash")
        await it.type("/(e+)+$/")
        await it.press("enter")
        await it.see("only plain text")


async def test_what_is_no_text_is_not_shown(stage: Open) -> None:
    async with stage(location=f"{HERE}?path=/home/ann/data") as it:
        await it.see("large.bin")
        it.table.go_to("large.bin")
        await it.press("enter")
        await it.told("is no text .*d fetches it")
        await it.press("minus")
        await it.see("broken")
        it.table.go_to("broken")
        await it.see("broken leads to nowhere: nothing is there")
        await it.press("enter")
        await it.told("nothing to read")


async def test_removing_a_folder_wants_its_name(stage: Open) -> None:
    async with stage(location=HERE) as it:
        await it.see("data/")
        await it.press("delete")
        await it.see("Remove data", "type data to go on")
        await it.press("enter")
        await it.see("this cannot be undone")
        await it.type("data")
        await it.press("enter")
        await it.told("4 things removed")
        await it.miss("data/")
        assert it.world.asked("files.delete") == [
            {"target": "gpu1", "path": f"{HOME}/data", "recursive": True}
        ]
        it.table.go_to("train.log")
        await it.press("delete", "enter")
        await it.rest()
        assert f"{HOME}/train.log" in it.world.tree, "enter is no"


async def test_several_things_are_marked_and_go_together(stage: Open) -> None:
    async with stage(location=f"{HERE}?path=~/data") as it:
        await it.see("deep/")
        await it.press("asterisk", "delete")
        await it.see("Remove 3 things", "deep/, large.bin, small.csv", "type remove to go on")
        await it.type("remove")
        await it.press("enter")
        await it.see("The folder is empty")
        assert len(it.world.asked("files.delete")) == 3


async def test_names_are_given_and_folders_made(stage: Open) -> None:
    async with stage(location=f"{HERE}?path=~/data") as it:
        await it.see("small.csv")
        it.table.go_to("small.csv")
        await it.press("m")
        await it.see("move to +small.csv")
        await it.press("end", *["backspace"] * 9)
        await it.type("big.csv")
        await it.press("enter")
        await it.see("big.csv")
        assert it.table.cursor == "big.csv"
        await it.press("n")
        await it.type("new")
        await it.press("enter")
        await it.see("new/")
        it.table.go_to("big.csv")
        await it.press("c")
        await it.press("end", *["backspace"] * 7)
        await it.type("new/")
        await it.press("enter")
        await it.rest()
        assert it.world.asked("files.copy")[0]["to"] == f"{HOME}/data/new/big.csv"
        it.table.go_to("big.csv")
        await it.press("m", "end", *["backspace"] * 7)
        await it.type("deep")
        await it.press("enter")
        await it.told("exists")


async def test_what_takes_the_room(stage: Open) -> None:
    async with stage(location=HERE, size=(80, 24)) as it:
        await it.see("data/")
        await it.press("U")
        await it.see(
            "SIZE +PART", "train.log", "7.7[0-9] KiB in 6 files", "1 folder could not be read: /root"
        )
        it.table.go_to("data")
        await it.press("enter")
        await it.see("▸ /home/ann/data$", "large.bin")
        await it.press("escape")
        await it.see("▸ /home/ann$")
        await it.press("escape")
        await it.see("MODIFIED")


async def test_files_come_here_and_go_there(stage: Open, tmp_path: Path) -> None:
    async with stage(location=f"{HERE}?path=~/data") as it:
        await it.see("small.csv")
        it.table.go_to("small.csv")
        await it.press("d")
        await it.told("small.csv saved")
        assert Path("small.csv").read_text() == f"{HOME}/data/small.csv"
        await it.press("d")
        await it.told("small-1.csv saved")
        Path("up.txt").write_text("up")
        await it.press("u")
        await it.type("up.txt")
        await it.press("enter")
        await it.see("up.txt")
        await it.press("u")
        await it.type("none.txt")
        await it.press("enter")
        await it.told("there is no none.txt")


async def test_of_a_huge_folder_only_what_is_seen_is_asked_for(stage: Open) -> None:
    world = World()
    world.tree |= {f"{HOME}/data/f{number:06d}": b"" for number in range(100_000)}
    async with stage(world, f"{HERE}?path=~/data", size=(80, 24)) as it:
        await it.see("100003 entries", "f000010")
        await it.press("G")
        await it.see("small.csv")
        asked = [len(said["names"]) for said in world.asked("files.list")]
        assert sum(asked) < 500
        await it.press("slash")
        await it.type("99998")
        await it.see("f099998", "[^0-9]1 entry")


async def test_a_machine_that_is_gone_is_a_sentence(stage: Open) -> None:
    world = World()

    def gone(**_: Any) -> Any:
        raise Unreachable("gpu1 cannot be reached", "is it on?")

    world.answers["files.order"] = gone
    async with stage(world, HERE) as it:
        await it.see("gpu1 cannot be reached", "is it on")
        del world.answers["files.order"]
        await it.press("ctrl+r")
        await it.see("data/")


async def test_where_nothing_can_be_saved_it_says_so(stage: Open, tmp_path: Path, monkeypatch: Any) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    async with stage(location=HERE) as it:
        await it.see("data/")
        gone.rmdir()
        await it.press("d")
        await it.told("the directory it was started in is gone")
        await it.press("u")
        await it.press("escape")
        monkeypatch.chdir("/proc")
        it.table.go_to("data")
        await it.press("d")
        await it.told("cannot write /proc")
        await it.see("data/")


async def test_runs_of_other_tools_are_shown_before_they_are_imported(stage: Open) -> None:
    """From the browser, of what the cursor is on; a no changes nothing."""
    async with stage(location=HERE) as it:
        await it.see("data/")
        it.table.go_to("data")
        await it.press("i")
        await it.see("Import runs", f"wb run import gpu1:{HOME}/data")
        await it.type("old")
        await it.press("enter")
        await it.see(r"Import 2 runs\?", "2 tensorboard, 1 table", "Here already: 1;", "exp1", "exp2")
        await it.press("n")
        await it.miss("Import 2 runs")
        assert not it.world.asked("bring_runs")
        await it.press("i", "enter")
        await it.see(r"Import 2 runs\?")
        await it.press("y")
        await it.told("1 new run, 312 records; 2 damaged pieces passed over")
        assert it.world.asked("bring_runs") == [{"path": f"gpu1:{HOME}/data", "experiment": None}]
