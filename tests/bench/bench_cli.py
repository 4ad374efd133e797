"""How long the user waits for the command line itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.place import connected, place
from tests.bench.report import Row, alternate, mlflow

ROUNDS = 15


def run() -> list[Row]:
    """Rows of commands that do little, beside a python that does nothing."""
    script = Path(sys.executable).with_name("wb")
    if not script.exists():
        return [Row("wb --help", None, "ms", "<= 6 x", f"wb is not installed beside {sys.executable}")]
    with place() as where, connected(where) as workspace:
        workspace.call("runs", "list")  # the server is up
        wb = str(script)
        measures: list[Callable[[], float]] = [
            lambda: _timed([sys.executable, "-c", "pass"]),
            lambda: _timed([wb, "--help"]),
            lambda: _timed([wb, "ps"]),
        ]
        peer = mlflow()
        bare, helped, listed = alternate(measures, ROUNDS)
        version = None
        if peer is not None:
            theirs = [str(Path(peer[0]).with_name("mlflow")), "--version"]
            (version,) = alternate([lambda: _timed(theirs)], 3)
    reference = f"python -c pass: {bare:.0f} ms"
    note = "mlflow is not installed" if version is None else f"mlflow --version: {version:,.0f} ms"
    return [
        Row("wb --help", helped, "ms", "<= 6 x", reference, helped / bare, note),
        Row("wb ps, the server being up", listed, "ms", "<= 10 x", reference, listed / bare),
    ]


def _timed(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000
