"""The whole dashboard on a terminal, over a real server whose store holds as many runs as wanted."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pyte import Screen

from tests.bench.bench_store import fill_runs
from tests.bench.key_latency import ListOnScreen
from tests.bench.place import Place, connected, lives, place
from tests.terminal.latency import TimedProgram
from workbench.home import private_folder
from workbench.store.blocking_store import Store
from workbench.workspace import Workspace

Condition = Callable[[Screen], bool]
WIDE, HIGH = 120, 40
NEWEST = ListOnScreen(4, 17)
"""The list of all runs: two lines of the frame, the list's header, the one experiment's, the rows."""
SLOW = {"SSH_TTY": "/dev/pts/9", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}


@contextlib.contextmanager
def many_runs(count: int) -> Iterator[tuple[Place, Workspace]]:
    """A place whose store holds so many runs, and its server."""
    with place() as where:
        store = Store.open(private_folder(where.home.workspace("default")))
        fill_runs(store, 1, count)
        store.close()
        with connected(where) as workspace:
            workspace.call("runs", "list", limit=1)  # the server is up
            changes = {"root": str(where.root), "lease_dir": str(where.machine / "lease")}
            workspace.call("compute", "set", name="local", changes=changes)
            yield where, workspace


def wb() -> str:
    """The command as it is installed beside this interpreter."""
    return str(Path(sys.executable).with_name("wb"))


def opened(where: Place, *words: str, slow: bool = False, rows: int = HIGH) -> TimedProgram:
    """The dashboard of a place, at a location if one is given. slow: as over SSH."""
    environment: dict[str, str | None] = dict.fromkeys((*SLOW, "SSH_CLIENT", "NO_COLOR"))
    return TimedProgram([wb(), *words], WIDE, rows, environment | (SLOW if slow else {}))


def shows(text: str) -> Condition:
    """A condition: a text stands anywhere on the screen."""
    return lambda screen: any(text in line for line in screen.display)


@contextlib.contextmanager
def changing(where: Place, rate: int) -> Iterator[None]:
    """Runs that change meanwhile, so many a second, one after the other of those in view."""
    argv = [sys.executable, "-m", "tests.bench.changing_runs", str(where.home.root), str(rate), "30"]
    process = subprocess.Popen(argv)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def resident(pid: int) -> float:
    """MB of a process in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used."""
    assert lives(pid)
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
