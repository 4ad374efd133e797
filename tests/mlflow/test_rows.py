"""What is logged to a run's endpoint, as this side keeps and shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mlflow.wire import RUN, Beside, beside
from tests.store_making import open_store, put_run
from workbench.store.blocking_store import Store
from workbench.store.metrics import series
from workbench.store.runs import children, run_rows

__all__ = ["beside"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with the run."""
    opened = open_store(tmp_path / "here")
    put_run(opened, id=RUN)
    yield opened
    opened.close()


def follow(store: Store, folder: Path) -> None:
    """Take in all that is in the run's record files, in the order of their names as a follower does."""
    for path in sorted((folder / "records").iterdir()):
        store.write(store.intake.take, RUN, f"records/{path.name}", 0, path.read_bytes())


def test_nested_runs_are_rows_below_the_run(beside: Beside, store: Store) -> None:
    """AZ-81, AZ-83, AZ-84."""

    def nest(name: str, parent: str) -> str:
        tags = [{"key": "mlflow.parentRunId", "value": parent}]
        body = {"run_name": name, "start_time": 1700000000000, "tags": tags}
        made: str = beside.done("POST", "runs/create", body)["run"]["info"]["run_id"]
        return made

    fold, other = nest("fold 0", RUN), nest("fold 1", RUN)
    deep = nest("deep", fold)
    for run, value in ((RUN, 1), (fold, 2), (deep, 3)):
        beside.done(
            "POST",
            "runs/log-metric",
            {"run_id": run, "key": "acc", "value": value, "timestamp": 1700000001000, "step": 7},
        )
    beside.done("POST", "runs/log-parameter", {"run_id": deep, "key": "lr", "value": "0.1"})
    beside.done("POST", "runs/update", {"run_id": fold, "status": "FINISHED", "end_time": 1700000002000})
    beside.done("POST", "runs/set-tag", {"run_id": deep, "key": "mlflow.runName", "value": "deeper"})
    beside.done(
        "POST",
        "runs/log-metric",
        {"run_id": deep, "key": "acc", "value": 4, "timestamp": 1700000001001, "step": 8},
    )
    beside.done("POST", "runs/update", {"run_id": other, "status": "FAILED", "end_time": 1700000002000})
    follow(store, beside.folder)
    assert store.read(children.of_run, RUN, recursive=True) == [fold, deep, other]
    rows = {run: store.read(run_rows.get, run) for run in (RUN, fold, other, deep)}
    assert [rows[run].name for run in (fold, other, deep)] == ["fold 0", "fold 1", "deeper"]
    assert [rows[run].status.value for run in (fold, other, deep)] == ["Completed", "Failed", "Running"]
    assert [rows[run].parent for run in (fold, deep)] == [RUN, fold]
    assert rows[fold].ended is not None
    assert rows[fold].ended.timestamp() == 1700000002
    assert rows[deep].params == {"lr": "0.1"}
    assert [rows[run].tags for run in (RUN, fold, deep)] == [{}, {}, {}]  # MLflow's own are not the user's
    history = beside.done("GET", f"metrics/get-history?run_id={deep}&metric_key=acc")["metrics"]
    assert [(point["step"], point["value"]) for point in history] == [(7, 3), (8, 4)]
    found = [
        store.read(lambda c, run=run: series.of_name(c, run_rows.number(c, run), "acc", 0))
        for run in (RUN, fold, deep)
    ]
    assert [len(one) for one in found] == [1, 1, 2]
