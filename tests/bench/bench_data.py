"""Data of runs: what a dataset in a machine's cache costs, bringing one, and one that is cut half way."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.place import NO_SSH, Place, connected, has_ssh, place, quiet, until
from tests.bench.report import Row, alternate, full
from workbench.entities.base import replace
from workbench.entities.configuration import DataInput
from workbench.workspace import Workspace

FILES = 10_000
SIZE = 4096  # bytes of each
ROUNDS = 5
MB = 1 << 20
HIT = f"a dataset of {FILES:,} files in the machine's cache: what a run waits longer for its first output"


def run() -> list[Row]:
    """Rows; everything below one temporary folder."""
    if not has_ssh():
        return [Row(HIT, None, "ms", "<= 1,000 ms", NO_SSH)]
    with place() as where, connected(where) as workspace:
        target = where.attach(workspace)
        rows = [_hit(where, workspace, target), _brought(where, workspace, target)]
        return [*rows, _cut(where, workspace, target, 2048 if full() else 256)]


def submit(workspace: Workspace, target: str, data: Path | None, command: str = "echo hello") -> Any:
    """A run that reads data."""
    asked = replace(workspace.configure(command="true", target=target), command=command)
    if data is not None:
        kind = "uri_folder" if data.is_dir() else "uri_file"
        asked = replace(asked, data_inputs={"x": DataInput(path=str(data), type=kind)})
    return workspace.submit(asked)


def _until_output(workspace: Workspace, target: str, data: Path | None) -> float:
    """Milliseconds from the command given to the first byte the run wrote."""
    began, seen = time.perf_counter(), 0.0
    run = submit(workspace, target, data)
    for item in workspace.items("runs", "follow", run=run["id"]):
        if "log" in item and not seen:
            seen = (time.perf_counter() - began) * 1000
    assert seen, "the run wrote nothing"
    return seen


def _hit(where: Place, workspace: Workspace, target: str) -> Row:
    folder = where.folder / "many"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.bin").write_bytes(os.urandom(SIZE))
    for _ in range(2):
        _until_output(workspace, target, folder)
        time.sleep(2.2)  # what was hashed is settled: younger files are read again
    with_data, without = alternate(
        [
            lambda: _until_output(workspace, target, folder),
            lambda: _until_output(workspace, target, None),
        ],
        ROUNDS,
    )
    told = f"the same run without data: {without:.0f} ms"
    return Row(
        HIT, with_data - without, "ms", "<= 1,000 ms", told, None, "each file is looked at on both sides"
    )


def _brought(where: Place, workspace: Workspace, target: str) -> Row:
    big = where.folder / "big.bin"
    size = 512 * MB
    _write(big, size)
    began = time.perf_counter()
    _wait(workspace, submit(workspace, target, big, "true"))
    seconds = time.perf_counter() - began
    what = f"a file of {size // MB} MB from here to a run: submit to the run's end"
    reference, ratio = "rsync is not installed", None
    if shutil.which("rsync"):
        began = time.perf_counter()
        quiet(["rsync", "-a", "-e", f"ssh -F {where.sshd.ssh_config}", str(big), "m1:copy.bin"])
        theirs = time.perf_counter() - began
        reference, ratio = f"rsync -a: {theirs:.1f} s", seconds / theirs
    note = f"{size / MB / seconds:.0f} MB/s; read and hashed here, sent, hashed there"
    return Row(what, round(seconds, 1), "s", "", reference, ratio, note)


def _cut(where: Place, workspace: Workspace, target: str, megabytes: int) -> Row:
    """Every connection of the machine is killed when about half has arrived."""
    big = where.folder / "cut.bin"
    _write(big, megabytes * MB)
    partials = where.root / "data/files"

    def arrived() -> int:
        return sum(path.stat().st_size for path in partials.glob("*/*.partial"))

    def cut() -> None:
        until(lambda: arrived() > megabytes * MB // 2, "half of it to arrive")
        kept.append(arrived())
        where.sshd.drop_sessions()

    kept: list[int] = []
    cutting = threading.Thread(target=cut)
    run = submit(workspace, target, big, "sha256sum < ${{inputs.x}}")
    cutting.start()
    _wait(workspace, run)
    cutting.join()
    data = workspace.call("runs", "data", run=run["id"])[0]
    again = data["sent"] - (megabytes * MB - kept[0])
    what = f"a file of {megabytes} MB whose connection is cut half way: bytes that were sent twice"
    return Row(what, max(0, again), "B", f"<= {16 * MB:,} B", "", None, "what was on its way when it was cut")


def _wait(workspace: Workspace, run: Any) -> None:
    until(
        lambda: workspace.call("runs", "get", run=run["id"])["status"] in ("Completed", "Failed"),
        "the run to end",
    )
    found = workspace.call("runs", "get", run=run["id"])
    assert found["status"] == "Completed", found.get("message")


def _write(path: Path, size: int) -> None:
    with open(path, "wb") as file:
        for _ in range(size // MB):
            file.write(os.urandom(MB))
