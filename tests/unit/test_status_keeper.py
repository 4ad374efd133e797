"""The status between its changes: beating, retrying, staying quiet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status, status_keeper
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.status_keeper import StatusKeeper


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[tuple[StatusKeeper, RunFolder]]:
    folder = RunFolder(Machine(str(tmp_path / "root"), str(tmp_path / "leases")), "01" + "A" * 24)
    folder.claim()
    folder.furnish()
    with open(folder.lock, "w") as lock:
        status = run_status.new_status(folder.run_id, "m", "b", 1, 1, 1.0)
        made = StatusKeeper(folder, status, lock.fileno())
        made.move(protocol.RUNNING)
        yield made, folder


def test_it_beats_in_time_and_not_before(
    keeper: tuple[StatusKeeper, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-73: the heartbeat is due at 4/5 of 30 seconds."""
    made, folder = keeper
    assert protocol.HEARTBEAT_SECONDS == 24.0
    for path in (folder.status, folder.lock):
        os.utime(path, (1, 1))
    made.tick()
    assert os.stat(folder.status).st_mtime == 1
    now = status_keeper.time.monotonic() + 24.0
    monkeypatch.setattr(status_keeper.time, "monotonic", lambda: now)
    made.tick()
    assert folder.heartbeat_age() < 3600
    assert os.stat(folder.lock).st_mtime > 1


def test_a_queued_run_writes_only_when_its_reason_changes(keeper: tuple[StatusKeeper, RunFolder]) -> None:
    made, folder = keeper
    made.queued("one")
    first = os.stat(folder.status).st_ino
    made.queued("one")
    assert os.stat(folder.status).st_ino == first
    made.queued("two")
    status = folder.read_status()
    assert status is not None
    assert status["note"] == "two"
    assert [entry["state"] for entry in status["transitions"]].count("Queued") == 1
    made.move(protocol.RUNNING)
    assert "note" not in (folder.read_status() or {})
