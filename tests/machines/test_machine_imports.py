"""wb run import MACHINE:PATH: logs on a machine are found and read there, through the real sshd."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.settled import settled
from workbench.errors import NotFound
from workbench.home import Home
from workbench.workspace import Workspace

DATA = Path(__file__).parent.parent / "data" / "readers"


@pytest.fixture
def workspace(tmp_path: Path, server: SshServer) -> Iterator[Workspace]:
    """A workspace with the machine attached."""
    home = Home(tmp_path / "home", tmp_path / "run")
    with Workspace.open("default", embedded=True, home=home) as opened:
        places = {"root": str(settled(tmp_path / "root")), "lease_dir": str(tmp_path / "lease")}
        settings = {"address": server.name, "ssh_config": str(server.ssh_config), **places}
        opened.call("compute", "attach", name="m1", kind="ssh", settings=settings)
        yield opened


def metrics(workspace: Workspace) -> dict[str, Any]:
    """The metrics of every run by its name."""
    found = workspace.call("runs", "list")
    return {run["name"]: (run["status"], run["params"], run["metrics"]) for run in found}


def test_logs_of_a_machine_are_the_runs_that_the_same_logs_here_are(
    workspace: Workspace, server: SshServer, tmp_path: Path
) -> None:
    """Every form, by the same readers at the other end of ssh; a second time nothing is new."""
    shutil.copytree(DATA, server.home / "old")
    listed = list(workspace.find_runs("m1:~/old"))
    assert [one.known for one in listed] == [False] * 8
    first = list(workspace.bring_runs("m1:~/old", "there"))
    assert len(first) == len(listed)
    assert all(one.new and one.entries and not one.troubles for one in first)
    there = metrics(workspace)
    again = list(workspace.bring_runs("m1:old"))
    assert [(one.run, one.new, one.entries) for one in again] == [(one.run, False, 0) for one in first]
    assert metrics(workspace) == there
    assert all(one.known for one in workspace.find_runs("m1:old"))
    with Workspace.open("default", embedded=True, home=Home(tmp_path / "h2", tmp_path / "r2")) as local:
        list(local.bring_runs(server.home / "old"))
        assert metrics(local) == there


def test_what_grew_is_added_and_what_was_replaced_replaces(workspace: Workspace, server: SshServer) -> None:
    table = server.home / "log" / "metrics.csv"
    table.parent.mkdir()
    table.write_text("step,loss\n1,0.5\n2,0.")
    (one,) = workspace.bring_runs("m1:log")
    assert workspace.call("runs", "points", run=one.run, name="loss")["values"] == [0.5]
    with open(table, "a") as file:
        file.write("25\n")
    list(workspace.bring_runs("m1:log"))
    assert workspace.call("runs", "points", run=one.run, name="loss")["values"] == [0.5, 0.25]
    fresh = table.with_suffix(".new")
    fresh.write_text("step,loss\n1,7\n2,8\n3,9\n")
    os.replace(fresh, table)
    list(workspace.bring_runs("m1:log"))
    assert workspace.call("runs", "points", run=one.run, name="loss")["values"] == [7, 8, 9]


def test_tables_of_one_folder_with_the_same_columns_are_kept_apart(
    workspace: Workspace, server: SshServer
) -> None:
    folder = server.home / "log"
    folder.mkdir()
    for name, loss in (("fold_0", 0.5), ("fold_1", 0.9)):
        (folder / f"{name}.csv").write_text(f"epoch,loss\n1,{loss}\n")
    (one,) = workspace.bring_runs("m1:log")
    with open(folder / "fold_1.csv", "a") as file:
        file.write("2,0.8\n")
    list(workspace.bring_runs("m1:log"))
    found = workspace.call("runs", "get", run=one.run)["metrics"]
    told = {name: workspace.call("runs", "points", run=one.run, name=name)["values"] for name in found}
    assert told == {"loss": [0.5], "fold_1/loss": [0.9, 0.8]}


def test_what_is_not_there_is_said(workspace: Workspace, server: SshServer) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        list(workspace.bring_runs("m1:nowhere"))
    (server.home / "empty").mkdir()
    with pytest.raises(NotFound, match="nothing in m1:empty"):
        list(workspace.bring_runs("m1:empty"))
    (server.home / "empty" / "run-a.wandb").write_bytes(b"\1\2garbage")
    (server.home / "empty" / "events.out.tfevents.1.m").write_bytes(b"garbage" * 9)
    listed = list(workspace.find_runs("m1:empty"))
    assert sorted(one.trouble.rpartition(", but ")[2] for one in listed) == ["", "does not begin like one"]
    left = list(workspace.bring_runs("m1:empty"))
    assert [(one.run, one.new, one.entries) for one in left] == [("", False, 0)] * 2
    said = "\n".join(trouble for one in left for trouble in one.troubles)
    assert "does not begin like one" in said
    assert "nothing in it can be read" in said
    assert workspace.call("runs", "list") == []
    with pytest.raises(NotFound, match="m9"):
        list(workspace.bring_runs("m9:logs"))
