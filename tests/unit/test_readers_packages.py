"""Readers against files that the real packages wrote (`tests/data/readers/write.py`), and against the
packages' own readers where they are installed."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.readers import mlflow_database, tensorboard
from workbench.remote.readers.detect import detect
from workbench.remote.readers.entries import Entry, record_lines
from workbench.remote.readers.forms import READERS
from workbench.store.records.record_batch import parse_records

DATA = Path(__file__).parent.parent / "data" / "readers"
X = DATA / "x" / "events.out.tfevents.1700000000.machine"
V2 = DATA / "v2" / "events.out.tfevents.1700000000.machine"
WANDB = DATA / "offline-run-20260101_000000-abc12345" / "run-abc12345.wandb"
LOSSES = [1.0, 0.5, 1 / 3, math.nan, math.inf, 1 / 6]


def everything(path: Path) -> list[Entry]:
    """All entries of a file or folder that is as it will be."""
    form = detect(str(path))
    assert form is not None
    entries: list[Entry] = []
    state: dict[str, Any] = {}
    while True:
        reading = READERS[form](str(path), state)
        assert (reading.skipped, reading.trouble) == (0, "")
        entries += reading.entries
        state = reading.state
        if not reading.more:
            return entries


def series(entries: list[Entry], name: str) -> list[tuple[int | None, float]]:
    """Steps and values of a metric."""
    return [(e.step, e.value) for e in entries if e.kind == "metric" and e.name == name]


def texts(entries: list[Entry], kind: str) -> dict[str, str]:
    """Params or tags."""
    return {e.name: e.value for e in entries if e.kind == kind}


def needs(module: str) -> Any:
    """Marks a test that compares with a package's own reader."""
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


def losses(entries: list[Entry], name: str, exact: bool = True) -> None:
    """The metric has the values that write.py gave, as floats of 64 or 32 bits."""
    found = series(entries, name)
    assert [step for step, _ in found] == list(range(6))
    assert [value for _, value in found] == pytest.approx(LOSSES, rel=0 if exact else 1e-7, nan_ok=True)


def test_event_files_of_tensorboardx() -> None:
    entries = everything(X)
    losses(entries, "loss/train", exact=False)
    assert series(entries, "größe") == [(10, 10.0), (5, 5.0), (5, 5.0)]
    assert series(entries, "big") == [(2**40, pytest.approx(1e30))]
    assert series(entries, "note/text_summary") == [(1, "warm up")]
    assert [e.time for e in entries if e.name == "loss/train"] == [1700000000.5 + step for step in range(6)]
    assert not series(entries, "weights")


def test_event_files_of_tensorflow_2() -> None:
    entries = everything(V2)
    losses(entries, "loss", exact=False)
    assert series(entries, "note") == [(2, "warm up")]
    assert texts(entries, "param") == {"lr": "0.001", "layers": "4", "optimiser": "adam", "amp": "True"}


@pytest.mark.parametrize("path", [X, V2], ids=["simple", "tensor"])
def test_the_short_way_reads_what_the_walk_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = everything(path)
    monkeypatch.setattr(tensorboard, "point", lambda record: None)
    assert repr(everything(path)) == repr(short)


@needs("tensorboard")
@pytest.mark.parametrize("path", [X, V2], ids=["simple", "tensor"])
def test_as_event_accumulator_reads_it(path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    theirs = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    theirs.Reload()
    expected = [
        (name, point.step, repr(point.value), point.wall_time)
        for name in theirs.Tags()["scalars"]
        for point in theirs.Scalars(name)
    ]
    for name in theirs.Tags()["tensors"]:
        for point in theirs.Tensors(name):
            values = make_ndarray(point.tensor_proto).flatten()
            if not values.size:
                continue  # of the hyper-parameters, which lie beside it
            value = values[0]
            value = value.decode() if isinstance(value, bytes) else float(value)
            expected.append((name, point.step, repr(value), point.wall_time))
    ours = [(e.name, e.step, repr(e.value), e.time) for e in everything(path) if e.kind == "metric"]
    assert sorted(ours) == sorted(expected)


@pytest.mark.parametrize("path", [X, V2], ids=["simple", "tensor"])
def test_entries_are_records_that_the_store_takes(path: Path) -> None:
    entries = everything(path)
    header = '{"k":"header","v":1,"run":"r","attempt":1,"rank":0,"pid":1,"wall":1700000000.0,"mono":0.0}\n'
    data = (header + "".join(record_lines(entries, 1700000000.0, 1700000000.0))).encode()
    _, batch, bad = parse_records(data, None)
    assert bad == 0
    numbers = [e for e in entries if e.kind == "metric" and not isinstance(e.value, str)]
    assert batch.points == len(numbers)
    assert batch.params == [(e.name, e.value) for e in entries if e.kind == "param"]
    for name, column in batch.metrics.items():
        assert column.steps == [e.step for e in numbers if e.name == name]
        assert repr(column.values) == repr([float(e.value) for e in numbers if e.name == name])
        assert column.times == pytest.approx([e.time for e in numbers if e.name == name], abs=1e-5)


def test_offline_runs_of_wandb() -> None:
    entries = everything(WANDB)
    losses(entries, "loss")
    assert series(entries, "eval/accuracy") == [(step, step / 10) for step in range(6)]
    assert series(entries, "nested.a") == [(step, step) for step in range(6)]
    assert series(entries, "phase") == [(step, "warm") for step in range(6)]
    assert series(entries, "late") == [(20, 1.5)]
    assert series(entries, "best") == [(None, 0.25)]
    params = {
        "lr": "0.001",
        "model.layers": "4",
        "model.kind": "mlp",
        "amp": "True",
        "none": "",
        "added": "7",
    }
    assert texts(entries, "param") == params
    assert texts(entries, "tag") == {
        "good": None,
        "small": None,
        "wandb.name": "first",
        "wandb.notes": "a note",
        "wandb.group": "g",
    }
    assert entries[-1].value == "Completed"
    assert all(e.time and e.time > 1.7e9 for e in entries if e.name == "loss")


@needs("wandb")
def test_as_wandbs_own_reader_reads_it() -> None:
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(WANDB)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    special = {"NaN": "nan", "Infinity": "inf"}
    expected = [
        (name, item["_step"], special.get(value, repr(value)), item["_timestamp"])
        for item in (record["history"]["item"] for record in records if record["type"] == "history")
        for name, value in item.items()
        if not name.startswith("_")
    ]
    ours = [(e.name, e.step, repr(e.value), e.time) for e in everything(WANDB) if e.kind == "metric"]
    assert sorted(point for point in ours if point[0] != "best") == sorted(expected)


@pytest.mark.parametrize("place", ["mlruns/1/first", "mlflow.db"])
def test_the_stores_of_mlflow(place: str) -> None:
    entries = everything(DATA / place)
    losses(entries, "loss")
    assert [e.time for e in entries if e.name == "loss"] == [1700000000 + step / 1000 for step in range(6)]
    assert series(entries, "eval/accuracy") == [(0, 0.5)]
    assert series(entries, "out of order") == [(9, 1.0), (3, 2.0)]
    assert series(entries, "negative") == [(-1, -math.inf)]
    assert texts(entries, "param") == {"lr": "0.001", "model/kind": "mlp", "text": "two\nlines"}
    assert texts(entries, "tag") == {"mlflow.runName": "first", "note": "größe"}
    assert (entries[-1].kind, entries[-1].value, entries[-1].time) == ("status", "Failed", 1700000009.0)


def test_the_runs_of_an_mlflow_database() -> None:
    (run,) = mlflow_database.runs(str(DATA / "mlflow.db"))
    assert (run.name, run.experiment, run.started) == ("first", "digits", 1700000000.0)


def test_folders_of_dvclive() -> None:
    entries = everything(DATA / "dvclive")
    losses(entries, "train/loss")
    assert series(entries, "accuracy") == [(step, step / 10) for step in range(6)]
    assert texts(entries, "param") == {"lr": "0.001", "model.layers": "4", "name": "a b: c"}


def test_the_csv_files_of_lightning() -> None:
    """Columns that came late, rows that have only some of them."""
    entries = everything(DATA / "lightning_logs" / "version_0" / "metrics.csv")
    losses(entries, "train_loss")
    assert series(entries, "accuracy") == [(2, 0.2), (5, 0.5)]


def test_the_state_of_a_hugging_face_trainer() -> None:
    entries = everything(DATA / "trainer")
    losses(entries, "loss")
    assert series(entries, "eval_accuracy") == [(6, 0.5)]
    assert series(entries, "epoch")[-1] == (6, 1.5)
    assert texts(entries, "param")["num_train_epochs"] == "2"


@needs("mlflow")
def test_a_store_that_mlflow_writes_while_it_is_read(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    for uri, place in (
        (f"sqlite:///{tmp_path}/m.db", "m.db"),
        (f"file://{tmp_path}/mlruns", "mlruns/{1}/{0}"),
    ):
        client = MlflowClient(tracking_uri=uri)
        experiment = client.create_experiment("e")
        run = client.create_run(experiment).info.run_id
        path = tmp_path / place.format(run, experiment)
        found: list[Entry] = []
        state: dict[str, Any] = {}
        for step in range(5):
            client.log_metric(run, "a/b", step / 3, step=step)
            client.log_param(run, f"p{step}", step)
            client.set_tag(run, "same", str(step))
            reading = READERS[detect(str(path)) or ""](str(path), state)
            assert not reading.again
            found, state = found + reading.entries, reading.state
        client.set_terminated(run)
        found += READERS[detect(str(path)) or ""](str(path), state).entries
        theirs = client.get_metric_history(run, "a/b")
        assert series(found, "a/b") == [(point.step, point.value) for point in theirs]
        assert [e.time for e in found if e.name == "a/b"] == [p.timestamp / 1000 for p in theirs]
        assert {f"p{step}": str(step) for step in range(5)} == texts(found, "param")
        assert [e.value for e in found if e.name == "same"] == list("01234")
        assert found[-1].value == "Completed"
