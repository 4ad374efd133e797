"""The local server: started by the first call, and what it costs while nothing happens."""

from __future__ import annotations

import http.client
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.place import DEADLINE, Place, connected, has_ssh, lives, place, submit, until
from tests.bench.report import Row, mlflow
from tests.machines.rig import descendants, free_port

ROUNDS = 7
IDLE_SECONDS = 20.0


def run() -> list[Row]:
    """Rows of its start and of its memory and CPU when idle with a machine connected."""
    with place() as where:
        starts = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with connected(where) as workspace:
                workspace.call("runs", "list")
            starts.append((time.perf_counter() - began) * 1000)
            where.stop_server()
        start = statistics.median(starts)
        memory, share = _idle(where)
        peer = _mlflow(where.folder)
    started, held = ("mlflow is not installed",) * 2
    ratios: list[float | None] = [None, None]
    if peer is not None:
        started, held = f"mlflow server: {peer[0]:,.0f} ms", f"mlflow server: {peer[1]:,.0f} MB"
        ratios = [start / peer[0], memory / peer[1]]
    return [
        Row("server: start on demand to first answer", start, "ms", "<= 1.0 s", started, ratios[0]),
        Row("server: resident memory, idle, a machine connected", memory, "MB", "<= 80 MB", held, ratios[1]),
        Row("server: CPU, idle, a machine connected", share, "% of a core", "", "none"),
    ]


def _idle(where: Place) -> tuple[float, float]:
    """MB resident and percent of a core, after a run on an ssh machine where there is one."""
    with connected(where) as workspace:
        target = "local"
        if has_ssh():
            target = where.attach(workspace)
        else:
            changes = {"root": str(where.root), "lease_dir": str(where.machine / "lease")}
            workspace.call("compute", "set", name="local", changes=changes)
        run = submit(workspace, target, ["echo", "hello"])
        until(lambda: workspace.call("runs", "get", run=run["id"])["status"] == "Completed", "the run")
        pid = where.server_pid()
        assert pid is not None
        time.sleep(3)
        before, began = _cpu(pid), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (_cpu(pid) - before) / (time.monotonic() - began) * 100
        return _resident(pid), share


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    """MB resident; 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:")), 0.0)


def _mlflow(folder: Path) -> tuple[float, float] | None:
    """Milliseconds until `mlflow server` answers, and MB resident of all its processes."""
    peer = mlflow()
    if peer is None:
        return None
    port = free_port()
    words = [peer[0], "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
             "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "art")]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            if time.perf_counter() - began > DEADLINE or process.poll() is not None:
                sys.stderr.write("mlflow server did not start\n")
                return None
            time.sleep(0.02)
        took = (time.perf_counter() - began) * 1000
        time.sleep(5)  # its workers come up one after the other
        return took, sum(_resident(pid) for pid in [process.pid, *descendants(process.pid)])
    finally:
        below = descendants(process.pid)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in below:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
