"""Starting a guard so that it outlives what started it, with and without a user manager's scope."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.remote.machine import Machine
from workbench.remote.processes import detaching, process_trees
from workbench.remote.processes.detaching import GuardNotStarted, LoginManager
from workbench.remote.supervision.submission import submit

__all__ = ["ground", "untagged"]


def scopes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A user manager that lingers, with a systemd-run of this script."""
    program = tmp_path / "bin" / "systemd-run"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(detaching, "ask_login_manager", lambda: LoginManager(True, True, True))
    return tmp_path / "asked"


def test_a_guard_is_started_in_a_scope_where_the_user_lingers(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'while [ "$1" != -- ]; do shift; done; shift; IN_SCOPE=yes exec "$@"'
    asked = scopes(tmp_path, monkeypatch, script)
    status, output = ground.finish("echo $IN_SCOPE $TOKEN", secrets={"TOKEN": "hunter2hunter2"})
    assert status["transitions"][-1]["state"] == "Completed"
    assert output == b"yes ***\n"
    words = asked.read_text().split()
    assert words[:5] == ["--user", "--scope", "--quiet", "-p", "Delegate=yes"]
    assert re.fullmatch(rf"--unit=workbench-{status['run']}-[0-9a-f]{{8}}\.scope", words[5])
    assert words[6] == "--"
    assert "hunter2" not in asked.read_text()


def test_a_scope_that_cannot_be_made_is_done_without(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = scopes(tmp_path, monkeypatch, "echo 'Failed to connect to bus' >&2; exit 1")
    assert ground.finish("echo done")[1] == b"done\n"
    assert asked.exists()


def test_a_guard_that_cannot_start_is_told_and_can_be_tried_again(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    spec = ground.spec(run, "echo done")
    broken = ground.folder / "broken.pyz"
    broken.write_text("no zip")
    without = Machine(ground.machine.root, ground.machine.lease_dir, str(broken))
    with pytest.raises(GuardNotStarted, match="guard could not be started"):
        submit(without, run, spec, {})
    assert ground.state(run) == "NotStarted"
    assert submit(ground.machine, run, spec, {})["already"] is False
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"


def test_a_run_outlives_its_submitter_and_the_submitters_session(ground: Ground) -> None:
    run = new_run_id()
    ground.runs.append(run)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from workbench.remote.machine import Machine\nfrom workbench.remote.supervision.submission import submit\n"
        "import os, signal\n"
        "submit(Machine(sys.argv[2], sys.argv[3], sys.argv[1]), sys.argv[4], eval(sys.argv[5]), {})\n"
        "os.killpg(0, signal.SIGKILL)\n"
    )
    spec = ground.spec(run, "sleep 1; echo done")
    machine = ground.machine
    words = [sys.executable, "-c", program, machine.payload, machine.root, machine.lease_dir, run, repr(spec)]
    done = subprocess.run(words, check=False, start_new_session=True, stdin=subprocess.DEVNULL)
    assert done.returncode == -9
    guard = process_trees.process_stat(ground.identity(run, "guard")[0])
    assert guard is not None
    until(lambda: ground.output(run) == b"done\n", "its output")
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
