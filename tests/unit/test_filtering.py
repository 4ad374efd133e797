"""Filters of runs in the store: whatever is asked, SQL finds what a naive look at every row finds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.filter_rows import Row, holds
from tests.filter_trees import FILTERS
from tests.store_making import NOW, feed, header, make_run, metric, open_store, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Goal
from workbench.entities.run import RunState
from workbench.store.blocking_store import Store
from workbench.store.lists import run_table
from workbench.store.queries import query
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs
from workbench.store.workspace import experiments
from workbench.text.filter_format import format
from workbench.text.filter_parse import parse
from workbench.text.filter_tree import Filter, mentions

NAN, INF = math.nan, math.inf
EVERY = tuple(RunState)
RUNS: list[dict[str, Any]] = [
    {"metrics": {"loss": [0.9, 0.5], "acc": [0.1, 0.9]}, "params": {"lr": "1e-3", "model": "resnet-50"}},
    {"metrics": {"loss": [0.5, NAN]}, "params": {"lr": "auto"}, "tags": {"model": "vgg", "lr": None}},
    {"metrics": {"lr": [0.001]}, "params": {"lr": "7"}, "status": RunState.FAILED, "ended": 3600},
    {"metrics": {"loss": [NAN]}, "params": {"loss": "0.5", "loss.min": "7"}, "status": RunState.RUNNING},
    {
        "params": {"lr": "inf", "val loss": "0"},
        "properties": {"model": "vgg", "loss": ""},
        "tags": {"loss": "0.5", "odd`name": "a'b"},
    },
    {"metrics": {"val loss": [7.0, -1.0], "loss.min": [0.0]}, "name": "vgg", "description": "VGG or so"},
    {"metrics": {"loss": [INF]}, "experiment": "other", "archived": True, "tags": {"model": "ResNet"}},
    {"experiment": "other", "name": "auto", "status": RunState.QUEUED, "started": None},
    {"metrics": {"acc": [0.5], "status": [7.0]}, "params": {"model": "50%"}, "tags": {"acc": "x_y"}},
    {"params": {"model": "é*["}, "description": "two words", "attempt": 2, "tags": {"status": "auto"}},
    {"metrics": {"acc": [-1.0, 0.001]}, "params": {"acc": "0.5"}, "experiment": "other", "ended": 60},
]


def make(store: Store) -> dict[str, Row]:
    """The runs, and each as a plain row by its id."""
    rows = {}
    for number, said in enumerate(RUNS, 1):
        facts = {"name": "resnet-50", "experiment": "mnist", "description": None, "attempt": 1} | {
            key: said[key] for key in ("name", "experiment", "description", "attempt") if key in said
        }
        status = said.get("status", RunState.COMPLETED)
        started = NOW + timedelta(seconds=number) if said.get("started", 1) is not None else None
        ended = started + timedelta(seconds=said.get("ended", 90)) if started and status.terminal else None
        told = {"status": status, "started": started, "ended": ended, "archived": said.get("archived", False)}
        named = {kind: said.get(kind, {}) for kind in ("tags", "params", "properties")}
        run = make_run(number, **facts, **told, **named, command="python train.py")
        store.write(kept_runs.insert, run, RunConfiguration(command=["true"]))
        points = [
            metric(name, repr(value) if not math.isfinite(value) else value, step)
            for name, values in said.get("metrics", {}).items()
            for step, value in enumerate(values)
        ]
        if points:
            feed(store, run.id, [header(), *points])
        attributes = {**facts, **told, "id": run.id, "created": run.created, "command": run.command}
        attributes["status"] = status.value
        maximized = frozenset({"acc"} if facts["experiment"] == "mnist" else ())
        rows[run.id] = Row(attributes, said.get("metrics", {}), **named, maximized=maximized)
    store.write(experiments.update, "other", primary_metric="acc", goal=Goal.MINIMIZE)
    return rows


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, dict[str, Row]]]:
    store = open_store(tmp_path_factory.mktemp("filters"))
    yield store, make(store)
    store.close()


def ids(store: Store, **asked: Any) -> list[str]:
    page = store.read(run_table.page, store.orders, RunQuery(limit=-1, **asked), run_table.Columns(False))
    assert page.total == len(page.rows)
    return [row.id for row in page.rows]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=FILTERS, few=st.booleans(), order=st.sampled_from(["created", "name", "metric:loss", "min:acc"]))
def test_the_store_finds_what_a_look_at_every_row_finds(
    kept: tuple[Store, dict[str, Row]],
    monkeypatch: pytest.MonkeyPatch,
    tree: Filter,
    few: bool,
    order: str,
) -> None:
    store, rows = kept
    monkeypatch.setattr(query, "NARROW", 2000 if few else 2)
    wanted = {run for run, row in rows.items() if holds(tree, row, datetime.now(UTC)) is True}
    if not mentions(tree, "archived"):
        wanted = {run for run in wanted if not rows[run].attributes["archived"]}
    found = ids(store, filter=format(tree), order=order)
    assert len(found) == len(set(found))
    assert {RUNS_BY_ID[run] for run in found} == {RUNS_BY_ID[run] for run in wanted}, format(tree)


RUNS_BY_ID = {run_id(number): number for number in range(1, len(RUNS) + 1)}


@settings(max_examples=400, deadline=None)
@given(FILTERS)
def test_what_is_written_is_read_as_the_same(tree: Filter) -> None:
    assert parse(format(tree)).tree == tree
