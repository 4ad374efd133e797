"""Log, ingest, search, history, first picture beside the stores of MLflow, trackio and Aim, at three sizes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from tests.bench.bench_store import SEARCHED, Feeder, fill_runs, milliseconds, records
from tests.bench.report import Row, alternate, mlflow
from tests.machines.inside import InsideRun
from workbench.store.blocking_store import Store
from workbench.store.metrics import series, summaries
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs

POINTS = (1_000, 10_000, 100_000)
RUNS = (100, 1_000, 10_000)
WIDE = 320
"""Points of a picture: what MLflow's page asks for."""
OUR_LOG = """
import sys, time
from workbench import Run
run, points = Run.get_context(allow_offline=False), int(sys.argv[1])
begin = time.perf_counter()
for step in range(points):
    run.log("loss", step * 0.5, step=step)
print((time.perf_counter() - begin) / points * 1e6)
"""
# What MLflow has for many points: batches of 1,000, its most.
THEIRS = """
import json, statistics, sys, time
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
client = MlflowClient("sqlite:///" + sys.argv[1])
store = client._tracking_client.store
experiment, found = client.create_experiment("bench"), []
def median(action):
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        action()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)
for points in json.loads(sys.argv[2]):
    run, taken = client.create_run(experiment).info.run_id, 0.0
    for start in range(0, points, 1000):
        batch = [Metric("loss", step * 0.5, 1760000000000 + step, step) for step in range(start, start + 1000)]
        begin = time.perf_counter()
        client.log_batch(run, metrics=batch)
        taken += time.perf_counter() - begin
    assert len(client.get_metric_history(run, "loss")) == points
    found.append({
        "log": taken / points * 1e6, "ingest": points / taken,
        "history": median(lambda: client.get_metric_history(run, "loss")),
        "picture": median(lambda: store.get_metric_history_bulk_interval([run], "loss", 320, None, None)),
    })
print(json.dumps(found))
"""
TRACKIO = """
import json, os, statistics, sys, time
os.environ["TRACKIO_DIR"] = sys.argv[1]
from trackio.sqlite_storage import SQLiteStorage as store
found = []
def median(action):
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        action()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)
for points in json.loads(sys.argv[2]):
    run, taken = "run-%d" % points, 0.0
    for start in range(0, points, 1000):
        steps = list(range(start, start + 1000))
        begin = time.perf_counter()
        store.bulk_log("bench", run, [{"loss": step * 0.5} for step in steps], steps)
        taken += time.perf_counter() - begin
    assert len(store.get_logs("bench", run)) == points
    found.append({
        "log": taken / points * 1e6, "ingest": points / taken,
        "history": median(lambda: store.get_logs("bench", run)),
        "picture": median(lambda: store.get_logs("bench", run, max_points=320)),
    })
print(json.dumps(found))
"""
# Aim has no batches, and no picture of fewer points than there are; a run is read where it is written.
AIM = """
import json, statistics, sys, time
from aim import Repo, Run
repo, found = Repo(sys.argv[1], init=True), []
def series(run):
    (metric,) = run.metrics()
    return metric.values.sparse_numpy()
def seconds(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
for points in json.loads(sys.argv[2]):
    run = Run(repo=repo, experiment="bench", system_tracking_interval=None, capture_terminal_logs=False)
    begin = time.perf_counter()
    for step in range(points):
        run.track(step * 0.5, name="loss", step=step)
    taken = time.perf_counter() - begin
    assert len(series(run)[0]) == points
    history = statistics.median(seconds(lambda: series(run)) for _ in range(3))
    found.append({"log": taken / points * 1e6, "ingest": points / taken, "history": history * 1000})
    run.close()
print(json.dumps(found))
"""
THEIR_SEARCH = """
import json, random, sqlite3, sys, time
from mlflow.tracking import MlflowClient
path, runs = sys.argv[1], int(sys.argv[2])
client = MlflowClient("sqlite:///" + path)
experiment = client.create_experiment("bench")
run = client.create_run(experiment).info.run_id
chance = random.Random(1)
connection = sqlite3.connect(path)
names = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
kept = dict(zip(names, connection.execute("SELECT * FROM runs").fetchone()))
ids = ["%032x" % number for number in range(1, runs + 1)]
rows = [tuple({**kept, "run_uuid": each, "name": each, "status": "FINISHED"}.values()) for each in ids]
connection.executemany("INSERT INTO runs VALUES (%s)" % ",".join("?" * len(names)), rows)
connection.executemany(
    "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
    [
        (name, str(value), each)
        for number, each in enumerate(ids)
        for name, value in (
            ("lr", chance.choice((1e-4, 3e-4, 1e-3, 3e-3))),
            ("seed", number),
            ("layers", chance.randrange(2, 24)),
            ("dropout", chance.choice((0.0, 0.1, 0.2))),
            ("width", chance.choice((256, 512, 1024))),
        )
    ],
)
connection.executemany(
    "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, 0, 100, 0, ?)",
    [
        (name, chance.random(), each)
        for each in ids
        for name in ("val_loss", "loss", "acc", "val_acc", "lr_now", "grad_norm")
    ],
)
connection.commit()
taken = []
for _ in range(3):
    begin = time.perf_counter()
    found = client.search_runs([experiment], sys.argv[3], order_by=["metrics.val_loss ASC"], max_results=100)
    taken.append((time.perf_counter() - begin) * 1000)
    assert found and len(found[0].data.metrics) == 6
print(json.dumps({"search": sorted(taken)[1]}))
"""


def _theirs(folder: Path, python: str) -> list[dict[str, float]]:
    """What MLflow takes, for each size."""
    argv = [python, "-c", THEIRS, str(folder / "points.db"), json.dumps(POINTS)]
    told = subprocess.run(argv, cwd=folder, check=True, capture_output=True).stdout
    found: list[dict[str, float]] = json.loads(told.splitlines()[-1])
    said = SEARCHED.replace("'1e-3'", "'0.001'")  # its params are texts alone
    for figures, size in zip(found, RUNS, strict=True):
        argv = [python, "-c", THEIR_SEARCH, str(folder / f"runs-{size}.db"), str(size), said]
        told = subprocess.run(argv, cwd=folder, check=True, capture_output=True).stdout
        figures["search"] = json.loads(told.splitlines()[-1])["search"]
    return found


def _other(folder: Path, name: str, program: str) -> list[dict[str, float]]:
    """The same of another tracker's store, without a search; nothing where it is not there.

    WORKBENCH_BENCH_TRACKIO and WORKBENCH_BENCH_AIM name interpreters that have them.
    """
    python = os.environ.get(f"WORKBENCH_BENCH_{name.upper()}")
    if not python:
        return [{} for _ in POINTS]
    (folder / name).mkdir()
    argv = [python, "-c", program, str(folder / name), json.dumps(POINTS)]
    told = subprocess.run(argv, cwd=folder, check=True, capture_output=True).stdout
    found: list[dict[str, float]] = json.loads(told.splitlines()[-1])
    return found


def _ours(folder: Path) -> list[dict[str, float]]:
    """The same of ours."""
    inside, found = InsideRun(folder), []
    search = Store.open(folder / "search")
    have = 0
    for number, (points, size) in enumerate(zip(POINTS, RUNS, strict=True)):
        argv = [inside.python, "-c", OUR_LOG, str(points)]
        log = subprocess.run(
            argv, env=inside.environment(), cwd=inside.folder / "code", check=True, capture_output=True
        )
        store = Store.open(folder / str(number))
        feeder = Feeder(store, 1)
        ingest = points / feeder.feed(records(points, 1))
        fill_runs(search, have + 1, size - have)
        have = size
        found.append({"log": float(log.stdout), "ingest": ingest, **_asked(store, feeder.run, search)})
        store.close()
    search.close()
    return found


def _asked(store: Store, run: str, search: Store) -> dict[str, float]:
    """Milliseconds of what is asked of a store with one long series, and of one with many runs."""
    query = RunQuery(experiment="bench", filter=SEARCHED, order="metric:val_loss", limit=100)
    taken = alternate(
        [
            lambda: milliseconds(lambda: store.read(series.columns, run, "m0")),
            lambda: milliseconds(lambda: store.read(summaries.envelope, run, "m0", WIDE)),
            lambda: milliseconds(lambda: search.read(kept_runs.find, query)),
        ],
        9,
    )
    return dict(zip(("history", "picture", "search"), taken, strict=True))


def run() -> list[Row]:
    """A row for each size of each; ours alone where MLflow is not there."""
    with tempfile.TemporaryDirectory(prefix="bench-beside-") as place:
        folder, peer = Path(place), mlflow()
        ours = _ours(folder)
        theirs = _theirs(folder, peer[0]) if peer else [{} for _ in ours]
        others = {"trackio": _other(folder, "trackio", TRACKIO), "Aim": _other(folder, "aim", AIM)}
    rows = []
    for key, what, unit, per in (
        ("log", "log() in a run, of {0:,} points", "us/point", "log_batch"),
        ("ingest", "{0:,} points into the store", "points/s", "log_batch"),
        ("history", "a series of {0:,} points, read back", "ms", "get_metric_history"),
        ("picture", "a series of {0:,} points, its first picture", "ms", "get_metric_history_bulk_interval"),
        ("search", "search of {1:,} runs: " + SEARCHED, "ms", "search_runs"),
    ):
        for place, (points, size) in enumerate(zip(POINTS, RUNS, strict=True)):
            mine, other = ours[place], theirs[place]
            figure, beside = mine[key], other.get(key)
            said = "mlflow is not installed" if beside is None else f"MLflow's {per}: {beside:,.4g} {unit}"
            ratio = None if beside is None else figure / beside
            told = {name: each[place][key] for name, each in others.items() if key in each[place]}
            note = "; ".join(f"{name}: {value:,.4g} {unit}" for name, value in told.items())
            rows.append(Row(what.format(points, size), figure, unit, "", said, ratio, note))
    return rows
