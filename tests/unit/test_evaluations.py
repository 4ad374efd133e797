"""Confusion matrices and the like: recorded inside a run, kept, and shown as rows (AZ-97)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.store_making import feed, header, open_store, put_run
from tests.tracking_run import recorded
from workbench.entities.base import to_wire
from workbench.remote.tracking import schemas
from workbench.remote.tracking.complaints import TrackingWarning
from workbench.remote.tracking.run import Run
from workbench.store.metrics import evaluations, tables
from workbench.text.evaluations import grid, shown

DATA: dict[str, dict[str, Any]] = {
    "confusion_matrix": {"class_labels": ["cat", "dog"], "matrix": [[3, 1], [0, 4]]},
    "accuracy_table": {
        "class_labels": ["cat", "dog"],
        "probability_tables": [[[4, 4, 0, 0], [3, 1, 3, 1]], [[4, 4, 0, 0], [3, 1, 3, 1]]],
        "probability_thresholds": [0.0, 0.5],
        "percentile_tables": [[[4, 4, 0, 0]], [[4, 4, 0, 0]]],
        "percentile_thresholds": [0.0],
    },
    "residuals": {"bin_edges": [-1.0, 0.0, 1.0], "bin_counts": [5, 7], "mean": 0.1},
    "predictions": {
        "bin_edges": [0.0, 0.5, 1.0],
        "bin_counts": [56, 34],
        "bin_averages": [0.25, 0.75],
        "bin_errors": [0.013, 0.042],
    },
}


def value(kind: str, version: str = "v1", **changes: Any) -> dict[str, Any]:
    """What a script logs."""
    return {"schema_type": kind, "schema_version": version, "data": {**DATA[kind], **changes}}


@pytest.mark.parametrize("kind", DATA)
def test_each_is_recorded_as_it_was_given(run: Run, kind: str) -> None:
    """AZ-97: from a mapping and from JSON text; AZ-99: read back as the value that was logged."""
    log = getattr(run, f"log_{kind}")
    log("eval", value(kind), description="on the test set")
    log("eval", json.dumps(value(kind)))
    log(name="once", value=value(kind, "v2"))
    first, second, once = recorded(run, "table")
    assert first == {
        "n": "eval", "schema": kind, "schema_version": "v1", "v": DATA[kind], "d": "on the test set",
    }  # fmt: skip
    assert second == {"n": "eval", "schema": kind, "schema_version": "v1", "v": DATA[kind]}
    assert once["schema_version"] == "v2"
    assert recorded(run, "warning") == []
    assert run.get_metrics() == {"eval": [value(kind), value(kind)], "once": value(kind, "v2")}


def test_arrays_and_numbers_that_are_none(run: Run) -> None:
    """AZ-97: what numpy makes goes in as it is."""
    matrix = numpy.array([[3, 1], [0, 4]])
    labels = numpy.array(["cat", "dog"])
    run.log_confusion_matrix("cm", value("confusion_matrix", class_labels=labels, matrix=matrix))
    run.log_residuals("r", value("residuals", bin_counts=[numpy.float32(5), float("nan")], mean=None))
    cm, residuals = recorded(run, "table")
    assert cm["v"] == DATA["confusion_matrix"]
    assert residuals["v"]["bin_counts"] == [5, "nan"]
    assert run.get_metrics("r")["r"]["data"]["bin_counts"][1] != 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (7, "mapping or JSON text"),
        ("{", "log_confusion_matrix"),
        ([[1]], "mapping or JSON text"),
        ({"schema_type": "confusion_matrix", "data": {}}, "schema_version is missing"),
        ({"schema_version": "v1"}, "schema_type and data is missing"),
        ({"schema_type": "confusion_matrix", "schema_version": "v1", "data": [1]}, "data must be a mapping"),
    ],
)
def test_what_is_none_is_warned_of_and_left_out(run: Run, given: Any, words: str) -> None:
    """AZ-97: checked, and never an exception in a training script."""
    with pytest.warns(TrackingWarning, match=words):
        run.log_confusion_matrix("cm", given)
    run.log_confusion_matrix("cm", given)  # said once
    assert len(recorded(run, "warning")) == 1
    assert recorded(run, "table") == []


def test_nesting_without_an_end_is_left_out(run: Run) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.warns(TrackingWarning, match="levels deep"):
        run.log_residuals("r", value("residuals", deep=deep))


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("confusion_matrix", {"matrix": [[1, 2]]}, "2 class_labels"),
        ("confusion_matrix", {"class_labels": None}, "class_labels and matrix"),
        ("accuracy_table", {"probability_tables": [[[1, 2]]]}, "a table for each class"),
        ("accuracy_table", {"probability_tables": [[[1, 2]], [[1]]]}, "four counts"),
        ("accuracy_table", {"class_labels": 5}, "class_labels"),
        ("residuals", {"bin_edges": [1]}, "one value more"),
        ("predictions", {"bin_errors": None}, "bin_errors"),
    ],
)
def test_data_of_another_shape_is_warned_of_and_kept(run: Run, kind: str, changes: dict, words: str) -> None:
    """AZ-97: recorded as well as it can be."""
    with pytest.warns(TrackingWarning, match=words):
        getattr(run, f"log_{kind}")("eval", value(kind, **changes))
    (kept,) = recorded(run, "table")
    assert kept["v"] == {**DATA[kind], **changes}
    shown = grid(kind, kept["v"])
    assert shown.rows, "it can be looked at all the same"


def test_the_wrong_call_keeps_the_right_name(run: Run) -> None:
    with pytest.warns(TrackingWarning, match="its schema_type is residuals, not predictions"):
        run.log_predictions("p", value("residuals"))
    assert recorded(run, "table")[0]["schema"] == "residuals"


def test_what_no_record_holds_is_kept_as_a_file(run: Run, tmp_path: Path) -> None:
    """AZ-97: a thousand classes are a million counts."""
    labels = [f"class {n}" for n in range(1000)]
    matrix = numpy.full((1000, 1000), 12)
    with pytest.warns(TrackingWarning, match=r"kept as outputs/cm.json"):
        run.log_confusion_matrix("cm", value("confusion_matrix", class_labels=labels, matrix=matrix))
    assert [(r["n"], r["path"]) for r in recorded(run, "artifact")] == [("cm", "outputs/cm.json")]
    kept = json.loads((tmp_path / "outputs" / "cm.json").read_text())
    assert kept == value("confusion_matrix", class_labels=labels, matrix=matrix.tolist())


def test_the_store_gives_the_latest_attempt_of_the_lowest_rank(tmp_path: Path) -> None:
    """AZ-97."""
    store = open_store(tmp_path)

    def record(version: str) -> dict[str, Any]:
        asked = value("residuals", version)
        return {
            "k": "table",
            "n": "r",
            "schema": asked["schema_type"],
            "schema_version": version,
            "v": asked["data"],
        }

    run = put_run(store)
    feed(store, run, [header(rank=1), record("rank 1")], file="1.jsonl")
    feed(store, run, [header(), record("one"), record("two")], file="2.jsonl")
    found = store.read(evaluations.of_run, run)
    assert [to_wire(item)["schema_version"] for item in found["r"]] == ["one", "two"]
    assert to_wire(found["r"][0]) == value("residuals", "one")
    last = store.read(evaluations.of_run, run, None, 1)
    assert [item.schema_version for item in last["r"]] == ["two"]
    assert len(store.read(evaluations.of_run, run, "r", 5)["r"]) == 2
    feed(store, run, [header(attempt=2), record("again")], file="3.jsonl")
    assert [item.schema_version for item in store.read(evaluations.of_run, run, "r")["r"]] == ["again"]
    assert store.read(evaluations.of_run, run, "other") == {}
    assert store.read(tables.rows, run) == {}
    store.close()


def test_the_last_texts_of_each_name(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    run = put_run(store)
    said = [
        {"k": "metric", "n": name, "v": f"{name} {at}", "s": at}
        for name in ("phase", "sample")
        for at in (1, 2, 3)
    ]
    feed(store, run, [header(), *said])
    assert len(store.read(tables.texts, run)["phase"]) == 3
    assert store.read(tables.texts, run, None, 1) == {"phase": [(3, "phase 3")], "sample": [(3, "sample 3")]}
    assert store.read(tables.texts, run, "phase", 2) == {"phase": [(2, "phase 2"), (3, "phase 3")]}
    feed(store, run, [header(attempt=2), {"k": "metric", "n": "phase", "v": "again", "s": 1}], file="2.jsonl")
    assert store.read(tables.texts, run, "phase", 1) == {"phase": [(1, "again")]}
    store.close()


def test_cells_are_said_in_full_where_they_are_whole_numbers() -> None:
    cells = (123456789, 10**20, 10**400, -(10**400), 0.1234567, True, None, "a\nb", "nan", [1], "")
    assert [shown(cell) for cell in cells] == [
        "123456789",
        "1e20",
        "inf",
        "-inf",
        "0.123457",
        "True",
        "-",
        "a b",
        "nan",
        "[1]",
        "-",
    ]


def test_rows_of_each() -> None:
    """AZ-97: the text form."""
    assert grid("confusion_matrix", DATA["confusion_matrix"]) == (
        ["true", "cat", "dog"], [["cat", 3, 1], ["dog", 0, 4]], True,
    )  # fmt: skip
    table = grid("accuracy_table", DATA["accuracy_table"])
    assert table.titles == ["class", "by", "threshold", "tp", "fp", "tn", "fn"]
    assert table.rows[1] == ["cat", "probability", 0.5, 3, 1, 3, 1]
    assert table.rows[-1] == ["dog", "percentile", 0.0, 4, 4, 0, 0]
    assert grid("residuals", DATA["residuals"]).rows == [[-1.0, 0.0, 5], [0.0, 1.0, 7]]
    assert grid("predictions", DATA["predictions"]).rows[1] == [0.5, 1.0, 0.75, 0.042, 34]
    assert grid("of tomorrow", {"a": [1]}).rows == [["a", [1]]]


def test_every_schema_has_a_check_and_a_form() -> None:
    for kind, data in DATA.items():
        assert schemas.problem_of(kind, data) is None
        assert schemas.problem_of(kind, {}) is not None
