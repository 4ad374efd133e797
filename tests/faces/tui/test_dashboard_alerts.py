"""What is wrong and what calls, in the dashboard: alerts, toasts, the bell, subscriptions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.faces.fixed_runs import ago
from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from workbench.home import Home
from workbench.tui.model.calling import Calls
from workbench.tui.model.memory import Memory


def alert(rule: str = "gpu-lost", **fields: Any) -> dict[str, Any]:
    return {
        "rule": rule,
        "target": "dgx-02",
        "gpu": "GPU-2",
        "severity": "bad",
        "text": "GPU 2 is lost: it does not answer on its bus",
        "advice": "reboot, and check the card's power cables",
        "since": ago(minutes=14),
        **fields,
    }


IDLE = alert(
    "held-idle",
    severity="warn",
    text="GPU 0 does nothing while calm-otter-42 holds it",
    advice="wb run logs calm-otter-42",
    gpu="GPU-0",
)
SUBSCRIPTION = {
    "name": "chat",
    "sink": "webhook",
    "host": "chat.example",
    "filter": {"kinds": ["RunCompleted"], "data": {"state": "Failed"}},
    "created": ago(days=2),
    "delivered": 7,
    "failed": 0,
}


def event(found: dict[str, Any], kind: str = "AlertRaised", sequence: int = 7) -> dict[str, Any]:
    data = {key: value for key, value in found.items() if key != "target"}
    return {
        "sequence": sequence,
        "kind": kind,
        "time": ago(minutes=14),
        "subject": f"compute/{found['target']}",
        "data": data,
    }


@pytest.fixture
def world() -> World:
    made = World()
    made.alerts = [deepcopy(IDLE), alert()]
    made.subscriptions = [deepcopy(SUBSCRIPTION)]
    return made


async def test_alerts_stand_above_with_what_to_do(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see(
            "Alerts", "▲ warning *held-idle *dgx-02 *14m", "✖ bad *gpu-lost *dgx-02", "Activities", "2 wrong"
        )
        await it.press("g")
        await it.see("does not answer on its bus → reboot, and check")
        await it.press("j")
        await it.see("does nothing while calm-otter-42 holds it → wb run logs calm-otter-42")
        await it.press("enter")
        await it.see("Compute ▸ dgx-02")


async def test_what_is_over_goes_and_what_comes_is_seen(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("held-idle")
        world.alerts = [alert("ecc", text="GPU 1 had 2 memory errors")]
        world.happen("AlertCleared", "compute/dgx-02", rule="held-idle")
        await it.see("GPU 1 had 2 memory errors", "1 wrong")
        await it.miss("held-idle")


async def test_a_rule_is_silenced_for_a_while(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("held-idle")
        await it.press("g", "j", "m")
        await it.see("Silence held-idle of dgx-02", "8h")
        await it.type("8h")
        await it.press("enter")
        await it.see(r"\(silent until 20:04:30\) GPU 0 does nothing")
        assert world.asked("alerts.silence") == [
            {"target": "dgx-02", "rule": "held-idle", "seconds": 28800.0}
        ]


async def test_only_an_alert_can_be_silenced(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("held-idle")
        await it.press("G", "m")
        await it.told("the cursor is on no alert")


async def test_the_rules_are_shown(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("held-idle")
        await it.press("H")
        await it.see("When machines call", "held-idle: a GPU does nothing")


@pytest.mark.parametrize("bell", [True, False])
async def test_what_is_bad_is_said_wherever_one_is_and_rings_where_wanted(
    stage: Open, world: World, bell: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(world, bell=bell) as it:
        rung: list[int] = []
        monkeypatch.setattr(it.app, "bell", lambda: rung.append(1))
        await it.see("calm-otter-42")
        world.happen("AlertRaised", "compute/dgx-02", **event(alert())["data"])
        await it.told("GPU 2 is lost(.|\n)*reboot, and check")
        assert len(rung) == bell
        world.happen("AlertRaised", "compute/dgx-02", **event(IDLE)["data"])
        silent = {**event(alert("ecc", text="silenced"))["data"], "silenced_until": ago(hours=-1)}
        world.happen("AlertRaised", "compute/dgx-02", **silent)
        world.happen(
            "Notified",
            "subscriptions/done",
            kind="RunCompleted",
            subject="experiments/a/runs/R",
            text="Failed",
        )
        await it.told("RunCompleted R: Failed")
        assert "does nothing" not in it.toasts
        assert "silenced" not in it.toasts
        assert len(rung) == 2 * bell


def test_fifty_machines_at_once_are_one_call() -> None:
    calls = Calls()
    for number in range(50):
        calls.add(event(alert("silent", target=f"m{number}", text="nothing for a minute")))
    calls.add(event(alert("ecc", text="errors")))
    many, one = calls.take()
    assert many.title == "50 x silent"
    assert many.text.startswith("m0, m1, m2, m3, m4 and 45 more")
    assert one.title == "dgx-02"
    assert calls.take() == []


def test_what_is_wrong_with_one_machine_at_once_is_one_call() -> None:
    calls = Calls()
    for rule in ("ecc", "xid", "gpu-lost"):
        calls.add(event(alert(rule, text=f"{rule} is wrong", advice="do this")))
    calls.add(event(alert("disk-full", target="m2", text="no room", advice="prune")))
    first, second = calls.take()
    assert (first.title, first.text.splitlines()) == (
        "dgx-02",
        ["ecc is wrong", "xid is wrong", "gpu-lost is wrong", "(7 shows what to do)"],
    )
    assert (second.title, second.text) == ("m2", "no room\nprune")


def test_what_calls_is_cleaned() -> None:
    calls = Calls()
    calls.add(event(alert(text="a\x1b[2Jb", advice="c\x07d", target="e\x1b]0;x\x07")))
    calls.add({"kind": "SubscriptionChanged", "subject": "subscriptions/a", "data": {"problem": "x\x1b[0my"}})
    assert [call.text for call in calls.take()] == ["ab\ncd", "an event was not delivered: xy"]


async def test_alerts_of_an_absence_are_counted_and_listed(stage: Open, world: World, home: Home) -> None:
    Memory(home, "default").keep("left", ago(hours=2))
    over = alert("disk-full", gpu=None, text="the disk of its runs is nearly full")
    world.alert_events = [event(over, sequence=9), event(alert()), event(over, "AlertCleared", 10)]
    async with stage(world) as it:
        await it.told("1 completed, 1 failed, 2 alerts")
        await it.press("7")
        await it.see("While you were away", "✖ bad *disk-full *dgx-02")
        assert it.text.count("gpu-lost") == 1, "what still holds stands under Alerts alone"


async def test_who_hears_of_what_is_listed_tried_and_ended(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("Subscriptions", "✔ ok *webhook *chat .*RunCompleted state=Failed *7 delivered")
        await it.press("G", "t")
        await it.told("chat: delivered")
        world.subscriptions[0]["problem"] = "chat.example answers 500"
        world.happen("SubscriptionChanged", "subscriptions/chat", problem="chat.example answers 500")
        await it.see("✖ failing *webhook *chat .*chat.example answers 500")
        await it.told("an event was not delivered: chat.example answers 500")
        await it.press("G", "delete")
        await it.see("End the subscription chat\\?")
        await it.press("y")
        await it.miss("Subscriptions")


async def test_a_subscription_is_made_in_a_form(stage: Open, world: World) -> None:
    async with stage(world, "activity") as it:
        await it.see("held-idle")
        await it.press("a")
        await it.see("Hear of events", "wb activity subscribe NAME --on RunCompleted --bell")
        await it.press("enter")
        await it.see("it needs a name")
        await it.type("bad")
        await it.press("tab", "tab")
        await it.type("state=Failed")
        await it.press("enter")
        await it.see("ok *bell *bad")
        (asked,) = world.asked("subscriptions.add")
        assert asked == {
            "name": "bad",
            "sink": "bell",
            "filter": {"kinds": ["RunCompleted"], "data": {"state": "Failed"}},
        }


async def test_a_filter_narrows_all_of_it(stage: Open, world: World) -> None:
    async with stage(world, "activity?text=held-idle") as it:
        await it.see("held-idle")
        await it.miss("gpu-lost|chat|transfer")
