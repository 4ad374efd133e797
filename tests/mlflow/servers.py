"""The environment of a run beside our endpoint, and beside MLflow's own server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

DEADLINE = 120.0
OURS = """
import json, sys
from workbench.remote.mlflow_api.endpoint import MlflowEndpoint
endpoint = MlflowEndpoint(sys.argv[1], json.loads(sys.argv[2]))
endpoint.start()
print(json.dumps(endpoint.environment()), flush=True)
sys.stdin.read()
endpoint.finish(1.0)
"""


@contextlib.contextmanager
def ours(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a run with our endpoint beside it."""
    (folder / "outputs").mkdir()
    spec = {"run": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "experiment": "cifar", "name": "calm-otter-1"}
    argv = [sys.executable, "-c", OURS, str(folder), json.dumps(spec)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told: dict[str, str] = json.loads(process.stdout.readline())
        yield {**told, "MLFLOW_RUN_ID": str(spec["run"]), "MLFLOW_EXPERIMENT_ID": "0"}
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@contextlib.contextmanager
def theirs(folder: Path, python: str) -> Iterator[dict[str, str]]:
    """The environment of a run at MLflow's own server."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    where = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "a")]
    argv = [python, "-m", "mlflow", "server", *store, "--port", str(port), "--workers", "1"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True, cwd=folder)
    try:
        until = time.monotonic() + DEADLINE
        while True:
            try:
                urllib.request.urlopen(where + "/health", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < until, (folder / "log").read_text()
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        body = json.dumps({"experiment_id": "0", "run_name": "calm-otter-1"}).encode()
        ask = urllib.request.Request(
            f"{where}/api/2.0/mlflow/runs/create", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(ask, timeout=60) as answer:
            run = json.load(answer)["run"]["info"]["run_id"]
        yield {"MLFLOW_TRACKING_URI": where, "MLFLOW_RUN_ID": run, "MLFLOW_EXPERIMENT_ID": "0"}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
