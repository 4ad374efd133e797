"""What records hold besides series: rows, tables, texts, artifacts, params, tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store_making import feed, header, metric, open_store, put_run
from workbench.store.metrics import evaluations, summaries, tables
from workbench.store.runs import run_entries, run_rows


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_rows_and_tables_become_columns(store):
    """AZ-95, AZ-99."""
    run = put_run(store)
    feed(
        store,
        run,
        [
            header(),
            {"k": "row", "n": "t", "v": {"a": 1, "b": "x"}},
            {"k": "row", "n": "t", "v": {"a": 2, "c": None}},
            {"k": "table", "n": "t", "v": {"a": [3, 4], "b": ["y"]}},
            {"k": "table", "n": "other", "v": {"z": [1]}},
        ],
    )
    assert store.read(tables.rows, run, "t") == {
        "t": {"a": [1, 2, 3, 4], "b": ["x", None, "y", None], "c": [None, None, None, None]}
    }
    assert list(store.read(tables.rows, run)) == ["other", "t"]
    feed(store, run, [header(attempt=2), {"k": "row", "n": "t", "v": {"a": 9}}], file="2.jsonl")
    assert store.read(tables.rows, run, "t") == {"t": {"a": [9]}}


def test_texts_and_artifacts(store):
    run = put_run(store)
    feed(
        store,
        run,
        [
            header(),
            metric("phase", "warm up", 0),
            metric("phase", None, 1),
            {"k": "artifact", "n": "best", "path": "outputs/m.bin"},
            {"k": "artifact", "n": "bad", "path": "../../etc/passwd"},
            {"k": "artifact", "n": "worse", "path": "/etc/passwd"},
        ],
    )
    assert store.read(tables.texts, run) == {"phase": [(0, "warm up"), (1, None)]}
    assert store.read(tables.artifacts, run) == {"best": "outputs/m.bin"}
    assert len(store.read(run_entries.warnings, run)) == 1


def test_only_the_last_of_each_name_are_asked_for(store):
    """Of texts over all attempts; of evaluations of the latest attempt that logged one, of its lowest rank."""
    run = put_run(store)

    def evaluation(name: str, count: int) -> dict[str, Any]:
        return {"k": "table", "n": name, "schema": "residuals", "schema_version": "1", "v": {"count": count}}

    first = [metric("a", "1", 0), metric("a", "2", 1), metric("b", "3", 0)]
    feed(store, run, [header(), *first, *(evaluation("m", n) for n in (1, 2)), evaluation("only", 9)])
    again = [metric("a", "4", 0), *(evaluation("m", n) for n in (3, 4, 5))]
    feed(store, run, [header(attempt=2), *again], "records/2-0.jsonl")
    feed(store, run, [header(attempt=2, rank=1), evaluation("m", 6)], "records/2-1.jsonl")
    assert store.read(tables.texts, run, None, 1) == {"a": [(0, "4")], "b": [(0, "3")]}
    assert store.read(tables.texts, run, "a", 2) == {"a": [(1, "2"), (0, "4")]}
    assert store.read(tables.texts, run, "b") == {"b": [(0, "3")]}
    assert store.read(tables.texts, run, None, 0) == {}

    def counts(*asked: object) -> dict[str, list[int]]:
        found = store.read(evaluations.of_run, run, *asked)
        return {name: [one.data["count"] for one in each] for name, each in found.items()}

    assert counts() == {"m": [3, 4, 5], "only": [9]}
    assert counts(None, 2) == {"m": [4, 5], "only": [9]}
    assert counts("m", 1) == {"m": [5]}


def test_params_tags_and_properties_from_records(store):
    """AZ-78: a second value of a property is a warning, as a follower cannot stop for it."""
    run = put_run(store, params={"lr": "1"}, properties={"owner": "ann"})
    feed(
        store,
        run,
        [
            header(),
            {"k": "param", "n": "lr", "v": "2"},
            {"k": "tag", "n": "bare"},
            {"k": "property", "n": "owner", "v": "somebody else"},
            {"k": "property", "n": "grade", "v": "A"},
            {"k": "warning", "v": "w"},
            {"k": "warning", "v": "w"},
        ],
    )
    row = store.read(run_rows.get, run)
    assert row.params == {"lr": "2"}
    assert row.tags == {"bare": None}
    assert row.properties == {"owner": "ann", "grade": "A"}
    assert row.warnings == 3
    assert len(store.read(run_entries.warnings, run)) == 2


def test_a_flood_of_names_ends_in_a_warning_not_in_an_error(store, monkeypatch):
    monkeypatch.setattr("workbench.store.arriving.ingest.MAX_SERIES", 5)
    monkeypatch.setattr("workbench.store.runs.run_entries.MAX_ENTRIES", 5)
    monkeypatch.setattr("workbench.store.runs.run_entries.MAX_WARNINGS", 3)
    run = put_run(store)
    feed(store, run, [header(), *(metric(f"m{n}", n) for n in range(9))])
    feed(store, run, [{"k": "param", "n": f"p{n}", "v": "1"} for n in range(9)])
    feed(store, run, [{"k": "warning", "v": f"w{n}"} for n in range(9)])
    row = store.read(run_rows.get, run)
    assert len(store.read(summaries.of_run, run)) == 5
    assert len(row.params) <= 5
    assert len(store.read(run_entries.warnings, run)) == 3
    assert row.warnings == 11
    feed(store, run, [metric("m0", 5)])
    assert store.read(run_rows.get, run).metrics["m0"].last == 5.0


def test_what_was_logged_besides_numbers_is_listed_without_reading_it(store):
    """AZ-95, AZ-96, AZ-97."""
    from workbench.store.metrics import logged

    run = put_run(store)
    records = [{"k": "row", "n": "seen", "v": {"at": n}} for n in range(50)]
    records += [{"k": "metric", "n": "phase", "v": text, "s": n} for n, text in enumerate(("warm", "train"))]
    records += [
        {"k": "artifact", "n": "plot", "path": "outputs/plot.PNG"},
        {"k": "artifact", "n": "model", "path": "outputs/model.pt"},
        {
            "k": "table",
            "n": "cm",
            "schema": "confusion_matrix",
            "schema_version": "v1",
            "v": {"class_labels": []},
        },
    ]
    feed(store, run, [header(), *records])
    found = {
        item.name: (item.kind, item.count, item.last_step, item.path)
        for item in store.read(logged.of_run, run)
    }
    assert found == {
        "cm": ("confusion_matrix", 1, None, None),
        "plot": ("image", 1, None, "outputs/plot.PNG"),
        "seen": ("table", 50, None, None),
        "phase": ("text", 2, 1, None),
    }
    assert store.read(tables.rows, run, "seen", 3) == {"seen": {"at": [47, 48, 49]}}


def test_a_tag_that_is_gone_is_none_and_may_come_again(store):
    run = put_run(store)
    gone = {"k": "tag", "n": "note", "v": None, "gone": True, "t": 1}

    def put(value):
        return {"k": "tag", "n": "note", "v": value, "t": 1}

    def tags():
        return store.read(lambda connection: run_rows.get(connection, run).tags)

    feed(store, run, [header(), put("a"), {**put("b"), "n": "other"}])
    feed(store, run, [gone])
    assert tags() == {"other": "b"}
    feed(store, run, [put("c"), gone])
    assert tags() == {"other": "b"}
    feed(store, run, [gone, put("d")])
    assert tags() == {"other": "b", "note": "d"}
