"""Datasets and datastores in the dashboard: found, looked into, followed both ways, brought, verified, forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_data import LONG, Data


@pytest.fixture
def world() -> World:
    world = World()
    world.data = Data(world)  # type: ignore[attr-defined]
    return world


def data(world: World) -> Data:
    found: Data = world.data  # type: ignore[attr-defined]
    return found


async def test_a_workspace_without_data_says_what_to_do(stage: Open) -> None:
    """One key, one command to copy."""
    world = World()
    world.answers["environments.list"] = lambda **_: []
    async with stage(world) as it:
        await it.press("4")
        await it.see("No datasets yet", "wb data register NAME PATH", "n registers one")
        await it.press("Y")
        await it.told("command copied: wb data register NAME PATH")
        await it.press("tab")
        await it.see("No datastores", "wb datastore add NAME PLACE")
        await it.press("tab")
        await it.see("No environments yet", "wb env register requirements.txt")
        await it.press("tab")
        await it.see("Nothing is built on a connected machine", "wb env build NAME -t MACHINE")


async def test_datasets_are_listed_found_and_opened(stage: Open, world: World) -> None:
    """AZ-56: the newest version, with where it is and who read it last."""
    async with stage(world, size=(200, 50)) as it:
        await it.press("4")
        await it.see(
            "weather +2 +tabular +3 +87.9 KiB +datastore:lake/raw/weather", "calm-otter-42", "4 datasets"
        )
        await it.see("digits +1 +file +5 .*gpu1:/data/digits \\+lab-7")
        await it.press("slash")
        await it.type("station")
        await it.press("enter")
        await it.see("1 dataset$", "read last by calm-otter-42 .version 2.")
        await it.press("y")
        await it.told("id copied: data:weather:2")
        await it.press("enter")
        await it.see("Data ▸ weather", "2 versions", "9f2c61d0 times", "not looked")
        await it.press("escape")
        await it.see("weather")
        assert it.table.cursor == "weather"


async def test_hostile_names_break_no_cell(stage: Open, world: World) -> None:
    for size in ((80, 24), (120, 36), (200, 50)):
        async with stage(world, "data", size=size) as it:
            await it.see("w{5}")
            assert "\x1b" not in it.text
            assert "\x07" not in it.text
            await it.press("G")
            await it.see("長い|https")
            assert all(len(strip.text) <= size[0] and strip.cell_length == size[0] for strip in it.strips)
            await it.press("enter")
            await it.see("1 version$")
            await it.press("enter")
            await it.see("nobody looked at its files")
            await it.press("G")
            await it.see("A run takes it as", f"data:{LONG[:20]}")
            assert "\x1b" not in it.text
            assert all(strip.cell_length == size[0] for strip in it.strips)


async def test_a_version_is_a_place_with_tabs(stage: Open, world: World) -> None:
    """AZ-46, AZ-63: what it refers to, and by what its files are known."""
    async with stage(world, "data/weather:2") as it:
        await it.see("Data ▸ weather ▸ 2", "Daily measures of 40 stations", "datastore:lake/raw/weather")
        await it.see(
            "fingerprint +9f2c61d0aa000000 of paths, sizes and times on gpu1", "source=station +gold"
        )
        await it.see(r"in caches of +dgx-02 \(87\.9 KiB, wanted 3h ago\), lab-7 \(87\.9 KiB, not asked now\)")
        await it.see(r"wb submit --input data=data:weather:2 -- python train.py '\$\{\{inputs.data\}\}'")
        await it.press("Y")
        await it.told("wb data show weather:2")
        await it.press("tab", "tab")
        await it.see(
            "day +temp +rain", "2026-11-02 +- +4", "3 rows", "day datetime, temp float, rain integer"
        )
        assert "\x1b" not in it.text
        await it.press("Y")
        await it.told("wb data preview weather:2")
        await it.press("tab")
        await it.see("temp +float +2 +1 +2 +3.5", "~120000", "made 5h ago by the run")
        await it.press("tab")
        await it.see(
            "made of +data +data:scans:1", "made by +run +vivid-lark-40", "read by +run +calm-otter-42"
        )
        await it.see(
            "became +model +churn:7", "became +data +data:digits:1", "1 run read it, 1 model version came"
        )


async def test_the_way_of_data_is_followed_both_ways(stage: Open, world: World) -> None:
    async with stage(world, "data/weather:2?tab=lineage") as it:
        await it.see("made of +data")
        await it.press("enter")
        await it.see("Data ▸ scans ▸ 1", "2 more|scans/2025")
        await it.press("left_square_bracket")
        await it.see("Data ▸ weather ▸ 2", "made by +run")
        await it.press("j", "enter")
        await it.see("Runs ▸ mnist ▸ vivid-lark-40")
        await it.press("left_square_bracket")
        await it.press("o")
        await it.see("Runs ▸ mnist ▸ vivid-lark-40")
        await it.press("left_square_bracket", "right_square_bracket")
        await it.see("Runs ▸ mnist ▸ vivid-lark-40")


async def test_files_are_folders_one_goes_into(stage: Open, world: World) -> None:
    async with stage(world, "data/digits:1?tab=files") as it:
        await it.see("test/ +1 +512 KiB", "train/ +3 +3.0", "README.md +900", "5 files", "saw them last")
        assert not it.world.asked("datasets.files")
        await it.press("j", "enter")
        await it.see("images/ +2", "labels.csv", "train/   3 files")
        await it.press("j", "enter")
        await it.see("a.png", "train/images/ +2 files")
        assert "\x1b" not in it.text
        await it.press("escape")
        await it.see("labels.csv")
        assert it.table.cursor == "images/"
        await it.press("escape", "escape")
        await it.see("1 version")
        await it.press("escape")
        await it.see("4 datasets")


async def test_files_nobody_looked_at_are_looked_at_now(stage: Open, world: World) -> None:
    async with stage(world, "data/weather:1?tab=files") as it:
        await it.see("README.md", "as they are now")
    async with stage(world, "data/scans:1?tab=files") as it:
        await it.see("dgx-02 has no /raid/scans", "wb files ls dgx-02 /raid")


async def test_files_have_no_rows_and_say_so(stage: Open, world: World) -> None:
    async with stage(world, "data/digits:1?tab=rows") as it:
        await it.see("A dataset of files, no table")
        await it.press("tab")
        await it.see("has no columns to profile")
        await it.press("P")
        await it.told("it is a dataset of files, no table")
        await it.press("o")
        await it.told("no run made it")


async def test_a_profile_is_made_by_a_run(stage: Open, world: World) -> None:
    """AZ-61."""
    async with stage(world, "data/weather:1?tab=profile") as it:
        await it.see("No profile yet", "wb data profile weather:1")
        await it.press("P")
        await it.see("Profile weather:1", "wb data profile weather:1 --anew")
        await it.press("enter")
        await it.told("the run profile-weather-1 profiles it")
        await it.see("The run that makes it is running")


async def test_data_is_brought_to_a_machine(stage: Open, world: World) -> None:
    async with stage(world, "data/digits") as it:
        await it.see("1 version$")
        await it.press("b")
        await it.see("Bring digits:1 to which machine")
        await it.type("gpu1")
        await it.press("enter")
        await it.told("digits:1 to gpu1: 50%")
        await it.told("digits:1 is on gpu1: 5 files, 3.51 MiB, 3.51 MiB of it sent now")
        assert it.world.asked("datasets.bring") == [{"dataset": "digits:1", "target": "gpu1"}]
    async with stage(world, "data/scans") as it:
        await it.see("1 version$")
        await it.press("b", *"dgx", "enter")
        await it.told("scans:1 lies on dgx-02 already: /raid/scans")


async def test_files_are_verified(stage: Open, world: World) -> None:
    """AZ-63: by what they hold, or by paths, sizes and times."""
    async with stage(world, "data/digits:1") as it:
        await it.see("of contents")
        await it.press("v")
        await it.see("Verify digits:1 by", "sha256 of what they hold")
        await it.press("enter")
        await it.told("digits:1 is what it was: 5 files")
        assert it.world.asked("datasets.fingerprint")[-1]["contents"] is True
        data(world).same = False
        await it.press("v", "up", "enter")
        await it.told("digits:1 brings other rows than before")
        assert it.world.asked("datasets.fingerprint")[-1]["contents"] is False


async def test_locations_tags_and_words(stage: Open, world: World) -> None:
    """AZ-56: what is said of a version changes, what it refers to does not."""
    async with stage(world, "data/digits:1") as it:
        await it.see("locations +lab-7:/raid/digits")
        await it.press("m")
        await it.see("now: lab-7:/raid/digits")
        await it.press("ctrl+u", *"gpu1", "tab", "ctrl+u")
        await it.type("data/x")
        await it.press("enter")
        await it.see("a location is an absolute path")
        await it.press("ctrl+u")
        await it.type("/data/x")
        await it.see("wb data locate digits:1 gpu1=/data/x")
        await it.press("enter")
        await it.see("gpu1:/data/x")
        await it.press("m", "tab", "ctrl+u")
        await it.see("--remove lab-7")
        await it.press("enter")
        await it.miss("lab-7:/raid")
        await it.press("e", "ctrl+u", *"pictures", "enter")
        await it.see("description +pictures")
        await it.press("t", *"gold", "enter")
        await it.see("tags +gold")


async def test_a_dataset_is_registered_and_what_is_wrong_is_said_first(stage: Open, world: World) -> None:
    """AZ-55: the same name again is an error, or the next version where one says so."""
    async with stage(world, "data") as it:
        await it.see("4 datasets")
        await it.press("n")
        await it.see("Register a dataset")
        await it.type("a b")
        await it.press("enter")
        await it.see("is no name", "say which files")
        await it.press("ctrl+u", *"digits", "tab")
        await it.type("gpu1:/data/new data:x")
        await it.press("enter")
        await it.see("a version is no place of data")
        await it.press("ctrl+u")
        await it.type("gpu1:/data/new")
        await it.press("tab", *"cs", "right")
        await it.see("wb data register digits gpu1:/data/new --table csv ")
        await it.press("enter")
        await it.told("there is a dataset digits already")
        await it.press("n", *"rain", "tab")
        await it.type("gpu1:/data/new")
        await it.press("enter")
        await it.told("rain:1 is registered")
        asked = it.world.asked("datasets.register")[-1]
        assert asked["source"] == {"datastore": None, "target": "gpu1", "paths": ["/data/new"]}
        await it.see("5 datasets")
    async with stage(world, "data/digits") as it:
        await it.see("1 version$")
        await it.press("n")
        await it.see("wb data register digits gpu1:/data/digits --new-version")
        await it.press("enter")
        await it.see("2 versions")


async def test_what_is_forgotten_is_said_and_its_name_typed(stage: Open, world: World) -> None:
    """AZ-56: records go, data stays."""
    async with stage(world, "data/weather:2") as it:
        await it.see("Daily measures")
        await it.press("delete")
        await it.see("Forget weather:2", "The data itself stays", "1 run read", "churn:7", "type weather:2")
        await it.press("enter")
        await it.see("this cannot be undone")
        await it.type("weather")
        await it.press("colon", *"2", "enter")
        await it.see("weather has no version 2")
        assert it.world.asked("datasets.remove") == [{"dataset": "weather:2", "all_versions": False}]
        await it.press("escape", "escape")
        await it.see("4 datasets")
        await it.press("delete")
        await it.see("with all its versions")
        await it.press("escape")
        await it.see("4 datasets")


async def test_a_version_is_archived_and_comes_back(stage: Open, world: World) -> None:
    async with stage(world, "data/weather") as it:
        await it.see("2 versions")
        await it.press("A")
        await it.told("weather:2 is archived; z takes it back")
        await it.see("2 .*archived")
        await it.press("z")
        await it.see("source=station")
        assert [one["archived"] for one in it.world.asked("datasets.archive")] == [True, False]


async def test_a_version_does_not_wait_for_machines_that_do_not_answer(stage: Open, world: World) -> None:
    """What their caches hold comes when they say it."""
    go_on, cached = asyncio.Event(), data(world).cached

    async def slow(**said: Any) -> Any:
        await go_on.wait()
        return cached(**said)

    world.answers["datasets.cached"] = slow
    async with stage(world, "data/weather:2") as it:
        await it.see("Daily measures of 40 stations", "fingerprint +9f2c61d0aa000000")
        assert "in caches of" not in it.text
        await it.press("tab", "tab")
        await it.see("2026-11-02 +- +4", "3 rows")
        await it.press("shift+tab", "shift+tab")
        go_on.set()
        await it.see(r"in caches of +dgx-02 \(87\.9 KiB, wanted 3h ago\)")


async def test_news_are_heard(stage: Open, world: World) -> None:
    async with stage(world, "data/digits") as it:
        await it.see("1 version$")
        data(world).register("digits", {"target": "gpu1", "paths": ["/x"]}, True, "file")
        await it.see("2 versions")


async def test_what_is_not_there_says_so(stage: Open, world: World) -> None:
    for place in ("data/nothing", "data/nothing:3", "datastores/nothing", "environments/nothing"):
        async with stage(world, place) as it:
            world.answers["environments.list"] = lambda **_: (_ for _ in ()).throw(_not_found())
            await it.see("no .*nothing")


def _not_found() -> Exception:
    from workbench.errors import NotFound

    return NotFound("no environment 'nothing'", "wb env ls lists them")


async def test_datastores_tell_whether_they_answer(stage: Open, world: World) -> None:
    """AZ-43: a named place with the name of its secret; folders and machines that are up are looked at."""
    async with stage(world, "datastores", size=(200, 50)) as it:
        await it.see(
            "workspaceblobstore \\* +folder +◆ answers .*writable",
            "lake +S3 +○ not looked +s3://bucket/raw",
        )
        await it.see("raid +machine +◆ answers +gpu1:~/lake +read only", "gone +folder +✖ silent")
        assert all(asked["name"] != "lake" for asked in it.world.asked("datastores.browse"))
        it.table.go_to("lake")
        await it.see("v looks whether it answers")
        await it.press("v")
        await it.see("lake +S3 +◆ answers", "2 folders, 1 file")
        it.table.go_to("gone")
        await it.see("there is no folder /mnt/gone is it mounted")
        await it.press("D")
        await it.see("gone \\* ")
        await it.press("z")
        await it.see("workspaceblobstore \\* ")
        it.table.go_to("lake")
        await it.press("delete")
        await it.see("Forget lake", "Datasets that refer to it can no +.*", "longer be read: weather")
        await it.press(*"lake", "enter")
        await it.miss("^ *lake ")


async def test_who_forgets_a_datastore_is_told_of_archived_datasets_too(stage: Open, world: World) -> None:
    """They are hidden and not gone: who brings one back could not read it."""
    for one in data(world).all:
        one["archived"] = one["name"] == "weather"
    async with stage(world, "datastores") as it:
        await it.see("4 datastores")
        it.table.go_to("lake")
        await it.press("delete")
        await it.see("Forget lake", "longer be read: weather")


async def test_a_datastore_is_looked_into(stage: Open, world: World) -> None:
    async with stage(world, "datastores") as it:
        await it.see("4 datastores")
        it.table.go_to("lake")
        await it.press("enter")
        await it.see("Datastores ▸ lake", "raw/", "notes.txt +1.95 KiB", "3 entries", "2 keys left out")
        assert "\x1b" not in it.text
        await it.press("enter")
        await it.see("lake/raw", r"a.csv +10 B")
        await it.press("j", "y")
        await it.told("datastore:lake/raw/a.csv")
        await it.press("escape")
        await it.see("notes.txt")
        assert it.table.cursor == "raw/"
        await it.press("escape")
        await it.see("workspaceblobstore")
        assert it.table.cursor == "lake"
    async with stage(world, "datastores/gone") as it:
        await it.see("there is no folder /mnt/gone", "is it mounted")


async def test_a_datastore_is_added(stage: Open, world: World) -> None:
    async with stage(world, "datastores") as it:
        await it.see("4 datastores")
        await it.press("n")
        await it.see("Add a datastore")
        await it.press(*"more", "tab", "enter")
        await it.see("say where it is")
        await it.type("s3://b/p")
        await it.press("tab", *"la", "right")
        await it.see("wb datastore add more s3://b/p --secret lake_key")
        await it.press("enter")
        await it.see("5 datastores")
        assert it.world.asked("datastores.add")[-1]["kind"] == "s3"
