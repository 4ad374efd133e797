"""What an environment costs: a run in one that is ready, and building one whose packages the machine has."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.place import place, quiet, until
from tests.bench.report import Row, full
from workbench.workspace import Workspace

PACKAGE = "numpy"


def run() -> list[Row]:
    """Start-up in a ready environment beside the target's python; a warm build beside venv and pip."""
    with place() as where, Workspace.open("default", embedded=False, home=where.home) as workspace:
        target = where.attach(workspace)
        definition = {"kind": "requirements", "requirements": f"{PACKAGE}\n"}
        made = workspace.call("environments", "register", name="bench", definition=definition)
        cold, first = _timed(lambda: _build(workspace, target))
        warm = []
        for _ in range(5):
            shutil.rmtree(where.root / "environments" / first["key"])
            warm.append(_timed(lambda: _build(workspace, target))[0])
        pip = _by_pip(where.folder, f"{PACKAGE}=={first['packages'][PACKAGE]}")
        name = f"{made['name']}:{made['version']}"
        bare, inside = [], []
        for _ in range(20 if full() else 9):
            bare.append(_run(workspace, target, None))
            inside.append(_run(workspace, target, name))
    plain, ready, built = statistics.median(bare), statistics.median(inside), statistics.median(warm)
    return [
        Row("a run in a ready environment: submit to its end", ready * 1000, "ms", "<= 1.5 x",
            f"with the machine's own python: {plain * 1000:.0f} ms", ready / plain),
        Row(f"an environment with {PACKAGE} built, packages in its cache, bytecode included", built, "s", "<= 0.5 x",
            f"python -m venv + pip install, its cache warm: {pip:.1f} s", built / pip,
            f"the first time, uv sent and {PACKAGE} fetched: {cold:.1f} s"),
    ]  # fmt: skip


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    found = work()
    return time.monotonic() - began, found


def _build(workspace: Workspace, target: str) -> Any:
    """Have it ready there."""
    items = workspace.items("environment_builds", "build", environment="bench", target=target)
    (made,) = (item["build"] for item in items if "build" in item)
    return made


def _run(workspace: Workspace, target: str, environment: str | None) -> float:
    """Seconds from a submit to the end of a run that does nothing."""
    began = time.monotonic()
    asked = workspace.configure(
        command=["python", "-c", "pass"], code=None, target=target, environment=environment
    )
    run = workspace.submit(asked)
    until(lambda: workspace.call("runs", "get", run=run["id"])["status"] == "Completed", "the run")
    return time.monotonic() - began


def _by_pip(folder: Path, package: str) -> float:
    """Seconds venv and pip take for the same, the second time."""
    seconds = 0.0
    for number in range(2):
        began = time.monotonic()
        there = folder / f"venv-{number}"
        quiet([sys.executable, "-m", "venv", str(there)])
        quiet([str(there / "bin/python"), "-m", "pip", "install", "-q", package])
        seconds = time.monotonic() - began
    return seconds
