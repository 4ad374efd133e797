"""wb activity alerts, silence, rules, subscribe and its kin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faces.conftest import Wb
from tests.faces.fixed_runs import ago
from tests.faces.scripted import TTY, World

ALERT = {
    "rule": "gpu-lost",
    "target": "gpu1",
    "gpu": "GPU-2",
    "severity": "bad",
    "text": "GPU 2 is lost: it does not answer on its bus",
    "advice": "what ran on it is lost, the other GPUs go on; reboot, and if it comes back, check the card's power cables",
    "since": ago(minutes=14),
}
SUBSCRIPTION = {
    "name": "chat",
    "sink": "webhook",
    "host": "chat.example",
    "filter": {"kinds": ["RunCompleted"], "prefix": "experiments/mnist/", "data": {"state": "Failed"}},
    "created": ago(days=2),
    "delivered": 7,
    "failed": 2,
    "problem": "chat.example answers 500",
}


def test_what_is_wrong_and_what_to_do_stand_in_full(wb: Wb) -> None:
    silent = {
        **ALERT,
        "rule": "held-idle",
        "severity": "warn",
        "text": "idle",
        "advice": "",
        "silenced_until": ago(hours=-1),
    }
    done = wb("activity", "alerts", world=World(alerts__list=[ALERT, silent]), terminal=TTY)
    lines = done.out.splitlines()
    assert lines[1].split() == ["✖", "bad", "gpu1", "gpu-lost", "14m"]
    assert lines[2] == "  GPU 2 is lost: it does not answer on its bus"
    assert lines[3].startswith("  → what ran on it is lost")
    assert "silent until 13:04:30" in done.out
    assert all(len(line) <= 80 for line in lines)
    plain = wb(
        "activity", "alerts", world=World(alerts__list=[ALERT]), terminal=TTY._replace(ascii_only=True)
    ).out
    assert plain.isascii()
    assert "> what ran" in plain


def test_as_data_nothing_is_lost(wb: Wb) -> None:
    world = World(alerts__list=[ALERT])
    assert json.loads(wb("activity", "alerts", "gpu1", "--format", "json", world=world).out) == [ALERT]
    assert world.calls == [("alerts.list", {"target": "gpu1"})]
    assert wb("activity", "alerts", world=world).out.split("\t")[:4] == ["bad", "gpu1", "gpu-lost", "GPU-2"]


def test_nothing_wrong_is_said(wb: Wb) -> None:
    done = wb("activity", "alerts", world=World(alerts__list=[]), terminal=TTY)
    assert (done.code, done.out) == (0, "")
    assert "nothing is wrong" in done.err


def test_what_was_wrong(wb: Wb) -> None:
    data = {key: value for key, value in ALERT.items() if key != "target"}
    events = [
        {
            "kind": "AlertCleared",
            "time": ago(minutes=2),
            "subject": "compute/gpu1",
            "data": {**data, "lasted": 720},
        },
        {"kind": "AlertRaised", "time": ago(minutes=14), "subject": "compute/gpu1", "data": data},
        {"kind": "AlertRaised", "time": ago(minutes=14), "subject": "compute/gpu2", "data": data},
    ]
    world = World(alerts__lately=events)
    lines = wb("activity", "alerts", "gpu1", "--since", "1d", world=world, terminal=TTY).out.splitlines()
    assert "over after 12m" in lines[1]
    assert "✖ bad" in lines[2]
    assert len(lines) == 3
    assert world.calls[0][1]["since"] == "2026-11-22T12:04:30.000Z"


def test_a_silence_says_how_long(wb: Wb) -> None:
    world = World(alerts__silence=[ALERT])
    done = wb(
        "activity", "silence", "gpu1", "held-idle", "--for", "2h", "--gpu", "GPU-2", world=world, terminal=TTY
    )
    assert world.calls == [
        ("alerts.silence", {"target": "gpu1", "rule": "held-idle", "gpu": "GPU-2", "seconds": 7200.0})
    ]
    assert "calls nobody for 2h" in done.err
    wb("activity", "silence", "gpu1", "held-idle", "--end", world=world)
    assert world.calls[1][1]["seconds"] == 0
    refused = wb("activity", "silence", "gpu1", "held-idle", world=world)
    assert refused.code == 2
    assert "--for 2h" in refused.err


def test_the_rules_are_listed(wb: Wb) -> None:
    cards = [
        {
            "rule": "xid",
            "severity": "bad",
            "condition": "the driver reports an error",
            "over": "later",
            "off": True,
        }
    ]
    out = wb("activity", "rules", world=World(alerts__rules=cards), terminal=TTY).out
    assert "xid" in out
    assert "the driver reports an error" in out
    assert "off" in out


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (
            ["--on", "RunCompleted", "--data", "state=Failed", "--", "notify", "a b"],
            {
                "sink": "command",
                "command": ["notify", "a b"],
                "filter": {"kinds": ["RunCompleted"], "data": {"state": "Failed"}},
            },
        ),
        (["--", "cat >> ~/log"], {"sink": "command", "command": "cat >> ~/log"}),
        (
            ["--subject", "experiments/mnist/", "--subject-end", "7", "--bell"],
            {"sink": "bell", "filter": {"prefix": "experiments/mnist/", "suffix": "7"}},
        ),
        (
            ["--webhook", "https://chat.example/hook?a=b", "--timeout", "5s", "--after", "7"],
            {
                "sink": "webhook",
                "url": "https://chat.example/hook?a=b",
                "allow": ["chat.example"],
                "timeout": 5.0,
                "after": 7,
            },
        ),
        (
            ["--webhook", "http://10.0.0.5/", "--plain-http"],
            {"sink": "webhook", "url": "http://10.0.0.5/", "plain_http": True},
        ),
        (
            [
                "--webhook",
                "https://x.example/",
                "--allow",
                "x.example",
                "--allow",
                "10.0.0.5",
                "--secret",
                "KEY",
            ],
            {
                "sink": "webhook",
                "url": "https://x.example/",
                "allow": ["x.example", "10.0.0.5"],
                "secret": "sesame",
            },
        ),
    ],
)
def test_what_is_subscribed_to(
    wb: Wb, words: list[str], asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "sesame")
    world = World(subscriptions__add={"subscription": SUBSCRIPTION})
    assert wb("activity", "subscribe", "a", *words, world=world).code == 0
    assert world.calls == [("subscriptions.add", {"name": "a", **asked})]


def test_a_secret_that_was_made_is_printed_alone(wb: Wb) -> None:
    world = World(subscriptions__add={"subscription": SUBSCRIPTION, "secret": "abc"})
    done = wb(
        "activity", "subscribe", "a", "--webhook", "https://x.example/", "--sign", world=world, terminal=TTY
    )
    assert done.out == "abc\n"
    assert "this once" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--webhook, --bell"),
        (["--bell", "--", "true"], "name one of"),
        (["--bell", "--data", "x"], "KEY=VALUE"),
        (["--webhook", "https://x.example/", "--secret", "NOT_THERE"], "NOT_THERE"),
        (["--", ""], "no command"),
    ],
)
def test_what_cannot_be_subscribed_to_is_said(wb: Wb, words: list[str], said: str) -> None:
    world = World()
    done = wb("activity", "subscribe", "a", *words, world=world)
    assert done.code == 2
    assert said in done.err
    assert world.calls == []


def test_subscriptions_are_listed_with_what_went_wrong(wb: Wb) -> None:
    world = World(subscriptions__list=[SUBSCRIPTION])
    out = wb("activity", "subscriptions", world=world, terminal=TTY._replace(cells=140)).out
    assert "webhook chat.example" in out
    assert "RunCompleted experiments/mnist/* state=Failed" in out
    assert "chat.example answers 500" in out
    assert json.loads(wb("activity", "subscriptions", "-o", "json", world=world).out) == [SUBSCRIPTION]


def test_one_is_tried_and_ended(wb: Wb) -> None:
    world = World(subscriptions__test={"delivered": True}, subscriptions__remove={})
    assert wb("activity", "test", "a", world=world).code == 0
    world.answers["subscriptions.test"] = {"delivered": False, "problem": "x answers\x1b[2J 500"}
    done = wb("activity", "test", "a", world=world)
    assert (done.code, "x answers 500" in done.err) == (1, True)
    assert wb("activity", "unsubscribe", "a", world=world).code == 0
    assert world.calls[-1] == ("subscriptions.remove", {"name": "a"})
