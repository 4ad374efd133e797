"""A disk that fills up under a run: the run goes on, its end is recorded, and the cause is told."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from workbench.remote.forms import protocol
from workbench.remote.runs import run_status, runfolder, status_keeper
from workbench.remote.runs.endings import failed
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.status_keeper import StatusKeeper

__all__ = ["ground", "untagged"]


def last(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "machine" / "root"
    place.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "small", str(place)],
        capture_output=True,
        check=False,
    )
    if os.getuid() != 0 or done.returncode != 0:
        pytest.skip("only root can mount a small disk; the injected full disk below proves the same")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_run_that_fills_its_disk_ends_as_it_would(small_disk: Path, ground: Ground) -> None:
    run = ground.submit("head -c 3000000 /dev/zero; exit 5")
    status = ground.wait(run)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "disk_full")
    assert last(status)["exit_code"] == 5
    assert "disk of the run's folder is full" in last(status)["message"]
    resources = status["resources"]
    assert resources["stream_bytes"] + resources["stream_dropped"] == 3_000_000
    assert resources["stream_dropped"] > 1_900_000


def test_a_run_on_a_full_disk_may_still_complete(small_disk: Path, ground: Ground) -> None:
    run = ground.submit("head -c 3000000 /dev/zero; exit 0")
    status = ground.wait(run)
    assert [entry["state"] for entry in status["transitions"]][-3:] == ["Running", "Finalizing", "Completed"]


def test_a_run_that_takes_every_freed_byte_is_still_recorded(small_disk: Path, ground: Ground) -> None:
    """The room for its status must not pass through the disk's free space."""
    run = ground.submit(
        "(while :; do head -c 4096 /dev/zero >> ../hog 2>/dev/null; done) & "
        "while [ $(stat -f -c %a ..) -gt 0 ]; do sleep 0.05; done; sleep 0.5; exit 5"
    )
    status = ground.wait(run)
    assert (last(status)["cause"], last(status)["exit_code"]) == ("disk_full", 5)


def test_a_run_on_a_full_disk_can_be_cancelled(small_disk: Path, ground: Ground) -> None:
    run = ground.submit("head -c 3000000 /dev/zero; sleep 1000")
    until(lambda: shutil.disk_usage(small_disk).free == 0, "the disk to be full")
    from workbench.remote.supervision.cancel import cancel

    cancel(ground.machine, run)
    assert last(ground.wait(run))["state"] == "Canceled"


def refuse_writes(monkeypatch: pytest.MonkeyPatch, times: int, code: int = errno.ENOSPC) -> list[str]:
    """Let so many writes of whole files fail as on a full disk; returns what is refused."""
    refused: list[str] = []
    real = runfolder.write_whole

    def write(path: str, body: bytes, sync: bool = True) -> None:
        if len(refused) < times:
            refused.append(path)
            raise OSError(code, os.strerror(code))
        real(path, body, sync)

    monkeypatch.setattr(runfolder, "write_whole", write)
    return refused


def claimed(ground: Ground) -> tuple[RunFolder, dict[str, Any]]:
    folder = RunFolder(ground.machine, "01" + "A" * 24)
    folder.claim()
    folder.furnish()
    status = run_status.new_status(folder.run_id, "m", "b", 1, 1, 1.0)
    folder.write_status(status)
    return folder, status


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_the_reserve_serves_again_and_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder, status = claimed(ground)
    refuse_writes(monkeypatch, 10, code)
    for number in range(5):
        status["note"] = f"note {number}"
        folder.write_status(status)
        assert folder.read_status() == status
        assert os.path.exists(folder.reserve)


def test_where_every_change_needs_room_the_reserve_is_given_up_for_the_last_status(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, status = claimed(ground)
    refuse_writes(monkeypatch, 1)

    def no_room(self: RunFolder, body: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(RunFolder, "_swap_in", no_room)
    before = folder.read_status()
    status["note"] = "new"
    with pytest.raises(OSError, match="No space"):
        folder.write_status(status)
    assert folder.read_status() == before
    assert os.path.getsize(folder.reserve) == protocol.RESERVE_BYTES
    run_status.add_transition(status, protocol.FAILED, 2.0)
    refuse_writes(monkeypatch, 1)
    folder.write_status(status)
    assert folder.read_status() == status
    assert not os.path.exists(folder.reserve)


def test_without_a_reserve_the_old_status_stays(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, status = claimed(ground)
    os.unlink(folder.reserve)
    refuse_writes(monkeypatch, 1)
    with pytest.raises(OSError):
        folder.write_status({**status, "note": "new"})
    assert folder.read_status() == status


def test_an_ending_is_written_again_until_the_disk_takes_it(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, status = claimed(ground)
    os.unlink(folder.reserve)
    monkeypatch.setattr(status_keeper, "RETRY_SECONDS", 0.01)
    refused = refuse_writes(monkeypatch, 5)
    with open(folder.inside("lock"), "w") as lock:
        keeper = StatusKeeper(folder, status, lock.fileno())
        assert keeper.finish(failed(protocol.CAUSE_EXIT, "exit code 1", 1)) is True
    assert len(refused) == 5
    assert last(folder.read_status() or {})["exit_code"] == 1


def test_a_partial_file_is_not_left_behind(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, status = claimed(ground)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        folder.write_status({**status, "note": "new"})
    assert not [name for name in os.listdir(folder.path) if name.endswith(".partial")]
    assert folder.read_status() == status


def test_a_cancel_marker_fits_any_disk(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = claimed(ground)
    refuse_writes(monkeypatch, 1)
    folder.mark_cancel(3.0)
    assert os.path.exists(folder.cancel)
    assert folder.cancel_grace() is None
