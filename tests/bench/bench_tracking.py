"""log() of one metric inside a run, and what importing the tracking costs a script."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.report import Row, alternate, mlflow
from tests.machines.inside import InsideRun

CALLS = 20000
ROUNDS = 9

# Run by a process of the run; prints microseconds a call as JSON. The bare write is what any durable
# append costs on this file system.
LOGGING = r"""
import json, os, sys, time
from workbench import Run

run = Run.get_context(allow_offline=False)
calls = int(sys.argv[2])
bare = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
line = b'{"k":"metric","n":"loss","v":0.123456789,"t":1.234567}\n'

def per_call(action):
    start = time.perf_counter()
    for n in range(calls):
        action(n)
    return (time.perf_counter() - start) / calls * 1e6

class Scalar:
    def item(self):
        return 0.123456789

scalar = Scalar()
actions = {
    "write": lambda n: os.write(bare, line),
    "log": lambda n: run.log("loss", 0.123456789),
    "step": lambda n: run.log("acc", 0.123456789, step=n),
    "scalar": lambda n: run.log("scalar", scalar),
    "nothing": lambda n: None,
}
taken = {name: [] for name in actions}
for _ in range(int(sys.argv[3])):
    for name, action in actions.items():
        taken[name].append(per_call(action))
print(json.dumps({name: sorted(found)[len(found) // 2] for name, found in taken.items()}))
"""

MLFLOW = """
import json, statistics, sys, time
start = time.perf_counter()
import mlflow
imported = time.perf_counter() - start
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
with mlflow.start_run():
    taken = []
    for n in range(200):
        start = time.perf_counter()
        mlflow.log_metric("loss", 0.5, step=n)
        taken.append(time.perf_counter() - start)
print(json.dumps({"log": statistics.median(taken) * 1e6, "import": imported}))
"""


def _json_of(argv: list[str], environment: dict[str, str], cwd: Path) -> Any:
    return json.loads(subprocess.run(argv, env=environment, cwd=cwd, check=True, capture_output=True).stdout)


def _seconds(argv: list[str], environment: dict[str, str], cwd: Path) -> float:
    start = time.perf_counter()
    subprocess.run(argv, env=environment, cwd=cwd, check=True)
    return time.perf_counter() - start


def _import_costs(inside: InsideRun) -> tuple[float, float]:
    """Seconds of a bare interpreter's life, and what the tracking adds: shims, zip, import, the first log."""
    bare = [inside.python, "-c", "pass"]
    ours = [inside.python, "-c", "from workbench import Run; Run.get_context().log('loss', 0.5)"]
    outside = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment = inside.environment()
    cwd = inside.folder / "code"
    measures = (lambda: _seconds(bare, outside, cwd), lambda: _seconds(ours, environment, cwd))
    nothing, all_of_it = alternate(measures, 21)
    return nothing, all_of_it - nothing


def run() -> list[Row]:
    """Rows of log() in its common forms and of the import."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        inside = InsideRun(root)
        code = inside.folder / "code"
        argv = [inside.python, "-c", LOGGING, str(root / "bare"), str(CALLS), str(ROUNDS)]
        cost = _json_of(argv, inside.environment(), code)
        bare, added = _import_costs(inside)
        peer = None
        if (installed := mlflow()) is not None:
            peer = _json_of([installed[0], "-c", MLFLOW, str(root / "m.db")], dict(os.environ), root)
    write = cost["write"] - cost["nothing"]
    rows = []
    for what, key, budget in (
        ("log() of one metric in a run", "log", "<= 5 us"),
        ("log() with a step", "step", "<= 5 us"),
        ("log() of a numpy-like scalar (item())", "scalar", ""),
    ):
        figure = cost[key] - cost["nothing"]
        rows.append(Row(what, figure, "us/call", budget, f"os.write {write:.2f} us", figure / write))
    log = cost["log"] - cost["nothing"]
    if peer is None:
        rows.append(Row("log() beside MLflow's log_metric", log, "us/call", "", "mlflow is not installed"))
    else:
        theirs = f"{peer['log']:.0f} us"
        rows.append(Row("log() beside MLflow's log_metric", log, "us/call", "", theirs, log / peer["log"]))
    note = "mlflow is not installed" if peer is None else f"import mlflow: {peer['import'] * 1e3:.0f} ms"
    what = "import in a run, with the first log()"
    reference = f"python -c pass {bare * 1e3:.0f} ms"
    rows.append(Row(what, added * 1e3, "ms", "<= 40 ms over python", reference, added / bare, note))
    return rows
