"""Holding, releasing, moving and cordoning with real runs, and what the queue says of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.remote.queue import queue_changes
from workbench.remote.queue.cordon import lift_cordon, read_cordon, set_cordon
from workbench.remote.queue.expected_wait import Length
from workbench.remote.queue.queue_view import QueueView
from workbench.remote.runs.earlier_runs import length_of
from workbench.remote.supervision.cancel import cancel
from workbench.remote.wire.problems import RequestError

__all__ = ["ground", "untagged"]
ONE = {"gpus": 1, "devices": ["a0"]}


def journal(ground: Ground) -> list[str]:
    """The names runs have written, in order."""
    path = ground.folder / "journal"
    return path.read_text().split() if path.exists() else []


def writes(ground: Ground, name: str, **changes: Any) -> str:
    """A run that waits for the one device and writes its name."""
    run = ground.submit(f"echo {name} >> {ground.folder}/journal", **{**ONE, **changes})
    ground.wait(run, "Queued")
    return run


def holder(ground: Ground, **changes: Any) -> str:
    """A run that has the one device until it is cancelled."""
    run = ground.submit("sleep 1000", **{**ONE, **changes})
    ground.wait(run, "Running")
    return run


def entries(ground: Ground) -> dict[str, dict[str, Any]]:
    """What the queue says, by run."""
    return {entry["run"]: entry for entry in QueueView(ground.machine).listing()["entries"]}


def test_many_are_held_and_released_at_once(ground: Ground) -> None:
    first = holder(ground)
    runs = {name: writes(ground, name) for name in "abcd"}
    outcome = queue_changes.hold(ground.machine, [runs["a"], runs["c"], first, new_run_id()])
    assert outcome.changed == [runs["a"], runs["c"]]
    assert sorted(outcome.refused.values()) == ["it is not on this machine", "it runs already"]
    assert entries(ground)[runs["a"]]["state"] == "held"
    cancel(ground.machine, first)
    for name in "bd":
        ground.wait(runs[name])
    assert ground.status(runs["a"])["note"] == "on hold"
    assert journal(ground) == ["b", "d"]
    released = queue_changes.release(ground.machine, [runs["c"], runs["a"], runs["b"]])
    assert released.refused == {runs["b"]: "it is over"}
    for name in "ac":
        ground.wait(runs[name])
    assert journal(ground) == ["b", "d", "a", "c"], "who was on hold kept its place"


def test_a_run_is_held_before_it_waits_and_when_it_wants_nothing(ground: Ground) -> None:
    """A hold that comes while a run prepares itself counts, also for one that needs neither GPU nor slot."""
    gate = ground.folder / "gate"
    waits = f"while ! test -e {gate}; do sleep 0.02; done"
    run = ground.submit("echo ran", setup=[waits])
    ground.wait(run, "Preparing")
    assert queue_changes.hold(ground.machine, [run]).changed == [run]
    gate.touch()
    assert ground.wait(run, "Queued")["note"] == "on hold"
    assert queue_changes.release(ground.machine, [run]).changed == [run]
    ground.wait(run, "Completed")


def test_moving_and_priority_change_who_comes_next(ground: Ground) -> None:
    """AZ-40."""
    first = holder(ground)
    runs = {name: writes(ground, name) for name in "abcde"}
    assert queue_changes.move(ground.machine, [runs["d"]], "before", runs["b"]).changed == [runs["d"]]
    assert queue_changes.move(ground.machine, [runs["a"]], "last").changed == [runs["a"]]
    assert queue_changes.set_priority(ground.machine, [runs["e"]], 3).changed == [runs["e"]]
    places = {name: entries(ground)[run]["position"] for name, run in runs.items()}
    assert places == {"e": 1, "d": 2, "b": 3, "c": 4, "a": 5}
    with pytest.raises(RequestError, match="no run of yours"):
        queue_changes.move(ground.machine, [runs["a"]], "before", first)
    refused = queue_changes.move(ground.machine, [first, new_run_id()], "first").refused
    assert sorted(refused.values()) == ["it is not on this machine", "it runs already"]
    cancel(ground.machine, first)
    for run in runs.values():
        ground.wait(run)
    assert journal(ground) == list("edbca")


def test_a_cordon_stops_every_start_and_lets_go_on_what_runs(ground: Ground) -> None:
    gate = ground.folder / "gate"
    running = ground.submit(f"while ! test -e {gate}; do sleep 0.02; done", **ONE)
    ground.wait(running, "Running")
    set_cordon(ground.machine, drain=False, reason="a new\n fan", by="ann")
    waiting = writes(ground, "later")
    plain = ground.submit("echo wants nothing")
    words = "the machine is cordoned by ann: a new fan"
    assert ground.wait(plain, "Queued")["note"] == words
    gate.touch()
    ground.wait(running, "Completed")
    assert ground.status(waiting)["note"] == words
    assert [entry.get("expected_wait") for entry in entries(ground).values()] == [None, None]
    assert QueueView(ground.machine).ask(1, ["a0"], 0, 0, Length((), None))["starts"] is False
    lift_cordon(ground.machine)
    lift_cordon(ground.machine)
    for run in (waiting, plain):
        ground.wait(run, "Completed")


def test_a_drain_takes_on_nothing_new_but_answers_for_what_it_has(ground: Ground) -> None:
    run = holder(ground)
    set_cordon(ground.machine, drain=True, reason="", by="ann")
    with pytest.raises(RequestError, match="nothing new is taken on: the machine is being drained by ann"):
        ground.submit("echo never")
    from workbench.remote.supervision.submission import submit

    spec = json.loads(ground.path(run, "spec.json").read_text())
    assert submit(ground.machine, run, spec, {})["already"] is True
    cancel(ground.machine, run)
    ground.wait(run)
    with pytest.raises(RequestError, match="nothing new"):
        submit(ground.machine, run, {**spec, "attempt": 2}, {})
    assert ground.state(run) == "Canceled"


def test_a_cordon_that_becomes_a_drain_keeps_its_reason(ground: Ground) -> None:
    set_cordon(ground.machine, drain=False, reason="a new fan", by="ben")
    assert set_cordon(ground.machine, drain=True, reason="", by="ann")[:4] == (True, True, "a new fan", "ann")
    assert set_cordon(ground.machine, drain=True, reason="a new card", by="ann").reason == "a new card"
    lift_cordon(ground.machine)
    assert set_cordon(ground.machine, drain=False, reason="", by="ann").reason == ""


def test_a_cordon_that_cannot_be_read_is_a_cordon(ground: Ground) -> None:
    Path(ground.machine.cordon).write_text("{broken")
    assert read_cordon(ground.machine).on
    lift_cordon(ground.machine)
    assert not read_cordon(ground.machine).on


def test_how_long_still_comes_from_earlier_runs_of_the_experiment(ground: Ground) -> None:
    lasted = []
    for _ in range(3):
        status, _ = ground.finish("sleep 0.3", gpus=1, devices=["a0"], experiment="digits")
        lasted.append(length_of(status))
    ground.finish("sleep 2", gpus=1, devices=["a0"], experiment="other")
    ground.finish("sleep 0.1; exit 1", gpus=1, devices=["a0"], experiment="digits")
    running = holder(ground, experiment="digits", timeout=5000)
    second = writes(ground, "a", experiment="digits", timeout=1000)
    third = writes(ground, "b", experiment="new", timeout=70)
    found = entries(ground)
    # It runs longer than any before by now, so its maximum duration is what is known.
    until(lambda: entries(ground)[running].get("at_most"), "the earlier ones to be outlasted")
    found = entries(ground)
    assert 4900 < found[running]["expected_left"] < 5000
    assert (found[second]["at_most"], found[third]["at_most"]) == (True, True)
    assert 4900 < found[second]["expected_wait"] < 5000
    middle = sorted(length for length in lasted if length is not None)[1]
    assert found[third]["expected_wait"] - found[second]["expected_wait"] == pytest.approx(middle, abs=0.2)
    asked = QueueView(ground.machine).ask(1, ["a0", "b1"], 0, 0, Length((), None))
    assert (asked["starts"], asked["free"], asked["usable"], asked["ahead"]) == (True, 1, 2, 2)


def test_a_ticket_that_was_cleaned_away_is_taken_anew(ground: Ground) -> None:
    first = holder(ground)
    run = writes(ground, "a")
    os.unlink(Path(ground.machine.queue, run + ".json"))
    until(lambda: run in entries(ground), "its ticket to be back")
    cancel(ground.machine, first)
    ground.wait(run, "Completed")
