"""Curves of a script that only knows its own logger, through sshd to this side while it runs."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import DEADLINE, SshServer
from tests.machines.settled import settled
from workbench import Workspace
from workbench.errors import NotFound
from workbench.home import Home

EVENTS = Path(__file__).parents[1] / "data" / "readers" / "x" / "events.out.tfevents.1700000000.machine"


@pytest.fixture
def workspace(tmp_path: Path, server: SshServer) -> Iterator[Workspace]:
    """A workspace with the machine attached."""
    with Workspace.open("default", embedded=True, home=Home(tmp_path / "home", tmp_path / "run")) as opened:
        places = {"root": str(settled(tmp_path / "root")), "lease_dir": str(tmp_path / "lease")}
        settings = {"address": server.name, "ssh_config": str(server.ssh_config), **places}
        opened.call("compute", "attach", name="m1", kind="ssh", settings=settings)
        yield opened


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of condition()."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE} s for {what}")
        time.sleep(0.02)
    return value


def values(workspace: Workspace, run: str, name: str) -> list[float]:
    """The plain view of a metric; nothing while there is none."""
    try:
        found: list[float] = workspace.call("runs", "points", run=run, name=name)["values"]
    except NotFound:
        return []
    return found


def test_event_files_become_curves_while_they_are_written(workspace: Workspace, tmp_path: Path) -> None:
    """Real TensorBoard bytes, the second half only once the first half's points are on this side."""
    data = EVENTS.read_bytes()
    go = tmp_path / "go"
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(data[:300])
    second.write_bytes(data[300:])
    log = f"runs/exp/{EVENTS.name}"
    line = (
        f"mkdir -p runs/exp; cat {shlex.quote(str(first))} >> {log};"
        f" while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.05; done; cat {shlex.quote(str(second))} >> {log}"
    )
    run = workspace.submit(workspace.configure(command=line, target="m1"))
    early = until(lambda: values(workspace, run.id, "loss/train"), "the first points")
    assert len(early) < 6
    assert workspace.call("runs", "get", run=run.id)["status"] == "Running"
    go.touch()
    until(lambda: workspace.call("runs", "get", run=run.id)["status"] == "Completed", "its end")
    assert len(values(workspace, run.id, "loss/train")) == 6


def test_what_a_script_logs_here_and_to_a_file_is_shown_once(workspace: Workspace, tmp_path: Path) -> None:
    """The SDK's points count; under names it does not use the file's do."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(
        "from workbench import Run\n"
        "run = Run.get_context()\n"
        "with open('metrics.csv', 'w') as out:\n"
        "    out.write('step,loss,extra\\n')\n"
        "    for step in range(3):\n"
        "        run.log('loss', step, step=step)\n"
        "        out.write('%d,%d,%d\\n' % (step, 100 + step, step))\n"
    )
    asked = workspace.configure(command=["python3", "train.py"], code=str(tmp_path / "code"), target="m1")
    run = workspace.submit(asked)
    until(lambda: workspace.call("runs", "get", run=run.id)["status"] == "Completed", "its end")
    assert values(workspace, run.id, "loss") == [0, 1, 2]
    assert values(workspace, run.id, "extra") == [0, 1, 2]
    (summary,) = [one for one in workspace.call("runs", "metrics", run=run.id) if one["name"] == "loss"]
    assert (summary["count"], summary["max"]) == (3, 2)
    assert workspace.call("runs", "get", run=run.id)["metrics"]["loss"]["max"] == 2
