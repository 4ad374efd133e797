"""Submitting: from the command given to the run's first output here, and what an edit costs on the wire."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.bench_snapshots import plant
from tests.bench.place import NO_SSH, Place, connected, has_ssh, place, quiet, submit, until
from tests.bench.report import Row, alternate, full
from workbench.workspace import Workspace

FILES = 1999  # and an ignore file
ROUNDS = 9
WHAT = "submit, warm connection, 2,000 unchanged files: command given to first output"
BUDGET = "<= 400 ms"


def run() -> list[Row]:
    """Rows of both; everything below one temporary folder."""
    if not has_ssh():
        return [Row(WHAT, None, "ms", BUDGET, NO_SSH)]
    with place() as where, connected(where) as workspace:
        rows = _first_output(where, workspace)
        sizes = [100, 1000] if full() else [100]
        return [*rows, *(_edited(where, workspace, megabytes) for megabytes in sizes)]


def _first_output(where: Place, workspace: Workspace) -> list[Row]:
    tree = where.folder / "tree"
    plant(tree, FILES, 2300)
    target = where.attach(workspace)
    for _ in range(2):  # its contents are there, the stat cache is settled, the payload compiled
        _until_output(workspace, target, tree)
        time.sleep(2.2)

    def ours() -> float:
        return _until_output(workspace, target, tree)

    copies = (where.folder / f"plain{number}" for number in range(ROUNDS))
    measures: list[Callable[[], float]] = [
        ours,
        lambda: _timed(where.ssh("echo", "hello")),
        lambda: _timed(["cp", "-r", str(tree), str(next(copies))]),
    ]
    if shutil.which("rsync"):
        rsync = ["rsync", "-a", "-e", f"ssh -F {where.sshd.ssh_config}", f"{tree}/", "m1:copy"]
        quiet(rsync)
        measures.append(lambda: _timed(rsync))
    mine, ssh, copy, *other = alternate(measures, ROUNDS)
    note = f"in a code folder of its own (cp -r of the tree: {copy:.0f} ms; rsync makes none)"
    if not other:
        return [Row(WHAT, mine, "ms", BUDGET, "rsync is not installed", None, note)]
    theirs = other[0] + ssh
    reference = f"rsync -a again {other[0]:.0f} ms + ssh host cmd {ssh:.0f} ms"
    return [Row(WHAT, mine, "ms", BUDGET, reference, mine / theirs, note)]


def _until_output(workspace: Workspace, target: str, tree: Path) -> float:
    """Milliseconds from the command given to the first byte the run wrote."""
    began = time.perf_counter()
    run = submit(workspace, target, ["echo", "hello"], tree)
    seen = 0.0
    for item in workspace.items("runs", "follow", run=run["id"]):
        if "log" in item and not seen:
            seen = (time.perf_counter() - began) * 1000
    assert seen, "the run wrote nothing"
    return seen


def _timed(argv: list[str]) -> float:
    began = time.perf_counter()
    quiet(argv)
    return (time.perf_counter() - began) * 1000


def _edited(where: Place, workspace: Workspace, megabytes: int) -> Row:
    """The bytes of all packets to the machine, from the submit after an edit to the end of its run."""
    tree = where.folder / f"tree{megabytes}"
    plant(tree, FILES, megabytes * 1_000_000 // FILES)
    with _Counter(where.sshd.port) as counter:
        where.sshd.write_client_files(counter.port)
        name = f"counted{megabytes}"
        settings = {"address": "m1", "ssh_config": str(where.sshd.ssh_config), "root": str(where.root),
                    "lease_dir": str(where.machine / "lease")}  # fmt: skip
        workspace.call("compute", "attach", name=name, kind="ssh", settings=settings)
        _run_to_the_end(workspace, name, tree)
        edited = tree / "pkg7/module_7.py"
        edited.write_bytes(edited.read_bytes() + b"edited = True\n")
        before = counter.sent
        _run_to_the_end(workspace, name, tree)
        sent = counter.sent - before
        workspace.call("compute", "detach", name=name)
    where.sshd.write_client_files()
    size = edited.stat().st_size
    reference, ratio = _rsync_bytes(where, tree, edited)
    return Row(
        f"bytes sent by a submit after one edited file in a tree of {megabytes} MB",
        sent,
        "B",
        f"that file + 16 KB: {size + 16384:,} B",
        reference if ratio is None else f"rsync -a: {reference}",
        sent / ratio if ratio else None,
        "on the wire, encrypted, following the run included; rsync's figure is its own, without ssh",
    )


def _run_to_the_end(workspace: Workspace, target: str, tree: Path) -> None:
    run = submit(workspace, target, ["true"], tree)
    until(lambda: workspace.call("runs", "get", run=run["id"])["status"] == "Completed", "the run to end")


def _rsync_bytes(where: Place, tree: Path, edited: Path) -> tuple[str, int | None]:
    if not shutil.which("rsync"):
        return "rsync is not installed", None
    words = ["rsync", "-a", "--stats", "-e", f"ssh -F {where.sshd.ssh_config}", f"{tree}/", f"m1:{tree.name}"]
    quiet(words)
    edited.write_bytes(edited.read_bytes() + b"again = True\n")
    environ = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=environ).stdout.decode()
    line = next(line for line in done.splitlines() if line.startswith("Total bytes sent"))
    sent = int(line.rpartition(":")[2].replace(",", ""))
    return f"{sent:,} B", sent


class _Counter:
    """A TCP link to a loopback port that counts the bytes sent to it."""

    def __init__(self, upstream: int) -> None:
        self.sent = 0
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> _Counter:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._sockets:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed: the measuring is over
            far = socket.create_connection(("127.0.0.1", self._upstream))
            self._sockets += [near, far]
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while block := source.recv(1 << 18):
                self.sent += len(block) if counted else 0
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # one end went away, or the measuring is over
