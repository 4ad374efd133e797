"""Cancelling in every state and with every keeper dead; nothing of the run is left (AZ-76)."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.remote.processes import process_trees
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import reconcile
from workbench.remote.supervision.submission import submit, take_on

__all__ = ["ground", "untagged"]

# A child that ignores TERM, one in a session of its own, one forked twice, one without any environment.
STUBBORN = """
d=$WORKBENCH_RUN_DIR
sh -c 'trap "" TERM; echo $$ > '$d'/ignoring; while :; do sleep 0.1; done' &
setsid sh -c 'echo $$ > '$d'/session; sleep 1000' &
(sh -c 'echo $$ > '$d'/twice; sleep 1000' &)
env -i setsid /bin/sh -c 'trap "" TERM; echo $$ > '$d'/bare; while :; do /bin/sleep 0.1; done' &
(env -i setsid /bin/sh -c 'echo $$ > '$d'/bare_twice; exec /bin/sleep 1000' &)
trap '' TERM
wait
"""
NAMES = ("ignoring", "session", "twice", "bare", "bare_twice")


def states(status: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in status["transitions"]]


def tree(ground: Ground, run: str) -> list[process_trees.Identity]:
    """All of a stubborn run's processes, once they are all there and on record."""
    named = [ground.noted(run, name) for name in NAMES] + [ground.identity(run, "child")]
    until(lambda: set(named) <= set(ground.folder_of(run).read_tree()), "the tree to be on record")
    return named


def none_left(tree: list[process_trees.Identity]) -> bool:
    return not any(process_trees.alive(*one) for one in tree)


def test_cancel_ends_the_whole_tree(ground: Ground) -> None:
    """AZ-76: CancelRequested, then Canceled, and the processes are dead."""
    run = ground.submit(STUBBORN, grace=0.3)
    everyone = tree(ground, run)
    cancel(ground.machine, run)
    status = ground.wait(run)
    assert states(status)[-3:] == ["Running", "CancelRequested", "Canceled"]
    assert status["transitions"][-1]["cause"] == "canceled"
    assert none_left(everyone)


def test_a_command_may_save_its_work_within_the_grace(ground: Ground) -> None:
    run = ground.submit("trap 'echo saved; exit 0' TERM; echo on; sleep 1000 & wait")
    until(lambda: b"on" in ground.output(run), "its output")
    cancel(ground.machine, run, 30.0)
    status = ground.wait(run)
    assert states(status)[-1] == "Canceled"
    assert status["transitions"][-1]["exit_code"] == 0
    assert ground.output(run) == b"on\nsaved\n"


def test_the_grace_of_the_asking_counts(ground: Ground) -> None:
    run = ground.submit("trap '' TERM; echo on; while :; do sleep 0.1; done", grace=3600)
    until(lambda: b"on" in ground.output(run), "its output")
    cancel(ground.machine, run, 0.1)
    assert states(ground.wait(run))[-1] == "Canceled"


def test_cancel_during_setup(ground: Ground) -> None:
    run = ground.submit("echo never", setup=["echo $$ > ../shell; sleep 1000"])
    shell = ground.noted(run, "shell")
    assert ground.state(run) == "Preparing"
    cancel(ground.machine, run)
    status = ground.wait(run)
    assert states(status) == ["NotStarted", "Preparing", "CancelRequested", "Canceled"]
    assert none_left([shell])
    assert b"never" not in ground.output(run)


def test_cancel_while_the_code_is_laid_out(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot's manifest is a pipe nobody writes to: laying out hangs as on a dead disk."""
    trees = Path(ground.machine.root, "trees")
    trees.mkdir()
    os.mkfifo(trees / ("0" * 64 + ".json"))
    run = ground.submit("echo never", snapshot="0" * 64)
    ground.wait(run, "Preparing")
    child = until(lambda: process_trees.descendants(ground.identity(run, "supervisor")[0]), "laying out")
    cancel(ground.machine, run)
    assert states(ground.wait(run)) == ["NotStarted", "Preparing", "CancelRequested", "Canceled"]
    assert none_left(child)


@pytest.mark.parametrize("setup", [[], ["true"]])
def test_cancel_while_queued(ground: Ground, setup: list[str]) -> None:
    holder = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(holder, "Running")
    run = ground.submit("echo never", gpus=1, devices=["a0"], setup=setup)
    assert "1 GPU wanted, 0 free, held by calm-otter" in ground.wait(run, "Queued")["note"]
    cancel(ground.machine, run)
    status = ground.wait(run)
    assert states(status) == ["NotStarted", "Preparing", "Queued", "CancelRequested", "Canceled"]
    assert "note" not in status
    assert os.listdir(ground.machine.queue) == []
    assert ground.state(holder) == "Running"


def test_cancel_of_a_claim_nobody_took_up(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    spec = ground.spec(run, "echo never")
    take_on(ground.machine, RunFolder(ground.machine, run), spec)
    assert states(cancel(ground.machine, run)) == ["NotStarted", "CancelRequested", "Canceled"]
    assert submit(ground.machine, run, spec, {})["already"] is True
    assert ground.state(run) == "Canceled"


def test_cancel_of_a_bare_claim(ground: Ground) -> None:
    run = new_run_id()
    RunFolder(ground.machine, run).claim()
    assert states(cancel(ground.machine, run))[-1] == "Canceled"


def test_a_submit_that_comes_after_its_cancel_starts_nothing(ground: Ground) -> None:
    """What an old link's process still carries out when the link was cut and made again."""
    run = new_run_id()
    ground.runs.append(run)
    status = cancel(ground.machine, run)
    assert (states(status)[-1], run_status.is_unknown(status)) == ("Canceled", True)
    assert cancel(ground.machine, run) == status
    assert submit(ground.machine, run, ground.spec(run, "echo never"), {})["already"] is True
    assert ground.state(run) == "Canceled"
    assert not ground.path(run, "code").exists()
    assert submit(ground.machine, run, ground.spec(run, "true", attempt=2), {})["already"] is False
    assert not run_status.is_unknown(ground.wait(run, "Completed"))


def test_a_resume_that_comes_after_its_cancel_starts_nothing(ground: Ground) -> None:
    """The same where the folder is there, of the attempt before: the run is resumed, and was over."""
    run = ground.submit("echo once")
    ground.wait(run, "Completed")
    status = cancel(ground.machine, run, attempt=2)
    assert states(status)[-2:] == ["NotStarted", "Canceled"]
    assert (status["attempt"], run_status.is_unknown(status)) == (2, False)
    assert cancel(ground.machine, run, attempt=2) == status
    assert submit(ground.machine, run, ground.spec(run, "echo never", attempt=2), {})["already"] is True
    assert ground.status(run) == status
    assert cancel(ground.machine, run, attempt=1) == status, "an older one is over in any case"
    assert submit(ground.machine, run, ground.spec(run, "echo again", attempt=3), {})["already"] is False
    ground.wait(run, "Completed")
    assert ground.path(run, "stream.log").read_text() == "once\nagain\n"


def test_a_cancel_and_the_resume_it_overtakes_agree_at_once(ground: Ground) -> None:
    """However the two meet, the run ends cancelled."""
    run = ground.submit("true")
    ground.wait(run, "Completed")
    spec = ground.spec(run, "sleep 600", attempt=2)
    resuming = threading.Thread(target=submit, args=(ground.machine, run, spec, {}))
    resuming.start()
    cancel(ground.machine, run, 0.1, attempt=2)
    resuming.join()
    until(lambda: run_status.is_terminal(ground.status(run)), "its end")
    status = ground.status(run)
    assert (states(status)[-1], status["attempt"]) == ("Canceled", 2)


def test_cancel_with_the_supervisor_killed(ground: Ground) -> None:
    run = ground.submit(STUBBORN, grace=0.3)
    everyone = tree(ground, run)
    ground.path(run, "cancel").write_text('{"grace": 0.2}')
    ground.kill(run, "supervisor")
    cancel(ground.machine, run)
    assert states(ground.wait(run))[-1] == "Canceled"
    assert none_left(everyone)


def test_cancel_with_both_killed(ground: Ground) -> None:
    run = ground.submit(STUBBORN, grace=0.3)
    everyone = tree(ground, run)
    ground.kill(run, "guard", "supervisor")
    assert not none_left(everyone)
    status = cancel(ground.machine, run, 0.2)
    assert states(status)[-2:] == ["CancelRequested", "Canceled"]
    assert none_left(everyone)


def test_cancel_with_the_guard_killed(ground: Ground) -> None:
    run = ground.submit(STUBBORN, grace=0.3)
    everyone = tree(ground, run)
    os.kill(ground.identity(run, "guard")[0], 9)
    cancel(ground.machine, run)
    assert states(ground.wait(run))[-1] in ("Canceled", "Failed")
    assert none_left(everyone)


def test_a_finished_run_stays_as_it_is(ground: Ground) -> None:
    """AZ-72: a terminal status never changes by itself, nor by asking."""
    run = ground.submit("true")
    before = ground.wait(run)
    assert cancel(ground.machine, run) == before
    assert reconcile(ground.machine) == []
    assert ground.status(run) == before
    assert not ground.path(run, "cancel").exists()


@pytest.mark.parametrize("keepers", ["alive", "dead"])
def test_many_cancel_at_once(ground: Ground, keepers: str) -> None:
    run = ground.submit("trap '' TERM; echo on; while :; do sleep 0.1; done")
    until(lambda: b"on" in ground.output(run), "its output")
    child = ground.identity(run, "child")
    if keepers == "dead":
        ground.kill(run, "guard", "supervisor")
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            cancel(ground.machine, run, 0.2)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = ground.wait(run)
    assert problems == []
    assert states(status).count("Canceled") == 1
    assert states(status).count("CancelRequested") == 1
    assert none_left([child])


def test_fork_storm_is_ended(ground: Ground) -> None:
    """KILL passes look anew: a process that forks faster than it dies is outrun."""
    program = (
        "import os, time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on', flush=True)\n"
        "while True:\n    if os.fork():\n        time.sleep(0.02); os._exit(0)\n    os.setsid()\n"
    )
    run = ground.submit([sys.executable, "-c", program + "    time.sleep(0.01)\n"], grace=0.2)
    until(lambda: ground.output(run), "its output")
    # The main process ends at once; what it leaves runs on as leftovers while the run is finalized.
    status = ground.wait(run)
    assert states(status)[-1] == "Completed"
    assert process_trees.tagged("WORKBENCH_RUN_ID", run) == []
