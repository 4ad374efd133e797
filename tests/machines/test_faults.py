"""Faults of machines and of this one, as the user meets them through the product: clear words, nothing lost."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.rig import MakeServer
from tests.machines.settled import settled
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

LOGGER = """\
import os, sys, time
from workbench import Run
run = Run.get_context()
for step in range(int(sys.argv[1])):
    run.log("loss", step, step=step)
    print("line", step, "x" * 200, flush=True)
    while step == 20 and not os.path.exists(sys.argv[2]):
        time.sleep(0.05)
"""


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own at place; only root can have one."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "small", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = f"a small disk cannot be mounted here: {done.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free; the file to remove for room."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise
    return ballast


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small source tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(LOGGER)
    return folder


@pytest.fixture
def local(wb: Wb, tmp_path: Path) -> Wb:
    """A user of this machine; runs in tmp_path."""
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    return wb


@pytest.fixture(params=["local", "ssh"])
def small_machine(
    request: pytest.FixtureRequest, wb: Wb, tmp_path: Path, make_server: MakeServer
) -> Iterator[Path]:
    """A machine with a small disk for its runs, this one or over SSH: the payload and some megabytes fit."""
    with small_disk(tmp_path / "small", "8m") as place:
        if request.param == "ssh":
            attach(wb, make_server(), "--root", str(place / "root"))
        else:
            wb("compute", "set", "local", f"root={place / 'root'}", f"lease_dir={tmp_path / 'lease'}")
        yield place
        wb.close()


def test_a_run_that_fills_the_machines_disk(wb: Wb, small_machine: Path, project: Path) -> None:
    """trap 16: the command's exit code is recorded, and the cause is told in words."""
    command = "head -c 20000000 /dev/zero | tr '\\0' x; exit 5"
    done = wb.run("submit", "--wait", "--", command, cwd=project)
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert "full" in done.stderr
    run = wb.show("@1")
    assert (run["status"], run["cause"], run["exit_code"]) == ("Failed", "disk_full", 5)


def test_a_submit_to_a_machine_without_room(wb: Wb, small_machine: Path, project: Path) -> None:
    """trap 16: said so at once; with room the same command works."""
    wb("submit", "--wait", "--", "true", cwd=project)
    ballast = fill(small_machine)
    (project / "weights.bin").write_bytes(os.urandom(1 << 20))
    failed = wb.run("submit", "--wait", "--", "true", cwd=project)
    assert failed.returncode == 1
    assert "disk" in failed.stderr
    assert "full" in failed.stderr
    assert wb.show("@1")["status"] == "Failed"
    ballast.unlink()
    wb("submit", "--wait", "--", "true", cwd=project)


def test_a_full_disk_here_loses_nothing(wb: Wb, tmp_path: Path, project: Path) -> None:
    """The run goes on; what it wrote is fetched when there is room again, each byte and metric once."""
    with small_disk(wb.folder, "6m"):
        wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
        go = tmp_path / "go"
        run = wb("submit", "--", "python", "train.py", "3000", str(go), cwd=project).split()[0]
        wb.until(lambda: wb("logs", run).count("\n") >= 20, "the first lines")
        follower = wb.start("logs", run, "-f")
        ballast = fill(wb.folder)
        go.touch()
        refused = wb.run("submit", "--", "true", cwd=project)
        assert refused.returncode == 1
        assert "disk full" in refused.stderr
        assert "hint" in refused.stderr
        status = tmp_path / "root" / "runs" / run / "status.json"
        wb.until(lambda: '"Completed"' in status.read_text(), "the run to end on its machine")
        assert wb("logs", run).count("\n") < 3000
        ballast.unlink()
        assert wb.wait(run)["status"] == "Completed"
        whole = "".join(f"line {step} {'x' * 200}\n" for step in range(3000))
        assert wb("logs", run) == whole
        assert follower.communicate(timeout=60)[0].decode() == whole
        points = wb.json("run", "metrics", run, "loss", "--limit", "100000")
        assert [point["step"] for point in points] == list(range(3000))
        wb.close()


RC = {
    "tcsh": 'echo "WELCOME to the machine"\nsleep 0.4\n',
    "fish": 'echo "WELCOME to the machine"\nsleep 0.4\n',
    "bash": 'echo "WELCOME to the machine"; echo oops >&2; sleep 0.4\n',
}


@pytest.mark.parametrize("shell", RC)
def test_noisy_and_slow_login_shells(shell: str, wb: Wb, make_server: MakeServer, project: Path) -> None:
    """Named at attach, and in nobody's way."""
    server = make_server(shell=shell, rc=RC[shell])
    words = ["--root", str(server.home / "wb"), "--set", f"ssh_config={server.ssh_config}",
             "--set", f"lease_dir={server.home / 'lease'}"]  # fmt: skip
    attached = wb.run("compute", "attach", server.name, *words)
    assert attached.returncode == 0, attached.stderr
    told = attached.stdout + attached.stderr
    assert "WELCOME" in told
    assert "start-up files take" in told
    run = wb("submit", "--wait", "--", "echo $0 'and' \"more\"; echo $((1 + 1))", cwd=project).split()[0]
    assert wb("logs", run).splitlines()[-1] == "2"
    assert "WELCOME" not in wb("logs", run)


def test_a_name_that_exists(wb: Wb, make_server: MakeServer) -> None:
    server = make_server()
    attach(wb, server)
    before = wb.json("compute", "show", server.name)
    again = wb.run("compute", "attach", server.name, "--set", f"ssh_config={server.ssh_config}")
    assert again.returncode == 5
    assert server.name in again.stderr
    assert "hint" in again.stderr
    assert wb.json("compute", "show", server.name) == before
