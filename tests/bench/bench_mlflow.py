"""MLflow's client at a run's endpoint and at `mlflow server` (one worker, SQLite): the same calls, in turn."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.report import Row, mlflow
from tests.mlflow.servers import ours, theirs

# Prints the median milliseconds of each kind of call.
CALLS = """
import json, os, statistics, sys, tempfile, time
from mlflow import MlflowClient
from mlflow.entities import Metric

client, run, here = MlflowClient(), os.environ["MLFLOW_RUN_ID"], [os.environ["MLFLOW_EXPERIMENT_ID"]]
found = {}

def measure(what, action, times):
    taken = []
    for n in range(times):
        start = time.perf_counter()
        action(n)
        taken.append((time.perf_counter() - start) * 1e3)
    found[what] = statistics.median(taken)

def child(n):
    one = client.create_run(here[0], run_name="child %d" % n, tags={"mlflow.parentRunId": run}).info.run_id
    client.set_terminated(one)

def batch(n):
    client.log_batch(run, metrics=[Metric("series", 0.5, 1700000000000 + s, s) for s in range(n * 1000, n * 1000 + 1000)])

measure("log_metric", lambda n: client.log_metric(run, "loss", 0.5, step=n), 300)
measure("log_param", lambda n: client.log_param(run, "p%d" % n, n), 50)
measure("log_batch", batch, 50)
measure("history", lambda n: client.get_metric_history(run, "series"), 3)
measure("get_run", lambda n: client.get_run(run), 50)
measure("child", child, 50)
measure("search", lambda n: client.search_runs(here, "tags.mlflow.parentRunId = '%s'" % run), 5)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.bin")
    with open(path, "wb") as opened:
        opened.write(os.urandom(1 << 20) * 32)
    measure("log_artifact", lambda n: client.log_artifact(run, path), 3)
json.dump(found, sys.stdout)
"""
ROWS = (
    ("log_metric", "log_metric, synchronous"),
    ("log_param", "log_param"),
    ("log_batch", "log_batch of 1,000 metrics"),
    ("history", "get_metric_history, 50,000 points"),
    ("get_run", "get_run"),
    ("child", "a nested run, begun and ended"),
    ("search", "search_runs, 50 children"),
    ("log_artifact", "log_artifact, 32 MB"),
)


def _measured(python: str, variables: dict[str, str], folder: Path) -> dict[str, Any]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")}
    environment = {**kept, **variables, "HOME": str(folder), "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    done = subprocess.run([python, "-c", CALLS], env=environment, cwd=folder, check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run() -> list[Row]:
    """Rows of calls of MLflow's client; none without it."""
    known = mlflow()
    if known is None:
        return [Row("log_metric at a run's endpoint", None, "ms", "", "mlflow is not installed")]
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        with ours(Path(here)) as variables:
            mine = _measured(known[0], variables, Path(here))
        with theirs(Path(there), known[0]) as variables:
            other = _measured(known[0], variables, Path(there))
    rows = []
    for key, what in ROWS:
        reference = f"mlflow server {known[1]} {other[key]:.2f} ms"
        rows.append(Row(f"MLflow's {what}", mine[key], "ms", "", reference, mine[key] / other[key]))
    return rows
