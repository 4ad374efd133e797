"""The code of adopted runs: this side lost everything, the machine has it still."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import MakeServer, SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

LARGE = os.urandom(3 << 20)  # goes through a file on its way, and needs more than one stretch of credit


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tree with what can go wrong: an executable, a link, an empty and a large file, two of one content."""
    folder = tmp_path / "project"
    (folder / "pack").mkdir(parents=True)
    (folder / "run.sh").write_text("#!/bin/sh\ncat word.txt; wc -c < pack/large.bin\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "word.txt").write_text("one\n")
    (folder / "pack" / "same.txt").write_text("one\n")
    (folder / "pack" / "empty.txt").write_text("")
    (folder / "pack" / "large.bin").write_bytes(LARGE)
    (folder / "link").symlink_to("pack/same.txt")
    return folder


@pytest.fixture
def lost(make_wb: Any, server: SshServer, project: Path) -> tuple[Wb, list[str]]:
    """Somebody whose two runs are only on the machine, adopted by a home that has nothing else."""
    before = make_wb()
    attach(before, server)
    runs = [before("submit", "--wait", "--", "./run.sh", cwd=project).split()[0]]
    (project / "word.txt").write_text("two\n")
    runs.append(before("submit", "--wait", "--", "./run.sh", cwd=project).split()[0])
    after = make_wb()
    attach(after, server)
    adopted = after.json("compute", "adopt", server.name)["adopted"]
    assert {run["id"]: run["status"] for run in adopted} == dict.fromkeys(runs, "Completed")
    return after, runs


def test_adopt_says_how_runs_ended(make_wb: Any, server: SshServer) -> None:
    """Not the state before the last: the output of a run that is over is taken in first."""
    before = make_wb()
    attach(before, server)
    good = before("submit", "--no-code", "--wait", "--", "seq 100000").split()[0]
    bad = before("submit", "--no-code", "--", "exit 3").split()[0]
    before.wait(bad)
    ended = before("submit", "--no-code", "--", "sleep 1000").split()[0]
    before.until(lambda: before.show(ended)["status"] == "Running", "the run to start")
    before("cancel", ended)
    before.wait(ended)
    going = before("submit", "--no-code", "--", "sleep 1000").split()[0]
    before.until(lambda: before.show(going)["status"] == "Running", "the run to start")
    after = make_wb()
    attach(after, server)
    adopted = {run["id"]: run["status"] for run in after.json("compute", "adopt", server.name)["adopted"]}
    assert adopted == {good: "Completed", bad: "Failed", ended: "Canceled", going: "Running"}
    assert len(after("logs", good).split()) == 100_000
    after("cancel", going)
    after.wait(going)


def test_the_snapshot_of_an_adopted_run_is_listed_and_saved(
    lost: tuple[Wb, list[str]], project: Path, tmp_path: Path
) -> None:
    """AZ-107, AZ-117: without anything having been kept here."""
    wb, (first, _) = lost
    listed = {entry["path"]: entry for entry in wb.json("run", "snapshot", first)}
    assert set(listed) == {
        "run.sh", "word.txt", "link", "pack/same.txt", "pack/empty.txt", "pack/large.bin"
    }  # fmt: skip
    wb("run", "snapshot", first, "--to", str(tmp_path / "code.zip"))
    with zipfile.ZipFile(tmp_path / "code.zip") as archive:
        assert archive.read("word.txt") == archive.read("pack/same.txt") == b"one\n"
        assert archive.read("pack/empty.txt") == b""
        assert archive.read("pack/large.bin") == LARGE
        assert (archive.getinfo("run.sh").external_attr >> 16) & 0o777 == 0o755
        assert stat.S_ISLNK(archive.getinfo("link").external_attr >> 16)


def test_the_code_of_adopted_runs_can_be_compared(lost: tuple[Wb, list[str]]) -> None:
    wb, runs = lost
    changed = wb("run", "diff", *runs)
    assert "-one" in changed
    assert "+two" in changed


def test_an_adopted_run_runs_again_where_it_was(lost: tuple[Wb, list[str]], server: SshServer) -> None:
    """Its machine has the code: nothing of it travels."""
    wb, (first, _) = lost
    again = wb("run", "rerun", first, "--wait").split()[0]
    assert wb("logs", again).split() == ["one", str(len(LARGE))]
    assert not [path for path in (wb.folder / "workspaces").rglob("blobs/*/*") if path.is_file()]


def test_an_adopted_run_runs_again_elsewhere(lost: tuple[Wb, list[str]], make_server: MakeServer) -> None:
    """The code comes from the machine that has it, by way of this one."""
    wb, (first, _) = lost
    other = make_server()
    attach(wb, other)
    again = wb("run", "rerun", first, "-t", other.name, "--wait").split()[0]
    assert wb("logs", again).split() == ["one", str(len(LARGE))]
    assert wb.show(again)["target"] == other.name


def test_code_that_is_nowhere_any_more(lost: tuple[Wb, list[str]], server: SshServer, tmp_path: Path) -> None:
    """A content that somebody removed from the machine, and one that was changed there."""
    wb, (first, second) = lost
    listed = {entry["path"]: entry["sha256"] for entry in wb.json("run", "snapshot", first)}
    blobs = server.home / "wb" / "blobs"
    word, large = (blobs / sha[:2] / sha for sha in (listed["word.txt"], listed["pack/large.bin"]))
    large.write_bytes(LARGE[::-1])
    changed = wb.run("run", "snapshot", first, "--to", str(tmp_path / "code.zip"))
    assert changed.returncode == 5
    assert "sha256" in changed.stderr
    assert not (tmp_path / "code.zip").exists()
    large.write_bytes(LARGE)
    word.unlink()
    gone = wb.run("run", "snapshot", first, "--to", str(tmp_path / "code.zip"))
    assert gone.returncode == 3
    assert "of the code not here, and no machine has" in gone.stderr
    assert json.loads(wb("run", "snapshot", second, "--format", "json"))
