"""Runs summed up by anything they have, by the store; views that are saved."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from tests.services import services
from tests.store_making import feed, header, make_run, metric, open_store, put_run, run_id
from workbench.entities.experiment import Goal
from workbench.entities.run import RunState
from workbench.errors import NotFound, UsageError
from workbench.store.blocking_store import Store
from workbench.store.lists import run_groups, run_order
from workbench.store.queries.query import RunQuery
from workbench.store.workspace import experiments

RUNS = [
    # lr, tags, state, losses
    ("1e-3", {"team": "a"}, RunState.COMPLETED, [0.9, 0.2]),
    ("1e-3", {"team": "b"}, RunState.FAILED, [0.1, 0.4]),
    ("1e-3", {"team": None}, RunState.RUNNING, [0.5, math.nan]),
    ("auto", {"team": "a"}, RunState.QUEUED, []),
    (None, {}, RunState.COMPLETED, [0.3, 0.3]),
    (None, {}, RunState.COMPLETED, [math.inf]),
]


def make(store: Store) -> None:
    for number, (lr, tags, state, losses) in enumerate(RUNS, 1):
        put_run(store, number, experiment="mnist", params={"lr": lr} if lr else {}, tags=tags, status=state)
        points = [
            metric("loss", value if math.isfinite(value) else repr(value), at)
            for at, value in enumerate(losses)
        ]
        if points:
            feed(store, run_id(number), [header(), *points])
    store.write(experiments.update, "mnist", primary_metric="loss", goal=Goal.MINIMIZE)


def test_groups_have_counts_best_and_mean(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    make(store)
    found = store.read(run_groups.groups, RunQuery(), "param:lr")
    assert [(group.value, group.count, group.active, group.failed) for group in found] == [
        ("1e-3", 3, 1, 1),
        (None, 2, 0, 0),
        ("auto", 1, 1, 0),
    ]
    assert [(group.best, group.best_run, group.measured) for group in found] == [
        (0.1, run_id(2), 2),
        (0.3, run_id(5), 1),
        (None, None, 0),
    ]
    assert found[0].mean == pytest.approx(statistics.mean([0.2, 0.4]))
    assert (found[1].mean, found[2].mean) == (0.3, None)
    assert {group.metric for group in found} == {"loss"}
    by_tag = store.read(run_groups.groups, RunQuery(), "tag:team")
    assert [(group.value, group.count) for group in by_tag] == [(None, 2), ("a", 2), ("", 1), ("b", 1)]
    by_state = store.read(run_groups.groups, RunQuery(filter="lr IS NOT NULL"), "status")
    assert {group.value: group.count for group in by_state} == dict.fromkeys(
        ("Completed", "Failed", "Running", "Queued"), 1
    )
    store.close()


def test_an_order_can_stand_in_groups_of_anything(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    make(store)
    query = RunQuery(filter="loss IS NOT NULL", order="metric:loss")
    ids, groups, _ = store.read(run_order.order, store.orders, query, grouped=False, group="param:lr")
    assert groups == [("1e-3", 3), (None, 2)]
    assert ids == [run_id(number) for number in (1, 2, 3, 5, 6)]
    with pytest.raises(UsageError):
        store.read(run_order.order, store.orders, query, grouped=False, group="mood")
    store.close()


def test_what_is_best_is_said_only_of_a_group_whose_runs_are_judged_alike(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    make(store)
    put_run(store, 7, experiment="other")
    feed(store, run_id(7), [header(), metric("acc", 0.9, 1)])
    store.write(experiments.update, "other", primary_metric="acc", goal=Goal.MAXIMIZE)
    by_experiment = store.read(run_groups.groups, RunQuery(), "experiment")
    assert [(group.value, group.count, group.metric) for group in by_experiment] == [
        ("mnist", 6, "loss"),
        ("other", 1, "acc"),
    ]
    assert [(group.best, group.best_run) for group in by_experiment] == [(0.1, run_id(2)), (0.9, run_id(7))]
    together = store.read(run_groups.groups, RunQuery(), "param:lr")
    assert [(group.value, group.metric, group.best, group.mean) for group in together] == [
        (None, None, None, None),
        ("1e-3", "loss", 0.1, pytest.approx(0.3)),
        ("auto", "loss", None, None),
    ]
    (only,) = store.read(run_groups.groups, RunQuery(filter="experiment=other"), "target")
    assert (only.metric, only.best, only.best_run) == ("acc", 0.9, run_id(7))
    for wrong in ("", "param:", "metric:loss", "created", "duration", "mood"):
        with pytest.raises(UsageError):
            run_groups.read_key(wrong)
    store.close()


async def test_a_view_is_saved_replaced_and_removed(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await live.store.write(lambda change: experiments.ensure(change, "mnist", make_run(1).created))
        saved = await live.call(
            "views.save", name="good", filter="loss<0.1", sort="best:loss", columns=["name"]
        )
        assert await live.call("views.list") == [saved]
        again = await live.call("views.save", name="good", filter="loss<0.2", group="param:lr")
        assert again == {
            "name": "good",
            "filter": "loss<0.2",
            "group": "param:lr",
            "created": saved["created"],
        }
        for wrong in ({"filter": "loss<"}, {"group": "mood"}, {"sort": "mood"}, {"columns": ["a"] * 101}):
            with pytest.raises(UsageError):
                await live.call("views.save", name="good", **wrong)
        with pytest.raises(UsageError):
            await live.call("views.save", name="../x")
        assert await live.call("views.get", name="good") == again
        await live.call("views.remove", name="good")
        for method in ("get", "remove"):
            with pytest.raises(NotFound):
                await live.call(f"views.{method}", name="good")
        groups = await live.call("runs.groups", by="status", filter="loss<1")
        assert groups == []
