"""A run that is tried again by itself: after its keepers were lost, after a restart, after a bad end."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from workbench.remote.machine import Machine
from workbench.remote.processes import process_trees
from workbench.remote.queue import queue_changes
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import reconcile

__all__ = ["ground", "untagged"]
WAITS = 'echo "attempt $WORKBENCH_ATTEMPT"; while ! test -e ../go; do sleep 0.02; done; echo done'


def twice(*causes: str) -> dict[str, Any]:
    """What a run says that wants two more tries."""
    return {"retries": {"count": 2, "on": list(causes)}}


def told(ground: Ground, run: str) -> list[tuple[int, str, str | None]]:
    """Attempt, state and cause of each transition that is a beginning or an end."""
    return [
        (step["attempt"], step["state"], step.get("cause"))
        for step in ground.status(run)["transitions"]
        if step["state"] in ("NotStarted", "Completed", "Failed", "Canceled")
    ]


def under_way(ground: Ground, run: str, attempt: int) -> None:
    """Wait until that attempt's command has spoken."""
    until(lambda: b"attempt %d" % attempt in ground.output(run), f"attempt {attempt}")


@pytest.mark.parametrize(
    ("who", "cause"),
    [(("supervisor",), "supervisor_lost"), (("guard",), "guard_lost"), (("guard", "supervisor"), "lost")],
)
def test_a_run_whose_keepers_are_killed_is_tried_again(
    ground: Ground, who: tuple[str, ...], cause: str
) -> None:
    """Whoever is left, or the next visitor, starts it anew in the same folder; nothing of before runs on."""
    run = ground.submit(WAITS, **twice(), gpus=1, devices=["a0"])
    under_way(ground, run, 1)
    child = ground.identity(run, "child")
    ground.kill(run, *who)
    if cause == "lost":
        assert reconcile(ground.machine) == [run]
    under_way(ground, run, 2)
    assert not process_trees.alive(*child)
    assert ground.status(run)["gpus"] == ["a0"]
    ground.path(run, "go").touch()
    ground.wait(run, "Completed")
    assert told(ground, run) == [
        (1, "NotStarted", None),
        (1, "Failed", cause),
        (2, "NotStarted", None),
        (2, "Completed", None),
    ]
    assert ground.output(run) == b"attempt 1\nattempt 2\ndone\n"
    again = [step for step in ground.status(run)["transitions"] if step["state"] == "NotStarted"][1]
    assert again["message"] == "tried again (1 of 2)"
    assert os.listdir(ground.machine.leases) == []


def test_it_is_tried_no_more_often_than_asked(ground: Ground) -> None:
    run = ground.submit("echo one; exit 3", **twice("exit"))
    until(lambda: len(told(ground, run)) == 6, "two more tries")
    assert [attempt for attempt, state, _ in told(ground, run) if state == "Failed"] == [1, 2, 3]
    assert ground.wait(run)["transitions"][-1]["exit_code"] == 3
    assert ground.output(run) == b"one\none\none\n"


def test_another_end_than_those_named_is_the_end(ground: Ground) -> None:
    run = ground.submit("exit 3", **twice())
    ground.wait(run, "Failed")
    assert [state for _, state, _ in told(ground, run)] == ["NotStarted", "Failed"]
    run = ground.submit("echo fine", **twice("exit"))
    ground.wait(run, "Completed")
    assert len(told(ground, run)) == 2


def test_what_was_cancelled_is_never_tried_again(ground: Ground) -> None:
    run = ground.submit("trap 'exit 3' TERM; echo attempt 1; sleep 1000 & wait", **twice("exit", "lost"))
    under_way(ground, run, 1)
    cancel(ground.machine, run)
    ground.wait(run, "Canceled")
    run = ground.submit(WAITS, **twice("lost"))
    under_way(ground, run, 1)
    ground.folder_of(run).mark_cancel(0)
    ground.kill(run, "guard", "supervisor")
    reconcile(ground.machine)
    assert ground.state(run) == "Canceled"
    assert len(told(ground, run)) == 2


def test_after_a_restart_it_is_tried_again_and_no_pid_of_before_is_touched(ground: Ground) -> None:
    """Trap 3 once more: what the folder says of processes is of the boot before."""
    run = ground.submit(WAITS, **twice(), gpus=1, devices=["a0"])
    under_way(ground, run, 1)
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    rebooted = Machine(ground.machine.root, ground.machine.lease_dir, ground.machine.payload, boot="another")
    os.environ["WORKBENCH_BOOT_ID"] = "another"
    try:
        assert reconcile(rebooted) == [run]
    finally:
        del os.environ["WORKBENCH_BOOT_ID"]
    under_way(ground, run, 2)
    assert process_trees.alive(*child), "a pid of the boot before is a stranger's now"
    process_trees.end_tree(lambda: [child], 0.0)
    ground.path(run, "go").touch()
    ground.wait(run, "Completed")
    assert (1, "Failed", "reboot") in told(ground, run)


def test_a_supervisor_that_ends_with_the_machine_leaves_the_next_try_to_a_visitor(ground: Ground) -> None:
    """SIGTERM is a shutdown: what would start now would be killed at once, and a try be lost."""
    run = ground.submit(WAITS, **twice())
    under_way(ground, run, 1)
    guard = ground.identity(run, "guard")
    os.kill(ground.identity(run, "supervisor")[0], signal.SIGTERM)
    until(lambda: not process_trees.alive(*guard), "both to be gone")
    assert told(ground, run)[-2:] == [(1, "Failed", "supervisor_lost"), (2, "NotStarted", None)]
    assert reconcile(ground.machine) == [run]
    under_way(ground, run, 2)
    ground.path(run, "go").touch()
    ground.wait(run, "Completed")


def test_a_visitor_that_is_killed_in_between_is_followed_by_another(ground: Ground) -> None:
    """The next attempt is written, nobody has started it: the next visit does, once, however many come."""
    run = ground.submit(WAITS, **twice())
    under_way(ground, run, 1)
    guard = ground.identity(run, "guard")
    os.kill(ground.identity(run, "supervisor")[0], signal.SIGTERM)
    until(lambda: not process_trees.alive(*guard), "both to be gone")
    assert told(ground, run)[-1][:2] == (2, "NotStarted")
    visitors = [threading.Thread(target=reconcile, args=(ground.machine,)) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    under_way(ground, run, 2)
    ground.path(run, "go").touch()
    ground.wait(run, "Completed")
    assert ground.output(run).count(b"attempt 2") == 1


def test_secrets_are_handed_on_by_who_has_them_and_else_it_ends_in_words(ground: Ground) -> None:
    asked = {**twice(), "configuration": {"secrets": ["TOKEN"]}}
    command = "echo attempt $WORKBENCH_ATTEMPT ${#TOKEN}; while ! test -e ../go; do sleep 0.02; done"
    for who in ("supervisor", "guard"):
        run = ground.submit(command, secrets={"TOKEN": "12345"}, **asked)
        under_way(ground, run, 1)
        ground.kill(run, who)
        until(lambda run=run: b"attempt 2 5" in ground.output(run), "the secret to be there again")  # type: ignore[misc]
        ground.path(run, "go").touch()
        ground.wait(run, "Completed")
    run = ground.submit(command, secrets={"TOKEN": "12345"}, **asked)
    under_way(ground, run, 1)
    ground.kill(run, "guard", "supervisor")
    reconcile(ground.machine)
    last = ground.wait(run, "Failed")["transitions"][-1]
    assert last["message"].endswith("not tried again: its secret TOKEN is kept nowhere")


def test_the_next_try_keeps_the_place_and_the_priority(ground: Ground) -> None:
    first = ground.submit(WAITS, **twice("exit"), gpus=1, devices=["a0"])
    under_way(ground, first, 1)
    tries = f'echo "$WORKBENCH_ATTEMPT" >> {ground.folder}/journal; test "$WORKBENCH_ATTEMPT" = 2'
    second = ground.submit(tries, **twice("exit"), gpus=1, devices=["a0"])
    ground.wait(second, "Queued")
    # Whoever is next may start while it prepares itself anew; of those that wait then it is the first again.
    third = ground.submit(WAITS, gpus=1, devices=["a0"])
    fourth = ground.submit(f"echo fourth >> {ground.folder}/journal", gpus=1, devices=["a0"], priority=3)
    for run in (third, fourth):
        ground.wait(run, "Queued")
    queue_changes.set_priority(ground.machine, [third], 6)
    queue_changes.set_priority(ground.machine, [second], 7)
    ground.path(first, "go").touch()
    until(
        lambda: ground.status(second)["attempt"] == 2 and ground.state(second) != "NotStarted", "the next try"
    )
    ground.wait(second, "Queued", "Running", "Completed")
    ground.path(third, "go").touch()
    for run in (second, third, fourth):
        ground.wait(run, "Completed")
    assert (ground.folder / "journal").read_text().split() == ["1", "2", "fourth"]
