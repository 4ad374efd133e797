"""Tickets and leases as files, of which others may have written some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import identity
from workbench.remote.queue import leases, queue_files
from workbench.remote.queue.queue_files import Queue, keeper_entry, read_ticket

RUN = "01" + "A" * 24


def test_a_path_that_another_user_names_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lie on a file system that never answers; that of one's own run is the run's folder."""
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), None)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "hold").touch()
    me = identity(os.getpid())
    assert me is not None
    ticket = leases.Ticket(RUN, 1, 0, 1, (), 0, False, 0.0)
    queue = Queue(machine)
    queue.enter(ticket, keeper_entry(machine, {}, str(folder), [me]))
    (mine,) = queue.tickets()
    assert read_ticket(mine).hold
    monkeypatch.setattr(queue_files.os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(queue_files, "read_tree", lambda path: pytest.fail(f"{path} was looked at"))
    (theirs,) = queue.tickets()
    assert not read_ticket(theirs).hold
    assert queue_files.tree_lives(machine, theirs, queue.tree(RUN)) is False


def test_what_changed_is_read_anew_and_the_rest_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), None)
    me = identity(os.getpid())
    assert me is not None
    queue, runs = Queue(machine), ["01" + letter * 24 for letter in "ABC"]
    for number, run in enumerate(runs):
        ticket = leases.Ticket(run, number, 0, 1, (), 0, False, 0.0)
        queue.enter(ticket, keeper_entry(machine, {}, "", [me]))
    asked: list[str] = []
    read = queue_files.read_entry
    monkeypatch.setattr(queue_files, "read_entry", lambda path: asked.append(path) or read(path))
    for entry in queue.tickets():
        entry["hold"] = True  # whoever asked may do with it what he likes
    assert [Path(path).stem for path in asked] == runs
    assert [entry["hold"] for entry in queue.tickets()] == [False, False, False]
    assert len(asked) == 3
    replaced, written = (entry for entry in queue.tickets() if entry["run"] != runs[2])
    queue.write_ticket({**replaced, "priority": 7})
    path = Path(queue.ticket_path(written["run"]))
    path.write_bytes(path.read_bytes().replace(b'"priority":0', b'"priority":8'))
    os.utime(path, ns=(1, 1))  # two writes in one tick of the clock are none of ours: tickets are replaced
    assert [entry["priority"] for entry in queue.tickets()] == [7, 8, 0]
    assert len(asked) == 5
    queue.release(runs[0])
    assert [entry["run"] for entry in queue.tickets()] == runs[1:]
