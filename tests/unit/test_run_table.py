"""The table of runs: pages in any order, what a row holds, and that a kept order never outlives a change."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.store_making import NOW, feed, header, make_run, metric, open_store, put_run, run_id, step
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Goal
from workbench.entities.run import RunState
from workbench.entities.run_row import RunRow
from workbench.errors import NotFound, UsageError
from workbench.store.lists import run_table
from workbench.store.lists.run_table import SPARKLINE, read_columns
from workbench.store.metrics import series
from workbench.store.queries import ordering, orders
from workbench.store.queries.query import NARROW, RunQuery
from workbench.store.runs import kept_runs, run_rows, run_status
from workbench.store.sqlite import events
from workbench.store.workspace import experiments

ALL = read_columns(None)
S = RunState


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def counted(store, **query):
    return store.read(store.orders.count, RunQuery(**query))


def shown(store, **query):
    return [row.id for row in store.read(run_table.page, store.orders, RunQuery(**query), ALL).rows]


def fill(store, count=30):
    """Runs of two experiments in several states, some with params and metrics."""
    chance = random.Random(8)
    for number in range(1, count + 1):
        params = {"lr": chance.choice(["0.1", "0.02", "high"])} if chance.random() < 0.8 else {}
        run = put_run(
            store,
            number,
            params=params,
            experiment=chance.choice("ab"),
            target=chance.choice(["gpu1", "gpu2"]),
            name=f"{chance.choice(['calm', 'brisk', 'dull'])}-{number}",
        )
        # Every experiment is judged by its loss, before anything else can be guessed.
        values = [chance.choice([1.0, 2.0, 3.0, "nan"]) for _ in range(3)] if chance.random() < 0.8 else []
        feed(store, run, [header(), *(metric("loss", value, at) for at, value in enumerate(values))])
        states = chance.choice([[], [S.QUEUED], [S.RUNNING], [S.RUNNING, S.COMPLETED], [S.FAILED]])
        steps = [step(seq + number * 7, state) for seq, state in enumerate(states, 1)]
        store.write(run_status.apply, run, steps, as_of=NOW)


KEYS = {
    "created": lambda run: run.created,
    "name": lambda run: run.name,
    "experiment": lambda run: run.experiment,
    "target": lambda run: run.target,
    "status": lambda run: ordering.STATES.index(run.status.value),
    "started": lambda run: run.started,
    "ended": lambda run: run.ended,
    "primary": lambda run: known(run.metrics["loss"].last) if run.metrics else None,
    "metric:loss": lambda run: known(run.metrics["loss"].last) if run.metrics else None,
    "best": lambda run: run.metrics["loss"].min if run.metrics else None,
    "min:loss": lambda run: run.metrics["loss"].min if run.metrics else None,
    "max:loss": lambda run: run.metrics["loss"].max if run.metrics else None,
    "param:lr": lambda run: None if "lr" not in run.params else param(run.params["lr"]),
}


def known(value):
    return None if math.isnan(value) else value


def param(text):
    return (1, 0, text) if text == "high" else (0, float(text), text)


def expected(runs, sort, descending):
    """The ids of runs in an order, by looking at every one of them; those without a value come last."""
    newest = sorted(runs, key=lambda run: run.id, reverse=True)
    if sort == "param:lr" and descending:  # texts come after numbers either way
        found = {run.id: KEYS[sort](run) for run in newest}
        numbers = [run for run in newest if found[run.id] and found[run.id][0] == 0]
        numbers.sort(key=lambda run: found[run.id][1], reverse=True)
        texts = [run for run in newest if found[run.id] and found[run.id][0] == 1]
        return [run.id for run in [*numbers, *texts, *(run for run in newest if not found[run.id])]]
    have = [run for run in newest if KEYS[sort](run) is not None]
    have.sort(key=KEYS[sort], reverse=descending)
    return [run.id for run in have] + [run.id for run in newest if KEYS[sort](run) is None]


@pytest.mark.parametrize("narrow", [0, NARROW], ids=["few fit", "most fit"])
def test_every_order_agrees_with_looking_at_every_run(store, monkeypatch, narrow):
    monkeypatch.setattr("workbench.store.queries.query.NARROW", narrow)
    fill(store)
    everything = store.read(kept_runs.find, RunQuery(limit=-1))
    for sort in KEYS:
        for descending in (False, True):
            for experiment in (None, "a"):
                fit = [run for run in everything if experiment in (None, run.experiment)]
                wanted = expected(fit, sort, descending)
                key = {run.id: KEYS[sort](run) for run in fit}
                query = {"order": sort, "descending": descending, "experiment": experiment}
                whole = shown(store, limit=-1, **query)
                assert [key[one] for one in whole] == [key[one] for one in wanted], (sort, descending)
                assert sorted(whole) == sorted(wanted)
                # Pages are slices of the whole: no row twice, none left out.
                pages = [shown(store, limit=7, offset=at, **query) for at in range(0, len(fit), 7)]
                assert [one for page in pages for one in page] == whole
                assert counted(store, limit=3, **query) == len(fit)


def test_a_page_that_is_not_full_tells_how_many_fit_and_no_page_counts_for_it(store, monkeypatch):
    fill(store)
    monkeypatch.setattr(ordering, "count", None)
    everything = len(store.read(kept_runs.find, RunQuery(limit=-1)))
    for query in (
        {},
        {"text": "calm"},
        {"filter": "loss>0.2"},
        {"order": "best"},
        {"order": "name"},
        {"tags": {}, "experiment": "a"},
    ):
        fit = len(shown(store, limit=-1, **query))
        assert 1 < fit <= everything
        store.orders = orders.Orders()
        for offset in (0, 1, fit - 1, fit):
            page = store.read(run_table.page, store.orders, RunQuery(offset=offset, **query), ALL)
            assert len(page.rows) == fit - offset
            assert page.total in (fit, None)
            assert offset == fit or page.total == fit
        store.orders = orders.Orders()
        first = store.read(run_table.page, store.orders, RunQuery(limit=1, **query), ALL)
        assert first.total in (None, fit)
        assert first.total is None or query.get("order") == "name"


def test_a_page_of_a_text_is_found_without_the_whole_order_until_that_is_kept(store, monkeypatch):
    fill(store)
    limits = []
    find = ordering.find
    monkeypatch.setattr(
        orders.ordering, "find", lambda at, query: limits.append(query.limit) or find(at, query)
    )
    asked = {"text": "calm", "limit": 1}
    first, second = shown(store, **asked), shown(store, offset=1, **asked)
    assert limits == [1, 1]
    assert counted(store, **asked) > 2
    assert shown(store, **asked) + shown(store, offset=1, **asked) == first + second
    assert limits == [1, 1, -1]
    shown(store, order="created", text="dull", offset=orders.SOON, limit=1)
    assert limits == [1, 1, -1, -1]


def test_filters_and_count(store):
    fill(store)
    everything = store.read(kept_runs.find, RunQuery(limit=-1))
    running = [run.id for run in everything if run.status is S.RUNNING]
    page = store.read(run_table.page, store.orders, RunQuery(statuses=(S.RUNNING,), limit=2), ALL)
    assert counted(store, statuses=(S.RUNNING,), limit=2) == len(running) > 2
    assert [row.id for row in page.rows] == running[:2]
    calm = [run.id for run in everything if "calm" in run.name and run.target == "gpu1"]
    assert shown(store, text="CALM", target="gpu1") == calm
    two = (run_id(3), run_id(7))
    assert shown(store, ids=(*two, "nobody")) == sorted(two, reverse=True)
    with pytest.raises(NotFound):
        shown(store, experiment="nothing")
    for wrong in ("", "loss", "metric:", "name:x", "created; DROP TABLE runs"):
        with pytest.raises(UsageError):
            shown(store, order=wrong)


def test_a_kept_order_never_outlives_a_change(store, monkeypatch):
    """A page asked for again is a slice of what was sorted once, and every change sorts anew."""
    sorts = []
    find = ordering.find
    monkeypatch.setattr(orders.ordering, "find", lambda *given: sorts.append(1) or find(*given))
    for number, name in enumerate(["m", "a", "z"], 1):
        put_run(store, number, name=name)
    assert shown(store, order="name") == [run_id(2), run_id(1), run_id(3)]
    assert shown(store, order="name", offset=1, limit=1) == [run_id(1)]
    feed(store, run_id(1), [header(), metric("loss", 1.0)])
    store.write(kept_runs.next_number)
    store.write(experiments.ensure, "default", NOW)
    assert len(sorts) == 1
    changes = [
        (lambda: store.write(kept_runs.describe, run_id(3), name="b"), [run_id(2), run_id(3), run_id(1)]),
        (lambda: store.write(kept_runs.archive, run_id(2)), [run_id(3), run_id(1)]),
        (lambda: put_run(store, 4, name="aa"), [run_id(4), run_id(3), run_id(1)]),
        (lambda: store.remove_run(run_id(4)), [run_id(3), run_id(1)]),
    ]
    for change, wanted in changes:
        change()
        assert shown(store, order="name") == wanted
    assert shown(store, order="name", statuses=(S.RUNNING,)) == []
    store.write(run_status.apply, run_id(1), [step(1, S.RUNNING)], as_of=NOW)
    assert shown(store, order="name", statuses=(S.RUNNING,)) == [run_id(1)]


def test_only_a_few_orders_are_kept(store):
    put_run(store)
    for number in range(20):
        shown(store, order="name", text=str(number))
    assert len(store.orders._kept) == orders.MAX_KEPT


def test_what_a_row_holds(store):
    run = make_run(params={"lr": "3e-4", "seed": "1"}, tags={"team": "vision", "bare": None}, gpus=["2"])
    store.write(kept_runs.insert, run, RunConfiguration(command=["true"]))
    values = [5.0, 2.0, "nan", 3.0]
    records = [metric("loss", value, at) for at, value in enumerate(values)]
    feed(store, run.id, [header(), *records, metric("acc", 0.5, 0)])
    store.write(run_status.apply, run.id, [step(1, S.QUEUED)], note="2 GPUs wanted, free 0", as_of=NOW)
    (row,) = store.read(run_table.page, store.orders, RunQuery(), ALL).rows
    whole = store.read(run_rows.get, run.id)
    for name in (
        "id",
        "name",
        "experiment",
        "target",
        "status",
        "created",
        "gpus",
        "params",
        "tags",
        "as_of",
    ):
        assert getattr(row, name) == getattr(whole, name), name
    assert row.message == "2 GPUs wanted, free 0"
    assert (row.metric, row.last, row.best, row.last_step) == ("loss", 3.0, 2.0, 3)
    assert row.metrics == {}
    assert [row.sparkline[0], row.sparkline[1], row.sparkline[3]] == [5.0, 2.0, 3.0]
    assert math.isnan(row.sparkline[2])
    store.write(experiments.update, "default", goal=Goal.MAXIMIZE)
    some = read_columns(
        ["param:lr", "metric:acc", "metric:nothing", "tag:bare", "spark:acc", "spark:nothing"]
    )
    (row,) = store.read(run_table.page, store.orders, RunQuery(), some).rows
    assert row.sparklines == {"acc": [0.5]}
    assert (row.best, row.sparkline) == (5.0, [])
    assert (row.params, row.tags, row.metrics) == ({"lr": "3e-4"}, {"bare": None}, {"acc": 0.5})
    assert store.read(run_table.column_names, RunQuery(experiment="default")) == {
        "params": ["lr", "seed"],
        "tags": ["bare", "team"],
        "metrics": ["acc", "loss"],
    }
    for wrong in (["param:"], ["lr"], ["metric:x"] * 201):
        with pytest.raises(UsageError):
            read_columns(wrong)


def test_a_run_that_measures_nothing_has_no_figures(store):
    put_run(store)
    (row,) = store.read(run_table.page, store.orders, RunQuery(), ALL).rows
    assert (row.metric, row.last, row.best, row.sparkline) == (None, None, None, [])
    feed(store, run_id(), [header(), metric("loss", "nan", 0)])
    (row,) = store.read(run_table.page, store.orders, RunQuery(), ALL).rows
    assert math.isnan(row.last)
    assert row.best is None


@pytest.mark.parametrize("points", [20, 3000, 20_000])
def test_a_sparkline_is_short_and_true(store, points):
    """From chunk summaries where there are chunks; it begins near the first value and ends at the last."""
    run = put_run(store)
    feed(store, run, [header()])
    for start in range(0, points, 10):  # in small batches, as a run writes them
        feed(store, run, [metric("loss", float(at), at) for at in range(start, min(points, start + 10))])
    (row,) = store.read(run_table.page, store.orders, RunQuery(), ALL).rows
    line = row.sparkline
    assert len(line) <= SPARKLINE
    assert line == sorted(line)
    assert line[-1] == points - 1
    assert line[0] < points / 10


def test_many_small_batches_are_read_in_a_few_pieces(store):
    run = put_run(store)
    feed(store, run, [header()])
    for at in range(1000):
        feed(store, run, [metric("loss", at * 0.5, at)])
    with store._db.read() as connection:
        pieces = connection.execute("SELECT count(*) FROM tails").fetchone()[0]
    assert pieces < 24
    assert list(store.read(series.columns, run, "loss")[2]) == [at * 0.5 for at in range(1000)]


def test_the_sequence_of_a_page_leaves_no_gap(store):
    put_run(store, 1)
    page = store.read(run_table.page, store.orders, RunQuery(), ALL)
    assert store.read(events.after, page.sequence) == []
    put_run(store, 2, created=NOW + timedelta(hours=1))
    assert {event.subject for event in store.read(events.after, page.sequence)} == {
        f"experiments/default/runs/{run_id(2)}"
    }


@pytest.mark.parametrize("order", ["created", "name", "primary", "param:lr"])
def test_runs_that_are_named_are_looked_up_and_no_others(store, order):
    fill(store)
    said = []

    def asked(connection):
        query = RunQuery(ids=(run_id(3), run_id(5)), order=order, archived=False)
        connection.set_trace_callback(said.append)
        try:
            found = ordering.find(connection, query)
            return found, ordering.count(connection, query)
        finally:
            connection.set_trace_callback(None)

    def plans(connection):
        return [
            row[3]
            for text in said
            if "runs r" in text
            for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")
            if " r " in f"{row[3]} "
        ]

    found, count = store.read(asked)
    assert len(found) == count == 2
    looked_up = store.read(plans)
    assert len(looked_up) == 2
    assert all("INTEGER PRIMARY KEY" in step for step in looked_up), looked_up


def test_any_figure_tag_and_attribute_can_be_a_column_and_an_order(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number, values in enumerate(([0.5, 0.9], [0.1, 0.2], [0.7, 0.3]), 1):
        put_run(store, number, experiment="mnist", command=f"train {number}", tags={"rank": str(9 - number)})
        feed(
            store, run_id(number), [header(), *(metric("acc", value, at) for at, value in enumerate(values))]
        )
    put_run(store, 4, experiment="mnist")
    wanted = read_columns(["min:acc", "max:acc", "best:acc", "attribute:command", "tag:rank"])

    def rows(**asked: Any) -> list[RunRow]:
        page = store.read(run_table.page, store.orders, RunQuery(experiment="mnist", **asked), wanted)
        return page.rows

    first = rows(order="best:acc", descending=True)
    assert [row.id for row in first] == [run_id(1), run_id(3), run_id(2), run_id(4)]
    assert first[1].figures == {"min:acc": 0.3, "max:acc": 0.7, "best:acc": 0.7}
    assert (first[1].attributes, first[1].tags) == ({"command": "train 3"}, {"rank": "6"})
    assert first[3].figures == {}
    store.write(experiments.update, "mnist", primary_metric="acc", goal=Goal.MINIMIZE)
    assert [row.figures.get("best:acc") for row in rows(order="best:acc")] == [0.1, 0.3, 0.5, None]
    assert [row.id for row in rows(order="tag:rank")] == [run_id(3), run_id(2), run_id(1), run_id(4)]
    for wrong in ("min:", "best", "attribute:mood"):
        with pytest.raises(UsageError):
            read_columns([wrong])
    store.close()
