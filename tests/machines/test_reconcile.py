"""Guards and supervisors that die, reboots: every run is settled, nothing is left, no stranger dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from tests.machines.test_cancel import STUBBORN, none_left, states, tree
from workbench.remote.machine import Machine
from workbench.remote.processes import process_trees
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import observed, reconcile
from workbench.remote.supervision.submission import submit, take_on

__all__ = ["ground", "untagged"]


def last(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


def test_a_killed_supervisor_is_settled_by_its_guard(ground: Ground) -> None:
    run = ground.submit(STUBBORN)
    everyone = tree(ground, run)
    ground.path(run, "cancel.tmp").write_text("")
    ground.kill(run, "supervisor")
    status = ground.wait(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "supervisor_lost")
    assert "SIGKILL" in last(status)["message"]
    assert none_left(everyone)


def test_a_killed_guard_is_settled_by_the_supervisor(ground: Ground) -> None:
    run = ground.submit(STUBBORN)
    everyone = tree(ground, run)
    ground.kill(run, "guard")
    status = ground.wait(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "guard_lost")
    assert none_left(everyone)


def test_with_both_killed_a_visitor_ends_what_is_left(ground: Ground) -> None:
    run = ground.submit(STUBBORN, gpus=1, devices=["a0"])
    everyone = tree(ground, run)
    ground.kill(run, "guard", "supervisor")
    assert not none_left(everyone)
    assert reconcile(ground.machine) == [run]
    status = ground.status(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "lost")
    assert none_left(everyone)
    assert os.listdir(ground.machine.leases) == []
    assert reconcile(ground.machine) == []


def test_a_visitor_leaves_living_runs_alone(ground: Ground) -> None:
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    assert reconcile(ground.machine) == []
    assert ground.state(run) == "Running"


def test_a_submit_after_both_were_killed_settles_the_run(ground: Ground) -> None:
    run = ground.submit("sleep 1000", grace=0.1)
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    answer = submit(ground.machine, run, ground.spec(run, "sleep 1000"), {})
    assert answer["already"] is True
    assert last(answer["status"])["cause"] == "lost"
    assert none_left([child])


def test_a_queued_run_settles_the_lost_one_before_it(ground: Ground) -> None:
    """The devices of a run that lost its keepers are free only once its processes are gone."""
    first = ground.submit(STUBBORN, gpus=1, devices=["a0"])
    everyone = tree(ground, first)
    ground.kill(first, "guard", "supervisor")
    second = ground.submit("echo second", gpus=1, devices=["a0"])
    assert last(ground.wait(second))["state"] == "Completed"
    assert none_left(everyone)
    assert last(ground.status(first))["cause"] == "lost"


def test_after_a_reboot_no_pid_is_touched(ground: Ground) -> None:
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    rebooted = Machine(ground.machine.root, ground.machine.lease_dir, ground.machine.payload, boot="another")
    assert reconcile(rebooted) == [run]
    status = ground.status(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "reboot")
    assert process_trees.alive(*child), "a pid of the boot before is a stranger's now"
    process_trees.end_tree(lambda: [child], 0.0)


def test_cancel_after_a_reboot_touches_no_pid(ground: Ground) -> None:
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    rebooted = Machine(ground.machine.root, ground.machine.lease_dir, ground.machine.payload, boot="another")
    assert states(cancel(rebooted, run))[-1] == "Canceled"
    assert process_trees.alive(*child)
    process_trees.end_tree(lambda: [child], 0.0)


@pytest.mark.parametrize("field", ["machine", "pidns"])
def test_a_run_of_another_machine_or_namespace_is_left_alone(ground: Ground, field: str) -> None:
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    folder = ground.folder_of(run)
    status = folder.read_status()
    assert status is not None
    status[field] = "elsewhere" if field == "machine" else 1
    folder.write_status(status)
    assert reconcile(ground.machine) == []
    assert process_trees.alive(*child)
    process_trees.end_tree(lambda: [child], 0.0)


def test_a_container_that_restarted_settles_what_it_ran_before_and_touches_no_pid(ground: Ground) -> None:
    """Same name, another pid namespace: after a silence the run is known to be gone with the former one."""
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    folder = ground.folder_of(run)
    status = folder.read_status()
    assert status is not None
    status["pidns"] = 1
    folder.write_status(status)
    assert reconcile(ground.machine) == [], "a twin's run whose heart still beats was judged"
    os.utime(folder.status, (1, 1))
    assert reconcile(ground.machine) == [run]
    status = ground.status(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "reboot")
    assert process_trees.alive(*child), "its pid means nothing here"
    process_trees.end_tree(lambda: [child], 0.0)


def test_a_recycled_pid_is_never_touched(ground: Ground) -> None:
    """Same pid, other start time: a stranger."""
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    child = ground.identity(run, "child")
    ground.kill(run, "guard", "supervisor")
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        known = process_trees.identity(stranger.pid)
        assert known is not None
        folder = ground.folder_of(run)
        folder.write_tree([child, (known[0], known[1] - 1)])
        status = folder.read_status()
        assert status is not None
        status["guard"] = {"pid": known[0], "start": known[1] - 7}
        folder.write_status(status)
        assert reconcile(ground.machine) == [run]
        assert none_left([child])
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_claim_nobody_took_up_is_started_by_submitting_again(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    spec = ground.spec(run, "echo done")
    take_on(ground.machine, RunFolder(ground.machine, run), spec)
    assert reconcile(ground.machine) == []
    assert submit(ground.machine, run, spec, {})["already"] is False
    assert last(ground.wait(run))["state"] == "Completed"
    assert submit(ground.machine, run, spec, {})["already"] is True


def test_a_bare_claim_is_started_by_submitting_again(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    RunFolder(ground.machine, run).claim()
    assert submit(ground.machine, run, ground.spec(run, "echo done"), {})["already"] is False
    assert last(ground.wait(run))["state"] == "Completed"


SUBMITTER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from workbench.remote.machine import Machine
from workbench.remote.supervision.submission import submit
spec = json.loads(sys.argv[4])
sys.stdin.readline()
print(submit(Machine(sys.argv[2], sys.argv[3], sys.argv[1]), spec["run"], spec, {})["already"])
"""


def test_one_id_submitted_by_eight_processes_runs_once(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    spec = json.dumps(ground.spec(run, 'echo ran >> "$WORKBENCH_RUN_DIR/times"; sleep 0.3'))
    words = [sys.executable, "-c", SUBMITTER, ground.machine.payload, ground.machine.root]
    words += [ground.machine.lease_dir, spec]
    started = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=90)[0].strip() for process in started]
    assert sorted(answers) == ["False"] + ["True"] * 7
    ground.wait(run)
    assert ground.path(run, "times").read_text() == "ran\n"


def test_a_submitter_killed_in_the_middle_leaves_a_run_that_runs_once(ground: Ground) -> None:
    """Cut at many points: whatever is there, submitting again makes it run exactly once."""
    for moment in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        run = new_run_id()
        ground.runs.append(run)
        spec = ground.spec(run, 'echo ran >> "$WORKBENCH_RUN_DIR/times"')
        words = [sys.executable, "-c", SUBMITTER, ground.machine.payload, ground.machine.root]
        words += [ground.machine.lease_dir, json.dumps(spec)]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        submit(ground.machine, run, spec, {})
        assert last(ground.wait(run))["state"] == "Completed"
        assert ground.path(run, "times").read_text() == "ran\n"


def test_submitting_leaves_no_zombie_behind(ground: Ground) -> None:
    run = ground.submit("true")
    ground.wait(run)
    mine = [pid for pid, stat in process_trees.snapshot().items() if stat.parent == os.getpid()]
    assert not [
        pid
        for pid in mine
        if (process_trees.process_stat(pid) or process_trees.ProcessStat("", 0, 0)).state == "Z"
    ]


def test_a_supervisor_asked_to_end_ends_its_run(ground: Ground) -> None:
    run = ground.submit("trap 'echo saved; exit 1' TERM; echo on; sleep 1000 & wait")
    until(lambda: b"on" in ground.output(run), "its output")
    os.kill(ground.identity(run, "supervisor")[0], signal.SIGTERM)
    status = ground.wait(run)
    assert last(status)["cause"] == "supervisor_lost"
    assert "SIGTERM" in last(status)["message"]
    assert ground.output(run) == b"on\nsaved\n"


def test_a_guard_asked_to_end_stays(ground: Ground) -> None:
    run = ground.submit("sleep 1; echo done")
    os.kill(ground.identity(run, "guard")[0], signal.SIGTERM)
    assert last(ground.wait(run))["state"] == "Completed"


def test_a_run_whose_folder_was_removed_leaves_nothing(ground: Ground) -> None:
    run = ground.submit("sleep 1000", grace=0.1)
    ground.wait(run, "Running")
    keepers = [ground.identity(run, who) for who in ("guard", "supervisor", "child")]
    shutil.rmtree(ground.folder_of(run).path)
    for pid, _ in keepers[1:2]:
        os.kill(pid, signal.SIGTERM)
    until(lambda: none_left(keepers), "all of it to end")
    assert observed(ground.machine, run) is None


def test_not_started_is_not_a_silence(ground: Ground) -> None:
    run = new_run_id()
    folder = RunFolder(ground.machine, run)
    take_on(ground.machine, folder, ground.spec(run, "true"))
    os.utime(folder.status, (1, 1))
    status = observed(ground.machine, run)
    assert status is not None
    assert run_status.state_of(status) == "NotStarted"
    assert status["not_responding"] is False
