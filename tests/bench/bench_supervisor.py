"""What a run costs its machine while its command says nothing: guard and supervisor."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.bench.place import place, submit, until
from tests.bench.report import Row, full
from workbench.workspace import Workspace

SECONDS = 20.0
SETTLING = 5.0
"""Seconds after the start that are not counted: the processes of a young run are looked at more often."""


def run() -> list[Row]:
    """CPU share and memory of both processes of one run, and of a python that only sleeps."""
    with place() as where, Workspace.open("default", embedded=False, home=where.home) as workspace:
        changes = {"root": str(where.root), "lease_dir": str(where.machine / "lease")}
        workspace.call("compute", "set", name="local", changes=changes)
        made = submit(workspace, "local", ["sleep", "600"])
        status_file = where.root / "runs" / made["id"] / "status.json"
        until(lambda: _state(status_file) == "Running", "the run to start")
        status = json.loads(status_file.read_text())
        pids = [int(status[name]["pid"]) for name in ("guard", "supervisor")]
        sleeper = subprocess.Popen(["python3", "-I", "-S", "-c", "import time; time.sleep(600)"])
        try:
            time.sleep(SETTLING)
            before, began = _cpu(pids), time.monotonic()
            time.sleep(60.0 if full() else SECONDS)
            share = (_cpu(pids) - before) / (time.monotonic() - began) * 100
            own = sum(_memory(pid, "Pss") for pid in pids)
            resident = [_memory(pid, "Rss") for pid in pids]
            bare = _memory(sleeper.pid, "Rss")
        finally:
            sleeper.kill()
            sleeper.wait()
            workspace.call("runs", "cancel", run=made["id"], grace=1.0)
            until(lambda: workspace.call("runs", "get", run=made["id"])["status"] == "Canceled", "its end")
    reference = f"python3 that sleeps: {bare:.1f} MB"
    return [
        Row("guard and supervisor of an idle run: CPU", share, "% of a core", "<= 0.1 %", "none"),
        Row("guard and supervisor together: memory (PSS)", own, "MB", "<= 15 MB", reference, own / bare),
        Row("supervisor alone: resident memory", resident[1], "MB", "<= 15 MB", reference,
            resident[1] / bare, f"its guard: {resident[0]:.1f} MB, mostly the same pages"),
    ]  # fmt: skip


def _state(file: Path) -> Any:
    try:
        return json.loads(file.read_text())["transitions"][-1]["state"]
    except FileNotFoundError:
        return None


def _cpu(pids: list[int]) -> float:
    """Seconds of CPU the processes have used; to the nanosecond where the kernel says it."""
    total = 0.0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _memory(pid: int, name: str) -> float:
    """MB of one line of smaps_rollup."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1000
    return 0.0
