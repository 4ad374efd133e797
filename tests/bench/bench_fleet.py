"""Hundreds of machines in one server: what watching them costs it, beside what their messages cost alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.bench_server import _cpu, _resident
from tests.bench.fleet_machines import GPUS, PROCESSES, messages
from tests.bench.place import DEADLINE
from tests.bench.report import Row
from workbench.compute.samples import State
from workbench.entities.merge_patch import merged
from workbench.entities.target import Target, TargetKind
from workbench.home import find_home, private_folder
from workbench.store.blocking_store import Store
from workbench.store.fleet import targets
from workbench.workspace import Workspace

MANY = 200
SECONDS = 20.0


def run() -> list[Row]:
    """CPU, memory and bytes of a server whose 200 machines somebody watches once a second, and of one with 20."""
    alone = _merging(MANY)
    few, many = _watched(MANY // 10), _watched(MANY)
    what = f"{MANY} machines of {GPUS} GPUs and {PROCESSES} processes"
    return [
        Row(
            f"server: {what} watched at 1 Hz, CPU",
            many["cpu"],
            "% of a core",
            "<= 15 % of a core",
            f"parsing and merging their messages alone: {alone:.1f} %",
            many["cpu"] / alone,
            "scripted links: all but SSH itself",
        ),
        Row(
            f"server: the same with {MANY // 10} machines, CPU",
            few["cpu"],
            "% of a core",
            "",
            f"with {MANY}: {many['cpu']:.1f} %",
            few["cpu"] / many["cpu"],
        ),
        Row(
            f"server: {what} watched at 1 Hz, resident memory",
            many["memory"],
            "MB",
            "<= 150 MB",
            f"before anybody watched: {many['before']:.0f} MB",
            many["memory"] / many["before"],
        ),
        Row(
            f"server: {what} that nobody looks at but that are connected, CPU",
            many["unseen"],
            "% of a core",
            "",
            f"watched: {many['cpu']:.1f} %",
            many["unseen"] / many["cpu"],
        ),
        Row(
            f"compute.watch of {what}: bytes a second to a dashboard",
            many["bytes"] / 1000,
            "KB/s",
            "",
            f"all views whole: {many['whole'] / 1000:,.0f} KB",
            many["bytes"] / many["whole"],
        ),
    ]


def _merging(count: int) -> float:
    """Percent of a core that JSON and merging of so many machines' messages take at 1 Hz."""
    said = messages(30)
    states = [State() for _ in range(count)]
    for state in states:
        state.apply(json.loads(said[0]))
    began = time.process_time()
    for message in said[1:]:
        for state in states:
            state.apply(json.loads(message))
    return (time.process_time() - began) / (len(said) - 1) * 100


def _watched(count: int) -> dict[str, float]:
    """What the server of so many machines takes; by name."""
    with _served(count) as (workspace, pid):
        workspace.call("server", "info")
        found = {"before": _resident(pid)}
        stream = workspace.items("compute", "watch", looking="visible")
        face = _Face(count)
        for item in stream:
            face.take(item)
            if face.complete:
                break
        found["whole"] = float(len(json.dumps(face.machines)))
        before, face.size, began = _cpu(pid), 0, time.monotonic()
        for item in stream:
            face.take(item)
            if time.monotonic() - began > SECONDS:
                break
        lasted = time.monotonic() - began
        found["cpu"], found["bytes"] = (_cpu(pid) - before) / lasted * 100, face.size / lasted
        found["memory"] = _resident(pid)
        stream.close()
        time.sleep(6)  # the last samples of those who were asked more often
        before, began = _cpu(pid), time.monotonic()
        time.sleep(SECONDS)
        found["unseen"] = (_cpu(pid) - before) / (time.monotonic() - began) * 100
        return found


class _Face:
    """What a face does with the stream."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.machines: dict[str, Any] = {}
        self.size = 0

    def take(self, item: dict[str, Any]) -> None:
        self.size += len(json.dumps(item, separators=(",", ":")))
        self.machines.update(item.get("machines", {}))
        for name, patch in item.get("patch", {}).items():
            self.machines[name] = merged(self.machines.get(name, {}), patch)

    @property
    def complete(self) -> bool:
        fresh = [view for view in self.machines.values() if view["freshness"] == "fresh"]
        return len(fresh) > self._count


@contextmanager
def _served(count: int) -> Iterator[tuple[Workspace, int]]:
    """A server with so many scripted machines, and this one."""
    with tempfile.TemporaryDirectory(prefix="wbb-") as folder:
        environ = {**os.environ, "WORKBENCH_HOME": str(private_folder(Path(folder) / "home"))}
        home = find_home(environ)
        place = home.workspace("default")
        place.mkdir(mode=0o700, parents=True)
        store = Store.open(place)
        for number in range(count):
            machine = Target(name=f"gpu{number:03}", kind=TargetKind.SSH, created=datetime.now(UTC))
            store.write(targets.put, machine)
        store.close()
        server = subprocess.Popen([sys.executable, "-m", "tests.bench.fleet_server"], env=environ)
        try:
            deadline = time.monotonic() + DEADLINE
            while not home.socket.exists():
                if time.monotonic() > deadline or server.poll() is not None:
                    raise TimeoutError("the server does not start")
                time.sleep(0.05)
            with Workspace.open("default", embedded=False, home=home) as workspace:
                yield workspace, server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
