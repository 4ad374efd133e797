"""A quota that is used up, on a real file system: said in words that name it, and nothing is lost.

The file system is btrfs in a file, with a subvolume that may hold so much (a qgroup): its disk has room all
the while, so that only what is tried tells. Root only; this needs a kernel with loop devices and btrfs.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground
from tests.machines.rig import need
from tests.machines.wb import Wb

MB = 1 << 20
LIMIT = 24 * MB


def said(words: list[str]) -> str:
    """What a command of the system complains of; empty when it works."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"


def run(*words: str) -> None:
    """Run a command of the system; fails when it does."""
    assert said(list(words)) == "", words


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Path]:
    """A folder that may hold LIMIT bytes, on a disk with more room."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system with quotas")
    need("mkfs.btrfs", "btrfs", "mount", "umount")
    image, disk = tmp_path / "image", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(256 * MB)
    disk.mkdir()
    run("mkfs.btrfs", "-q", str(image))
    if problem := said(["mount", "-o", "loop", str(image), str(disk)]):
        pytest.skip(f"this kernel mounts no btrfs from a file: {problem}")
    try:
        if problem := said(["btrfs", "quota", "enable", str(disk)]):
            pytest.skip(f"this kernel's btrfs has no quotas: {problem}")
        place = disk / "limited"
        run("btrfs", "subvolume", "create", str(place))
        run("btrfs", "qgroup", "limit", str(LIMIT), str(place))
        yield place
    finally:
        run("umount", "-l", str(disk))


@pytest.fixture
def ground(limited: Path) -> Iterator[Ground]:
    """A machine whose root and leases are under the quota."""
    made = Ground(limited / "ground")
    yield made
    made.close()


def use_up(folder: Path) -> Path:
    """Leave no byte of the quota; the file to remove for room."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (MB, 65536, 4096):
            problem = 0
            while not problem:
                try:
                    file.write(os.urandom(size))
                    os.fsync(file.fileno())
                except OSError as error:
                    problem = error.errno or 0
            assert problem == errno.EDQUOT
    assert os.statvfs(folder).f_bavail > 0
    return ballast


def last(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


def test_a_run_whose_output_uses_up_the_quota(ground: Ground) -> None:
    """trap 16: EDQUOT is ENOSPC."""
    status, output = ground.finish("head -c 60000000 /dev/urandom; exit 5")
    assert (last(status)["state"], last(status)["cause"], last(status)["exit_code"]) == (
        "Failed",
        "disk_full",
        5,
    )
    assert "quota for the run's folder is used up" in last(status)["message"]
    assert 0 < len(output) < LIMIT
    assert status["resources"]["stream_dropped"] > 0
    assert not ground.path(ground.runs[-1], "reserve").exists()  # the last status was written


def test_a_run_whose_files_use_up_the_quota(ground: Ground) -> None:
    """Its own writes fail, what it prints still fits; the disk itself has room."""
    program = "head -c 60000000 /dev/urandom > outputs/model.bin || exit 7"
    status, output = ground.finish(program)
    assert (last(status)["cause"], last(status)["exit_code"]) == ("disk_full", 7)
    assert "quota" in last(status)["message"]
    assert b"quota" in output.lower() or status["resources"]["stream_dropped"] > 0


def test_a_run_that_fails_for_another_reason_is_not_blamed_on_the_quota(ground: Ground) -> None:
    status, _ = ground.finish("exit 3")
    assert last(status)["message"] == "exit code 3"
    assert not list(ground.path(ground.runs[-1], "").glob("trial*"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tree with something to send."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(os.urandom(MB))
    return folder


def test_a_submit_to_a_machine_over_its_quota(wb: Wb, limited: Path, tmp_path: Path, project: Path) -> None:
    wb("compute", "set", "local", f"root={limited / 'root'}", f"lease_dir={tmp_path / 'lease'}")
    wb("submit", "--no-code", "--wait", "--", "true")
    ballast = use_up(limited)
    refused = wb.run("submit", "--wait", "--", "true", cwd=project)
    assert refused.returncode == 1
    assert "disk quota exceeded on the machine" in refused.stderr
    assert "wb compute doctor local" in refused.stderr
    report = wb.run("compute", "doctor", "local").stdout
    assert "Disk quota exceeded" in report
    assert "root=FOLDER" in report
    ballast.unlink()
    wb("submit", "--wait", "--", "true", cwd=project)
    wb.close()


def test_a_quota_used_up_here_loses_nothing(wb: Wb, limited: Path, tmp_path: Path) -> None:
    """The local store's own folder: what is refused names the quota; with room again all is there."""
    run("mount", "--bind", str(limited), str(wb.folder))
    try:
        wb("compute", "set", "local", f"root={tmp_path / 'root'}", f"lease_dir={tmp_path / 'lease'}")
        go = tmp_path / "go"
        command = f"while ! test -e {go}; do sleep 0.1; done; seq 20000"
        active = wb("submit", "--no-code", "--", command).split()[0]
        ballast = use_up(wb.folder)
        # Where every change is written elsewhere, mapped memory finds no room and SIGBUS ends the server.
        tries = [wb.run("submit", "--no-code", "--", "true") for _ in range(3)]
        assert {refused.returncode for refused in tries} == {1}
        assert "quota" in tries[-1].stderr, wb.log()
        assert re.search(r"hint:.*(wb workspace prune|WORKBENCH_HOME)", tries[-1].stderr), tries[-1].stderr
        assert not any("Traceback" in refused.stderr for refused in tries)
        go.touch()
        status = tmp_path / "root" / "runs" / active / "status.json"
        wb.until(lambda: '"Completed"' in status.read_text(), "the run to end on its machine")
        ballast.unlink()
        assert wb.wait(active)["status"] == "Completed"
        assert wb("logs", active) == "".join(f"{number}\n" for number in range(1, 20001))
        wb.close()
    finally:
        run("umount", "-l", str(wb.folder))
