"""A run's script logs to the MLflow endpoint that its companion carries. With MLflow itself: tests/mlflow."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from typing import Any

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.test_run_logs_read import companions, gate, records

__all__ = ["ground", "untagged"]

# Logs as MLflow's client does, which tries again while nobody answers; then waits for a file before the next.
SCRIPT = """
import json, os, sys, time, urllib.error, urllib.request

def log(step):
    told = {"run_id": os.environ["WORKBENCH_RUN_ID"], "key": "loss", "value": 0.5, "timestamp": 1, "step": step}
    ask = urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric", json.dumps(told).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
    while True:
        try:
            return urllib.request.urlopen(ask, timeout=30).read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)

for step, wait in enumerate(sys.argv[1:]):
    log(step)
    while wait != "-" and not os.path.exists(wait):
        time.sleep(0.02)
"""


def script(*waits: str) -> str:
    return shlex.join([sys.executable, "-c", SCRIPT, *waits])


def steps(ground: Ground, run: str) -> list[int]:
    return sorted(record["s"] for record in records(ground, run))


def told(ground: Ground, run: str) -> dict[str, str]:
    """What a run wrote of its environment."""
    found: dict[str, str] = json.loads(ground.path(run, "outputs/environment").read_text())
    return found


TELL = shlex.join(
    [sys.executable, "-c", "import json, os; json.dump(dict(os.environ), open('outputs/environment', 'w'))"]
)


def test_what_a_script_logs_to_mlflow_is_the_runs(ground: Ground) -> None:
    run = ground.submit(script("-", "-", "-"), mlflow=True)
    status = ground.wait(run)
    assert status["transitions"][-1]["state"] == "Completed"
    assert steps(ground, run) == [0, 1, 2]


def test_a_killed_endpoint_costs_a_wait(ground: Ground) -> None:
    """The script finds another at the same address, with the same token."""
    go = gate(ground, "go")
    run = ground.submit(script(str(go), "-"), mlflow=True)
    until(lambda: steps(ground, run) == [0], "the first step")
    for pid in companions(ground, run):
        os.kill(pid, signal.SIGKILL)
    until(lambda: records(ground, run, "warning"), "the warning")
    go.touch()
    status = ground.wait(run)
    assert status["transitions"][-1]["state"] == "Completed"
    assert steps(ground, run) == [0, 1]


def test_there_is_none_where_nobody_can_use_it(ground: Ground) -> None:
    run = ground.submit(
        TELL,
        python="/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable,
        mlflow=False,
    )
    ground.wait(run)
    assert not [name for name in told(ground, run) if name.startswith("MLFLOW_")]


def test_a_tracking_server_of_the_users_own_is_left_alone(ground: Ground) -> None:
    theirs = {"MLFLOW_TRACKING_URI": "http://lab:5000", "MLFLOW_TRACKING_USERNAME": "ann"}
    run = ground.submit(TELL, mlflow=True, environment_variables=theirs)
    ground.wait(run)
    found: dict[str, Any] = {n: v for n, v in told(ground, run).items() if n.startswith("MLFLOW_")}
    assert found == theirs
