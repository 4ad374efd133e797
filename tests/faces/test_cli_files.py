"""Files and snapshots of runs on the command line."""

from pathlib import Path

import pytest

from tests.faces.conftest import Wb
from tests.faces.scripted import PIPE, RUNS, TTY, World


def test_runs_are_handed_on_in_one_file(wb: Wb, tmp_path: Path) -> None:
    world = World(
        runs__bundled=[RUNS[2]],
        runs__bundle=[b"PK", b"x"],
        runs__unbundle={"runs": [{"run": "a" * 26, "name": "x\x1b[2J", "state": "updated"}]},
    )
    to = tmp_path / "it.wb"
    done = wb(
        "run", "export", "vivid-lark-40", "--to", str(to), world=world, terminal=PIPE._replace(stderr=True)
    )
    assert (done.out, to.read_bytes(), to.stat().st_mode & 0o777) == (f"{to}\n", b"PKx", 0o600)
    assert world.calls[-1] == ("runs.bundle", {"runs": [RUNS[2]["id"]], "files": False, "code": True})
    assert "1 run, 3 B" in done.err
    assert wb("run", "export", "vivid-lark-40", "--to", str(to), world=world).code == 5
    assert wb("run", "export", "a", "b", world=world).code == 2
    brought = wb("run", "import", str(to), world=world, terminal=PIPE._replace(stderr=True))
    assert (brought.out, brought.err) == ("a" * 26 + "\n", "x (brought up to date)\n")
    assert world.sent == b"PKx"
    assert wb("run", "import", str(to), "--experiment", "e", world=world).code == 2


FILES = [
    {"path": "outputs/model.pt", "size": 12345678, "modified": "2026-11-23T12:00:00Z", "collected": False},
    {"path": "outputs/sub/a.txt", "size": 3, "collected": True},
    {"path": "logs/x.log", "size": 9, "collected": True},
]


def test_files_are_listed_and_fetched(wb: Wb, tmp_path: Path) -> None:
    world = World(runs__files=FILES)
    assert wb("run", "files", "@1", world=world).out.startswith(
        "outputs/model.pt\t12345678\t2026-11-23T12:00:00Z\t\tfalse\n"
    )
    assert "11.8 MiB" in wb("run", "files", "@1", world=world, terminal=TTY).out
    done = wb("run", "download", "@1", "--to", str(tmp_path / "here"), world=world)
    assert done.out.splitlines() == [
        str(tmp_path / "here/outputs/model.pt"),
        str(tmp_path / "here/outputs/sub/a.txt"),
    ]
    assert (tmp_path / "here/outputs/sub/a.txt").read_text() == "outputs/sub/a.txt"
    again = wb("run", "download", "@1", "--to", str(tmp_path / "here"), world=world)
    assert again.code == 5
    assert "--overwrite" in again.err
    assert wb("run", "download", "@1", "--to", str(tmp_path / "here"), "--overwrite", world=world).code == 0
    one = wb("run", "download", "@1", "outputs/sub/a.txt", "--to", str(tmp_path / "renamed"), world=world)
    assert one.out == f"{tmp_path / 'renamed'}\n"
    assert wb("run", "download", "@1", "nope", world=world).code == 3


@pytest.mark.parametrize("path", ["outputs/../../evil", "/etc/passwd"])
def test_a_machines_paths_do_not_lead_out(wb: Wb, path: str, tmp_path: Path) -> None:
    world = World(runs__files=[{"path": path, "size": 1}, {"path": "outputs/x", "size": 1}])
    done = wb(
        "run",
        "download",
        "@1",
        path.rpartition("/")[0],
        "outputs/x",
        "--to",
        str(tmp_path / "in"),
        world=world,
    )
    assert done.code == 5
    assert not (tmp_path / "in").exists()


def test_snapshot_is_listed_or_saved(wb: Wb, tmp_path: Path) -> None:
    entries = [
        {"path": "train.py", "kind": "file", "mode": 0o755, "size": 12, "sha256": "ab" * 32},
        {"path": "data", "kind": "link", "mode": 0o644, "target": "../data"},
    ]
    world = World(runs__snapshot=entries)
    assert wb("run", "snapshot", "@1", world=world).out.splitlines()[0] == f"train.py\t12\t{'ab' * 32}\t493"
    assert "0755" in wb("run", "snapshot", "@1", world=world, terminal=TTY).out
    saved = wb("run", "snapshot", "@1", "--to", str(tmp_path / "code.zip"), world=world)
    assert saved.out == f"{tmp_path / 'code.zip'}\n"
    assert (tmp_path / "code.zip").exists()
