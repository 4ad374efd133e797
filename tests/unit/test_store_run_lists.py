"""Lists of runs: filtered, ordered, in few queries; and what people call runs by."""

from __future__ import annotations

import random

import pytest

from tests.store_making import NOW, feed, header, metric, open_store, put_run, run_id, step
from workbench.entities.experiment import Goal
from workbench.entities.run import RunState
from workbench.errors import Ambiguous, NotFound, UsageError
from workbench.store.queries.query import NARROW, MetricCondition, ParamCondition, RunQuery
from workbench.store.runs import kept_runs, references, run_rows, run_status
from workbench.store.workspace import experiments

S = RunState


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def ids(runs):
    return [run.id for run in runs]


def test_numbers_for_names_count_up(store):
    assert [store.write(kept_runs.next_number) for _ in range(3)] == [1, 2, 3]


def test_lists_are_newest_first_and_filtered(store):
    """AZ-66 in part, AZ-79, AZ-80."""
    put_run(store, 1, experiment="a", target="x", tags={"t": "1"}, params={"lr": "0.001"})
    put_run(
        store, 2, experiment="a", target="y", tags={"t": "2"}, properties={"p": "q"}, params={"lr": "1e-3"}
    )
    put_run(store, 3, experiment="b", target="x", tags={"t": None}, description="the 100% best_run")
    put_run(store, 4, experiment="b", target="x", parent=run_id(3), params={"lr": "high"})
    store.write(kept_runs.archive, run_id(4), True)
    store.write(run_status.apply, run_id(1), [step(1, S.COMPLETED)], as_of=NOW)

    def numbers(**query):
        found = store.read(kept_runs.find, RunQuery(**query))
        return [next(n for n in range(1, 5) if run_id(n) == run.id) for run in found]

    assert numbers() == [3, 2, 1]
    assert numbers(archived=None) == [3, 2, 1]
    assert numbers(archived=None, children=True) == [4, 3, 2, 1]
    assert numbers(archived=True) == [4]
    assert numbers(experiment="a") == [2, 1]
    assert numbers(target="x") == [3, 1]
    assert numbers(statuses=(S.COMPLETED, S.FAILED)) == [1]
    assert numbers(active=True) == [3, 2]
    assert numbers(tags={"t": None}) == [3, 2, 1]
    assert numbers(tags={"t": "2"}) == [2]
    assert numbers(tags={"t": "2"}, properties={"p": "q"}) == [2]
    assert numbers(tags={"t": "1"}, properties={"p": "q"}) == []
    assert numbers(text="100% BEST_") == [3]
    assert numbers(text="100_") == []
    assert numbers(parent=run_id(3), archived=None) == [4]
    assert numbers(params=(ParamCondition(name="lr", operator="=", value="0.0010"),)) == [2, 1]
    assert numbers(params=(ParamCondition(name="lr", operator="=", value="high"),), archived=None) == [4]
    assert numbers(params=(ParamCondition(name="lr", operator=">=", value="1e-3"),)) == [2, 1]
    assert numbers(limit=1, offset=1) == [2]
    assert numbers(limit=-1, offset=2) == [1]
    with pytest.raises(NotFound):
        numbers(experiment="c")
    with pytest.raises(UsageError):
        numbers(params=(ParamCondition(name="lr", operator="<", value="high"),))
    with pytest.raises(UsageError):
        numbers(metrics=(MetricCondition(name="m", operator="; DROP TABLE runs", value=1),))


@pytest.mark.parametrize("narrow", [0, 5, NARROW])
def test_searching_agrees_with_looking_at_every_run(store, monkeypatch, narrow):
    """The ways a search can take (few fit, most fit) differ in speed only."""
    monkeypatch.setattr("workbench.store.queries.query.NARROW", narrow)
    chance = random.Random(4)
    rows = []
    for number in range(1, 41):
        params = {"lr": chance.choice(["0.1", "0.2", "x"])} if chance.random() < 0.8 else {}
        run = put_run(store, number, params=params, experiment=chance.choice("ab"))
        values = {
            name: chance.choice([1.0, 2.0, 3.0, "nan"]) for name in ("acc", "loss") if chance.random() < 0.8
        }
        feed(store, run, [header(), *(metric(name, value) for name, value in values.items())])
        rows.append(store.read(run_rows.get, run))
    value = {row.id: {name: found.last for name, found in row.metrics.items()} for row in rows}

    def expected(where, descending):
        fit = [row for row in rows if where(row)]
        known = [row for row in fit if value[row.id].get("loss", float("nan")) == value[row.id].get("loss")]
        known.sort(key=lambda row: (value[row.id]["loss"], row.id), reverse=descending)
        rest = sorted((row for row in fit if row not in known), key=lambda row: row.id, reverse=True)
        return ids(known + rest)

    cases = [
        ({}, lambda row: True),
        ({"experiment": "a"}, lambda row: row.experiment == "a"),
        (
            {"params": (ParamCondition(name="lr", operator="=", value=".1"),)},
            lambda row: row.params.get("lr") == "0.1",
        ),
        (
            {"metrics": (MetricCondition(name="acc", operator=">", value=1.5),)},
            lambda row: value[row.id].get("acc", 0) > 1.5,
        ),
        (
            {"metrics": (MetricCondition(name="loss", operator="<=", value=2),), "experiment": "b"},
            lambda row: value[row.id].get("loss", 9) <= 2 and row.experiment == "b",
        ),
    ]
    for descending in (False, True):
        for query, where in cases:
            wanted = expected(where, descending)
            for limit, offset in ((-1, 0), (7, 0), (7, 5), (100, 30), (3, 100)):
                got = store.read(
                    kept_runs.find,
                    RunQuery(order="metric:loss", descending=descending, limit=limit, offset=offset, **query),
                )
                assert ids(got) == (wanted[offset:] if limit < 0 else wanted[offset : offset + limit])


def test_rows_come_in_a_constant_number_of_queries(store):
    statements = []
    for number in range(1, 31):
        put_run(store, number, tags={"t": "1"}, params={"lr": "1"})
    counts = []
    for limit in (2, 30):
        statements.clear()
        store._db._reader().set_trace_callback(statements.append)
        assert len(store.read(kept_runs.find, RunQuery(limit=limit))) == limit
        store._db._reader().set_trace_callback(None)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 12


def test_references(store):
    for number in range(1, 4):
        put_run(store, number)
    twin = put_run(store, 9, name="calm-otter-1", experiment="other")
    newest = run_id(3)
    assert store.read(references.resolve, newest) == newest
    assert store.read(references.resolve, f" {newest.lower()} ") == newest
    assert store.read(references.resolve, "calm-otter-2") == run_id(2)
    assert store.read(references.resolve, "calm-otter-1") == twin
    assert store.read(references.resolve, "calm-otter-1", "default") == run_id(1)
    assert (store.read(references.resolve, "@1"), store.read(references.resolve, "@2")) == (twin, newest)
    assert store.read(references.resolve, "@1", "default") == newest
    assert store.read(references.resolve, "@1:default") == newest
    assert store.read(references.resolve, "@1:other", "default") == twin, "what it says itself counts"
    prefix = next(newest[:n] for n in range(1, 27) if not run_id(2).startswith(newest[:n]))
    assert store.read(references.resolve, prefix) == newest
    with pytest.raises(Ambiguous) as caught:
        store.read(references.resolve, newest[:4])
    assert len(caught.value.data["candidates"]) == 4
    for wrong in (
        "nobody",
        "@9",
        "@0",
        "@worst",
        "@9:default",
        "@1:nowhere",
        "@1:",
        "@best:",
        "",
        "%",
        newest[:-1] + "~",
    ):
        with pytest.raises(NotFound) as missing:
            store.read(references.resolve, wrong)
        assert missing.value.hint
    with pytest.raises(NotFound):
        store.read(references.resolve, "@1", "no such experiment")


def test_a_mistyped_name_is_asked_back(store):
    for number in range(1, 4):
        put_run(store, number)
    put_run(store, 7, name="brisk-heron-7")
    for wrong, meant in (("brisk", "brisk-heron-7"), ("brisk-herno-7", "brisk-heron-7")):
        with pytest.raises(NotFound) as missing:
            store.read(references.resolve, wrong)
        assert missing.value.hint == f"did you mean {meant}?"


def test_the_best_run_is_by_the_primary_metric(store):
    with pytest.raises(NotFound):
        store.read(references.resolve, "@best")
    values = {1: 0.5, 2: 0.2, 3: "nan", 4: 0.9, 5: "-inf"}
    for number, value in values.items():
        put_run(store, number)
        if number == 1:
            with pytest.raises(NotFound):
                store.read(references.resolve, "@best")
        feed(store, run_id(number), [header(), metric("loss", value)])
    put_run(store, 6)
    put_run(store, 7, experiment="measures-nothing")
    assert store.read(references.resolve, "@best") == run_id(2)
    store.write(experiments.update, "default", goal=Goal.MAXIMIZE)
    assert store.read(references.resolve, "@best", "default") == run_id(4)
    assert store.read(references.resolve, "@best:default") == run_id(4)
    store.write(kept_runs.archive, run_id(4), True)
    assert store.read(references.resolve, "@best") == run_id(1)
