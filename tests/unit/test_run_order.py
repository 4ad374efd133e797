"""All ids of a long list, in its order, and how many runs go on."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

from tests.store_making import feed, header, make_run, metric, put_run, run_id, step
from workbench.entities.base import to_wire
from workbench.entities.run import RunState
from workbench.store.blocking_store import Store
from workbench.store.lists import run_order
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs, run_status


def test_the_order_is_that_of_the_pages_whatever_the_limit(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        for number in range(1, 31):
            run = put_run(store, number, name=f"n-{number * 7 % 31:02d}")
            if number % 3:
                feed(store, run, [header(), metric("loss", math.nan if number == 7 else number * 5 % 9)])
        orders = [("created", None), ("created", False)]
        orders += [(by, way) for by in ("name", "metric:loss", "best") for way in (False, True)]
        for order, descending in orders:
            query = RunQuery(order=order, descending=descending, limit=4)
            ids, groups, _ = store.read(run_order.order, store.orders, query, grouped=False)
            whole = store.read(kept_runs.find, RunQuery(order=order, descending=descending, limit=-1))
            assert ids == [run.id for run in whole]
            pages = [
                store.read(
                    kept_runs.find, RunQuery(order=order, descending=descending, limit=4, offset=offset)
                )
                for offset in range(0, 30, 4)
            ]
            assert ids == [run.id for page in pages for run in page]
            assert groups == []
            assert len(ids) == 30


def test_groups_stand_together_the_one_with_the_newest_run_first(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        for number, experiment in enumerate(["old", "new", "old", "other", "new"], 1):
            put_run(store, number, experiment=experiment)
        ids, groups, _ = store.read(run_order.order, store.orders, RunQuery(), grouped=True)
        assert groups == [("new", 2), ("other", 1), ("old", 2)]
        assert ids == [run_id(number) for number in (5, 2, 4, 3, 1)]


def test_a_filter_counts_for_the_order_and_its_groups(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        for number in range(1, 7):
            put_run(store, number, experiment="a" if number % 2 else "b", target="x" if number < 4 else "y")
        ids, groups, _ = store.read(run_order.order, store.orders, RunQuery(target="x"), grouped=True)
        assert ids == [run_id(number) for number in (3, 1, 2)]
        assert groups == [("a", 2), ("b", 1)]


def test_runs_that_go_on_are_counted_by_machine_and_state(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        for number in range(1, 5):
            put_run(store, number, target="gpu1" if number < 4 else "lab")
        store.write(run_status.apply, run_id(1), [step(1, RunState.RUNNING)], as_of=make_run().created)
        store.write(
            run_status.apply,
            run_id(2),
            [step(1, RunState.RUNNING), step(2, RunState.COMPLETED)],
            as_of=make_run().created,
        )
        assert sorted(store.read(run_order.active)) == [
            ("gpu1", "NotStarted", 1),
            ("gpu1", "Running", 1),
            ("lab", "NotStarted", 1),
        ]


def test_an_order_of_many_runs_reads_them_at_once(tmp_path: Path) -> None:
    """Above FEW runs the ids are read in one go; the answer is the same."""
    from workbench.store.lists import run_order

    with closing(Store.open(tmp_path)) as store:
        for number in range(1, 12):
            put_run(store, number, experiment="ab"[number % 2])
        few = store.read(run_order.order, store.orders, RunQuery(), grouped=True)
        before, run_order.FEW = run_order.FEW, 3
        try:
            assert store.read(run_order.order, store.orders, RunQuery(), grouped=True) == few
        finally:
            run_order.FEW = before
        assert to_wire(few[1]) == [["b", 6], ["a", 5]]
