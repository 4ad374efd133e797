"""Taking a run back before it starts: it never runs on two machines, whatever is cut, killed or on its way."""

from __future__ import annotations

import os
import threading
from typing import Any

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.remote.processes import process_trees
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import reconcile
from workbench.remote.supervision.submission import submit, take_on
from workbench.remote.supervision.withdrawing import withdraw

__all__ = ["ground", "untagged"]
ONE: dict[str, Any] = {"gpus": 1, "devices": ["a0"]}


def last(status: dict[str, Any]) -> tuple[str, str | None]:
    step = status["transitions"][-1]
    return step["state"], step.get("cause")


def test_a_run_that_waits_is_taken_back_and_can_come_again(ground: Ground) -> None:
    holder = ground.submit("sleep 1000", **ONE)
    ground.wait(holder, "Running")
    run = ground.submit("echo ran >> ../times; echo here", **ONE, setup=["echo set up"])
    spec = ground.folder_of(run).read_spec()
    assert spec is not None
    ground.wait(run, "Queued")
    keepers = [ground.identity(run, who) for who in ("guard", "supervisor")]
    for _ in range(2):  # the answer may get lost
        answer = withdraw(ground.machine, run, 1)
        assert answer["withdrawn"] is True
    assert last(ground.status(run)) == ("Canceled", "withdrawn")
    until(lambda: not any(process_trees.alive(*keeper) for keeper in keepers), "both to end")
    assert sorted(os.listdir(ground.folder_of(run).path)) == ["spec.json", "status.json"]
    assert os.listdir(ground.machine.queue) == []
    for stale in (0, 1):  # what was still on its way
        assert submit(ground.machine, run, {**spec, "placement": stale}, {})["already"] is True
    assert last(ground.status(run)) == ("Canceled", "withdrawn")
    cancel(ground.machine, holder)
    assert submit(ground.machine, run, {**spec, "placement": 2}, {})["already"] is False
    ground.wait(run, "Completed")
    assert ground.status(run)["transitions"][0]["seq"] == 1
    assert ground.output(run) == b"set up\nhere\n"
    assert withdraw(ground.machine, run, 2)["withdrawn"] is False


def test_what_has_started_is_not_given_back(ground: Ground) -> None:
    run = ground.submit("while ! test -e ../go; do sleep 0.02; done", **ONE)
    ground.wait(run, "Running")
    assert withdraw(ground.machine, run, 1)["withdrawn"] is False
    ground.path(run, "go").touch()
    ground.wait(run, "Completed")


def test_what_ran_before_stays_with_its_folder(ground: Ground) -> None:
    """Its next attempt waits, and would start where its checkpoints are."""
    command = 'echo kept > ../outputs/kept; test "$WORKBENCH_ATTEMPT" = 2'
    waits = "while ! test -e ../go; do sleep 0.02; done"
    run = ground.submit(f"{waits}; {command}", **ONE, retries={"count": 1, "on": ["exit"]})
    ground.wait(run, "Running")
    holder = ground.submit(waits, **ONE, priority=9)
    ground.wait(holder, "Queued")
    ground.path(run, "go").touch()
    until(lambda: ground.status(run)["attempt"] == 2 and ground.state(run) == "Queued", "it to wait again")
    assert withdraw(ground.machine, run, 1)["withdrawn"] is False
    assert ground.path(run, "outputs/kept").read_text() == "kept\n"
    ground.path(holder, "go").touch()
    ground.wait(run, "Completed")


def test_a_run_that_has_not_arrived_finds_its_place_taken(ground: Ground) -> None:
    """The link was cut while it was sent: what the machine still reads of it starts nothing."""
    run = new_run_id()
    ground.runs.append(run)
    assert withdraw(ground.machine, run, 1)["withdrawn"] is True
    spec = ground.spec(run, "echo never", placement=1)
    assert submit(ground.machine, run, spec, {})["already"] is True
    assert last(ground.status(run)) == ("Canceled", "withdrawn")
    assert reconcile(ground.machine) == []


def test_a_claim_that_nobody_took_up_is_taken_back(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    take_on(ground.machine, ground.folder_of(run), ground.spec(run, "echo never"))
    assert withdraw(ground.machine, run, 1)["withdrawn"] is True
    ground.folder_of(new_run_id()).claim()


def test_a_run_whose_keepers_were_killed_while_it_waited_is_taken_back(ground: Ground) -> None:
    holder = ground.submit("sleep 1000", **ONE)
    ground.wait(holder, "Running")
    run = ground.submit("echo never", **ONE)
    ground.wait(run, "Queued")
    ground.kill(run, "guard", "supervisor")
    assert withdraw(ground.machine, run, 1)["withdrawn"] is True
    assert last(ground.status(run)) == ("Canceled", "withdrawn")


def test_a_cancel_counts_more(ground: Ground) -> None:
    holder = ground.submit("sleep 1000", **ONE)
    ground.wait(holder, "Running")
    run = ground.submit("echo never", **ONE)
    ground.wait(run, "Queued")
    ground.folder_of(run).mark_cancel(0)
    assert withdraw(ground.machine, run, 1)["withdrawn"] is False
    assert ground.wait(run, "Canceled")["transitions"][-1]["cause"] == "canceled"


def test_taken_back_or_started_never_both(ground: Ground) -> None:
    """Withdrawn at the very moment its device becomes free, many times: the answer is what happened."""
    outcomes: list[bool] = []
    while len(outcomes) < 8 or len(set(outcomes)) < 2:
        assert len(outcomes) < 60, f"it always went the same way, which proves nothing: {outcomes[0]}"
        holder = ground.submit("while ! test -e ../go; do sleep 0.01; done", **ONE)
        ground.wait(holder, "Running")
        run = ground.submit("echo ran >> ../times", **ONE)
        ground.wait(run, "Queued")
        answers: list[dict[str, Any]] = []

        def takes_back(run: str = run, answers: list[dict[str, Any]] = answers) -> None:
            answers.append(withdraw(ground.machine, run, 1))

        frees = threading.Timer(0.05 * (len(outcomes) % 12), ground.path(holder, "go").touch)
        later = threading.Timer(0.25, takes_back)
        for one in (frees, later):
            one.start()
        for one in (frees, later):
            one.join()
        ground.wait(run)
        outcomes.append(last(ground.status(run)) == ("Completed", None))
        assert answers[0]["withdrawn"] is not outcomes[-1]
        ground.wait(holder)
