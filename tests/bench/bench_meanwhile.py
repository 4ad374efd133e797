"""How long others wait while the local server gives and takes what is long."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.bench_store import long_series
from tests.bench.place import Place, connected, place
from tests.bench.report import Row
from workbench.store.blocking_store import Store
from workbench.workspace import Workspace

POINTS = 500_000
ENTRIES = 60_000
CALLS = 400
LONG = """
import sys
from workbench.workspace import Workspace
run, entries = sys.argv[1], int(sys.argv[2])
with Workspace.open("default", embedded=False) as workspace:
    for _ in range(5):
        if run:
            workspace.call("runs", "points", run=run, name="m0")
        else:
            files = [{"path": f"p{n}", "size": n, "sha256": f"{n:064x}"} for n in range(entries)]
            workspace.call("snapshots", "missing", entries=files)
"""


def run() -> list[Row]:
    """Round trips of a small call: with nothing else, during long answers, during long requests."""
    with place() as where:
        folder = where.home.workspace("default")
        folder.mkdir(mode=0o700, parents=True)
        store = Store.open(folder)
        run_id = long_series(store, POINTS)
        store.close()
        with connected(where) as workspace:
            workspace.call("server", "info")
            quiet = _round_trips(workspace, CALLS)
            answers = _during(where, workspace, run_id)
            requests = _during(where, workspace, "")
    rows = []
    for what, taken in (
        (f"while a series of {POINTS:,} points is fetched", answers),
        (f"while a snapshot of {ENTRIES:,} files is asked about", requests),
    ):
        for name, pick in (("half of the calls", 0.5), ("99 of 100 calls", 0.99)):
            figure, base = _share(taken, pick), _share(quiet, pick)
            rows.append(
                Row(
                    f"a small call {what}, {name} within",
                    figure,
                    "ms",
                    "",
                    f"the same with nothing else: {base:.2g} ms",
                    figure / base,
                )
            )
    return rows


def _round_trips(
    workspace: Workspace, count: int, process: subprocess.Popen[bytes] | None = None
) -> list[float]:
    """ms of small calls: count of them, or for as long as the process lives."""
    taken = []
    while process.poll() is None if process is not None else len(taken) < count:
        began = time.perf_counter()
        workspace.call("compute", "get", name="local")
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _during(where: Place, workspace: Workspace, run_id: str) -> list[float]:
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, run_id, str(ENTRIES)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        return _round_trips(workspace, 0, process)
    finally:
        process.kill()
        process.wait()


def _share(taken: list[float], share: float) -> float:
    return statistics.quantiles(taken, n=100, method="inclusive")[round(share * 100) - 1]
