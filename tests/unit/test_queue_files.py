"""Tickets and leases as files, of which others may have written some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.remote import leases, queue_files
from workbench.remote.machine import Machine
from workbench.remote.processes import identity
from workbench.remote.queue_files import Queue, keeper_entry, read_ticket

RUN = "01" + "A" * 24


def test_a_path_that_another_user_names_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
