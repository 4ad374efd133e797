"""The machines: their list, attaching one, signing in, detaching, what is said of each; the first screen."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.faces.tui.conftest import Open, Stage
from tests.faces.tui.world import World
from tests.faces.tui.world_machines import FINGERPRINT
from workbench.errors import Unreachable

CONFIG = "Host gpu7\n  HostName gpu7.lab.example\n  User ann\nHost old-box\n  HostName 10.0.0.7\n"


@pytest.fixture
def guarded(home: object) -> World:
    """A world with hosts in ~/.ssh/config; gpu7 shows an unknown key and asks two questions."""
    Path("~/.ssh/config").expanduser().write_text(CONFIG)
    world = World()
    world.guarded.add("gpu7")
    return world


def names(it: Stage) -> list[str]:
    return [item["name"] for item in it.world.targets]


async def test_a_problem_is_a_sentence_and_the_whole_of_it_stands_below(stage: Open) -> None:
    async with stage(location="compute", size=(80, 24)) as it:
        await it.see("✖ *dgx-02", "◆ *gpu1 ★", "◇ *lab-7", "[^/]4 machines\\b")
        assert "no answer for 3 minutes; trying again in 20 s" in it.lines[-3]
        await it.press("j", "j")
        await it.see("I signs in: it wants a password and a code")


async def test_a_machine_changes_in_place(stage: Open) -> None:
    async with stage(location="compute", size=(160, 36)) as it:
        await it.see("unreachable *dgx-02")
        it.world.targets[1].update(state="connected", problem="")
        it.world.happen("TargetChanged", "compute/dgx-02")
        it.world.measured("dgx-02", state="connected", problem=None, freshness="fresh", age=0.1)
        await it.see("up *dgx-02")
        assert it.table.cursor == "dgx-02"


async def test_machines_are_filtered_and_sorted_here(stage: Open) -> None:
    async with stage(location="compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("slash")
        await it.type("lab")
        await it.press("enter")
        await it.see("[^/]1 machine\\b", "/ lab")
        await it.press("slash")
        await it.type("zzz")
        await it.see("No machine fits labzzz")
        await it.press("escape", "escape")
        await it.see("[^/]4 machines\\b")
        await it.press("S")
        await it.see("HOST▼")
        assert it.table.keys[0] == "local"


async def test_attaching_asks_for_the_key_the_password_and_the_code(stage: Open, guarded: World) -> None:
    async with stage(guarded, "compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("a")
        await it.see("Attach a machine", "gpu7 *ann@gpu7.lab.example", "another address")
        await it.press("enter")
        await it.see("An unknown machine", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        assert FINGERPRINT in it.text.replace("\n", "")
        await it.press("right", "enter")
        await it.see("Sign in to gpu7", "Password:")
        await it.type("s3cret")
        assert "s3cret" not in it.text
        await it.press("enter")
        await it.see("Verification code:")
        await it.type("271828")
        assert "271828" in it.text
        await it.press("enter")
        await it.see("gpu7 is attached", "4 x NVIDIA A100, 4 free", "Next:")
        await it.press("enter")
        await it.see("[^/]5 machines\\b", "◆ *gpu7")
        assert it.world.asked("compute.attach")[-1]["settings"] == {"address": "gpu7"}


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_escape_gives_up_at_any_question(stage: Open, guarded: World, steps: int) -> None:
    async with stage(guarded, "compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("a")
        await it.see("another address")
        for pattern, keys in (
            ("unknown machine", ("enter",)),
            ("Password:", ("y",)),
            ("code:", (*"s3cret", "enter")),
        )[:steps]:
            await it.press(*keys)
            await it.see(pattern)
        await it.press("escape")
        await it.miss("╭")
        await it.rest()
        assert "gpu7" not in names(it)
        await it.press("j")
        assert it.table.cursor == "gpu1"


async def test_an_unknown_key_is_not_accepted_by_enter(stage: Open, guarded: World) -> None:
    async with stage(guarded, "compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("a")
        await it.see("another address")
        await it.press("enter")
        await it.see("An unknown machine")
        await it.press("enter")
        await it.miss("An unknown machine")
        assert "gpu7" not in names(it)


async def test_a_wrong_answer_is_told_with_what_to_do(stage: Open, guarded: World) -> None:
    async with stage(guarded, "compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("a")
        await it.see("another address")
        await it.press("enter")
        await it.see("An unknown machine")
        await it.press("y")
        await it.see("Password:")
        await it.type("wrong")
        await it.press("enter")
        await it.told("did not take the answer\nI tries again")


async def test_an_address_is_typed_and_checked(stage: Open, guarded: World) -> None:
    async with stage(guarded, "compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("a")
        await it.see("another address")
        await it.type("another")
        await it.press("enter")
        await it.see("user@host or user@host:port")
        await it.press("enter")
        await it.see("an address is wanted")
        await it.type("bob@gpu9.lab.example:2200")
        await it.press("tab")
        await it.type("gpu1")
        await it.press("enter")
        await it.see("gpu1 is attached already")
        await it.press("ctrl+u")
        await it.type("big")
        await it.see("\\$ wb compute attach big bob@gpu9.lab.example:2200")
        await it.press("enter")
        await it.see("big is attached")
        assert it.world.asked("compute.attach")[-1]["settings"] == {"address": "bob@gpu9.lab.example:2200"}


async def test_signing_in_and_where_none_is_asked_for(stage: Open) -> None:
    async with stage(location="compute") as it:
        await it.see("[^/]4 machines\\b")
        it.world.questions = ["Password: "]
        await it.press("G", "I")
        await it.told("asks for no sign-in")
        await it.press("k", "I")
        await it.see("Sign in to lab-7")
        await it.type("s3cret")
        await it.press("enter")
        await it.told("lab-7 is connected")
        await it.see("◆ *lab-7")


async def test_detaching_asks_and_what_is_protected_wants_its_name(stage: Open) -> None:
    async with stage(location="compute") as it:
        it.world.targets[0]["settings"]["protected"] = True
        await it.see("[^/]4 machines\\b")
        await it.press("G", "delete")
        await it.told("always there")
        await it.press("g", "delete")
        await it.see("Detach dgx-02\\?")
        await it.press("enter")
        await it.miss("Detach dgx-02")
        await it.press("delete")
        await it.see("Detach dgx-02\\?")
        await it.press("y")
        await it.see("[^/]3 machines\\b")
        await it.press("g", "delete")
        await it.see("Detach gpu1\\?")
        await it.press("enter")
        await it.see("this cannot be undone: type gpu1")
        assert "gpu1" in names(it)
        await it.type("gpu1")
        await it.press("enter")
        await it.see("[^/]2 machines\\b")


async def test_a_machines_settings_are_changed_in_a_form(stage: Open) -> None:
    async with stage(location="compute/gpu1") as it:
        await it.see("◆ up")
        await it.press("e")
        await it.see("Settings of gpu1")
        await it.press("tab", "tab", *"many", "enter")
        await it.see("gpus is a number, not many")
        await it.press("shift+tab", "tab", "ctrl+u", "2", "tab", "tab", *"soon", "enter")
        await it.see("grace is .*not soon")
        await it.press("ctrl+u", "enter")
        await it.until(lambda: it.world.targets[0]["settings"].get("gpus") == 2)
        await it.press("e")
        await it.see("Settings of gpu1", "switches it on")
        await it.press(*("tab",) * 7, *"cloud", "space", *"up", "tab", *"halt")
        await it.see("'start=cloud up' stop=halt")
        await it.press("enter")
        await it.until(lambda: it.world.targets[0]["settings"].get("start") == "cloud up")
        assert it.world.asked("compute.set")[-1]["changes"] == {"start": "cloud up", "stop": "halt"}


async def test_what_runs_containers_is_chosen_in_the_form(stage: Open) -> None:
    """Auto is what nothing set means; a name, a whole command or none are what is set."""
    async with stage(location="compute/gpu1") as it:
        await it.see("◆ up")
        await it.press("e")
        await it.see("Settings of gpu1", "containers by +auto")
        await it.press(*("tab",) * 6, "ctrl+u", *"po", "right")
        await it.see("containers by +podman", "container_engine=podman")
        await it.press("enter")
        await it.until(lambda: it.world.targets[0]["settings"].get("container_engine") == "podman")
        await it.press("e")
        await it.see("containers by +podman")
        await it.press(*("tab",) * 6, "ctrl+u", *"none")
        await it.see("container_engine=none")
        await it.press("ctrl+u", *"auto", "enter")
        await it.until(lambda: it.world.targets[0]["settings"].get("container_engine") is None)
        assert it.world.asked("compute.set")[-1]["changes"] == {"container_engine": None}


async def test_a_machines_page_shows_it_and_its_runs(stage: Open) -> None:
    async with stage(location="compute") as it:
        await it.see("[^/]4 machines\\b")
        await it.press("j", "enter")
        await it.see("Compute ▸ gpu1", "0  A100 .* 38 ", "HW-THERMAL *calm-otter-42")
        await it.press("D")
        await it.see("✔ python", "▲ lingering", "✖ disk", "→ wb compute prune gpu1")
        await it.press("shift+tab")
        await it.see("ann@gpu1.lab.example", "4 x NVIDIA A100")
        await it.press("tab", "tab", "tab")
        await it.see("3 runs")
        assert "warm-finch-37" not in it.text
        await it.press("enter")
        await it.see("Runs ▸ mnist ▸ calm-otter-42")


async def test_a_doctor_that_cannot_come_says_why(stage: Open) -> None:
    world = World()

    def doctor(name: str) -> None:
        raise Unreachable(f"{name} does not answer", "is it on?")

    world.answers["compute.doctor"] = doctor
    async with stage(world, "compute/dgx-02?tab=doctor") as it:
        await it.see("dgx-02 does not answer", "is it on\\?")


async def test_a_machine_that_is_not_there_says_so(stage: Open) -> None:
    async with stage(location="compute/nobody") as it:
        await it.see("there is no machine nobody")


async def test_activities_say_how_far_they_are_and_what_to_do(stage: Open) -> None:
    async with stage(location="activity") as it:
        await it.see(
            "transfer *calm-otter-42.*42%", "the connection was lost → wb compute doctor dgx-02", "1 going on"
        )
        it.world.activities[0].update(done=77, total=100)
        before = len(it.world.asked("activities.list"))
        it.world.happen("ActivityChanged", "activities/a3")
        await it.see("sending data.bin  77%")
        assert [asked.get("active") for asked in it.world.asked("activities.list")[before:]] == [True]
        it.world.activities[0].update(state="done", ended="2026-11-23T12:04:30Z")
        it.world.happen("ActivityChanged", "activities/a3")
        await it.see("done *transfer")
        await it.press("G", "enter")
        await it.see("Compute ▸ dgx-02")


@pytest.fixture
def empty(guarded: World) -> World:
    """Nothing but this machine, and hosts in ~/.ssh/config."""
    guarded.rows, guarded.experiments = [], []
    guarded.targets = guarded.targets[-1:]
    return guarded


async def test_the_first_screen_attaches_by_space_and_sends_a_run(stage: Open, empty: World) -> None:
    async with stage(empty, size=(80, 24)) as it:
        await it.see(
            "Bring your own machines", "gpu7 *ann@gpu7", "its key will be shown first", "wb submit --follow"
        )
        await it.press("j", "space")
        await it.see("old-box is attached", "Next: R")
        await it.press("enter")
        await it.see("◆ *old-box")
        await it.press("space")
        await it.told("old-box is attached already")
        await it.press("R")
        await it.see("New run")
        await it.type("true")
        await it.press("enter")
        await it.see("new-newt-43")
        await it.press("1")
        await it.see("1 run$")
        assert "Bring your own" not in it.text


async def test_a_machine_is_switched_off_after_a_yes(stage: Open) -> None:
    world = World()
    asked: list[dict[str, Any]] = []

    async def stop(**parameters: Any) -> AsyncGenerator[dict[str, Any], None]:
        asked.append(parameters)
        yield {"out": "instance gpu1 is being stopped\x1b[2J"}
        yield {"target": {}}

    world.answers["compute.stop"] = stop
    async with stage(world, "compute/gpu1") as it:
        await it.press("O")
        await it.told("gpu1 has no such commands")
        next(item for item in world.targets if item["name"] == "gpu1")["settings"] |= {
            "stop": "cloud down gpu1"
        }
        await it.press("O")
        await it.see("Switch gpu1", "stop +refused while runs are active")
        await it.press("enter")
        await it.see("Stop gpu1[?]")
        await it.press("enter")
        await it.rest()
        assert asked == [], "enter is no"
        await it.press("O", "enter")
        await it.see("Stop gpu1[?]")
        await it.press("y")
        await it.told("gpu1 is stopped: instance gpu1 is being stopped")
        assert asked == [{"name": "gpu1"}]


async def test_a_command_runs_on_the_marked_machines_and_each_says_how(stage: Open) -> None:
    async with stage(location="compute", size=(100, 24)) as it:
        await it.see("[^/]4 machines\\b")
        for name in ("gpu1", "dgx-02", "lab-7"):
            it.table.go_to(name)
            await it.press("space")
        await it.see("3 marked")
        await it.press("X")
        await it.see("a shell line to run on 3 machines")
        await it.type("uptime")
        await it.press("enter")
        await it.see(
            "ok *gpu1",
            "exit 3 *lab-7",
            "unreachable *dgx-02",
            r"1 ok; 1 failed: lab-7 \(exit 3\); 1 unreachable: dgx-02",
        )
        await it.see("^dgx-02 does not answer")
        await it.press("j")
        await it.see("^gpu1 says hello", "^and more")
        await it.press("escape")
        await it.see("[^/]4 machines\\b")
        assert [asked["shell"] for asked in it.world.asked("compute.exec")] == ["uptime"] * 3


async def test_escape_ends_a_command_that_still_runs(stage: Open) -> None:
    async with stage(location="compute") as it:
        await it.see("[^/]4 machines\\b")
        it.table.go_to("gpu1")
        await it.press("X")
        await it.type("sleep 600")
        await it.press("enter")
        await it.see("running *gpu1", "running on 1 machine", "gpu1 says hello")
        await it.press("escape")
        await it.miss("running on")
        assert it.world.ended == ["gpu1"]
