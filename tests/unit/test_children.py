"""Children in the store: rows from the records of the run that made them, and what there is below a run."""

from __future__ import annotations

import sqlite3

import pytest

from tests.store_making import NOW, feed, header, metric, open_store, put_run, run_id, step
from workbench.entities.experiment import Goal
from workbench.entities.run import RunChildren
from workbench.entities.run import RunState as S
from workbench.store.lists import run_order, run_table
from workbench.store.queries.query import RunQuery
from workbench.store.runs import children, kept_runs, run_entries, run_rows
from workbench.store.workspace import experiments

A, B, C = run_id(101), run_id(102), run_id(103)


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def of(child, name=None, parent=None, **changes):
    """The header of a file with a child's records."""
    told = {"id": child, "name": name, "parent": parent}
    return header(**changes) | {"child": {key: value for key, value in told.items() if value is not None}}


def said(state, message=None):
    return {"k": "status", "v": state, "message": message, "t": 9.0}


def test_the_records_of_a_child_are_its_own(store):
    """AZ-81, AZ-83, AZ-84."""
    root = put_run(store)
    store.write(children.apply, root, [step(1, S.RUNNING)], as_of=NOW)
    feed(store, root, [header(), metric("loss", 5.0)], "1-a.jsonl")
    feed(
        store, root, [of(A, "fold 1"), metric("loss", 0.5), {"k": "tag", "n": "fold", "v": "1"}], "1-b.jsonl"
    )
    feed(store, root, [of(B, "inner", A), metric("loss", 0.25), said("Failed", "diverged")], "1-c.jsonl")
    child, inner = store.read(run_rows.get, A), store.read(run_rows.get, B)
    assert (child.name, child.parent, child.inside, child.status) == ("fold 1", root, root, S.RUNNING)
    assert (child.metrics["loss"].last, child.tags, child.experiment, child.target) == (
        0.5, {"fold": "1"}, "default", "box",
    )  # fmt: skip
    assert (inner.parent, inner.inside, inner.status, inner.message) == (A, root, S.FAILED, "diverged")
    assert store.read(run_rows.get, root).metrics["loss"].last == 5.0
    assert store.read(children.of_run, root) == [A]
    assert store.read(children.of_run, root, recursive=True) == [A, B]
    store.write(children.apply, root, [step(2, S.COMPLETED)], as_of=NOW)
    assert store.read(run_rows.get, A).status is S.COMPLETED
    assert store.read(run_rows.get, B).status is S.FAILED


def test_what_comes_later_of_a_child_goes_to_it_too(store):
    """Also after a start of the server, when nothing but the file's name is known."""
    root = put_run(store)
    feed(store, root, [of(A), metric("loss", 1.0)])
    store.intake.forget(root)
    feed(store, root, [metric("loss", 2.0), said("Completed")])
    feed(store, root, [of(A), metric("acc", 0.9)], "2-fork.jsonl")
    child = store.read(run_rows.get, A)
    assert {name: value.last for name, value in child.metrics.items()} == {"loss": 2.0, "acc": 0.9}
    assert child.status is S.COMPLETED
    assert store.read(run_rows.get, root).metrics == {}


def test_a_grandchild_may_come_before_its_parent(store):
    root = put_run(store)
    feed(store, root, [of(B, "inner", A), metric("loss", 1.0)], "1-b.jsonl")
    feed(store, root, [of(A, "outer"), metric("loss", 2.0)], "1-a.jsonl")
    assert (store.read(run_rows.get, A).name, store.read(run_rows.get, A).parent) == ("outer", root)
    assert store.read(run_rows.get, B).parent == A
    feed(store, root, [of(A, "outer", B)], "1-c.jsonl")
    assert store.read(children.of_run, root, recursive=True) == [A, B], "no run is above itself"


@pytest.mark.parametrize("parent", [run_id(7), "nonsense", "../../etc"])
def test_a_header_cannot_reach_other_runs(store, parent):
    """A child with another run's id is left out, one below another run's is below this one."""
    root, other = put_run(store), put_run(store, 7)
    feed(store, root, [of(other, "mine now"), metric("loss", 1.0)], "1-a.jsonl")
    feed(store, root, [of("no id"), metric("loss", 1.0)], "1-b.jsonl")
    feed(store, root, [of(A, "child", parent), metric("loss", 1.0)], "1-c.jsonl")
    kept = store.read(run_rows.get, other)
    assert (kept.name, kept.metrics, kept.parent) == ("calm-otter-7", {}, None)
    assert store.read(run_rows.get, A).parent == root
    assert len(store.read(run_entries.warnings, root)) == 2


def test_a_run_makes_so_many_children_and_no_more(store, monkeypatch):
    monkeypatch.setattr(children, "MOST", 2)
    root = put_run(store)
    for place, child in enumerate((A, B, C)):
        feed(store, root, [of(child), metric("loss", 1.0)], f"1-{place}.jsonl")
    assert store.read(children.of_run, root) == [A, B]
    assert "at most 2" in store.read(run_entries.warnings, root)[0]


def test_a_child_that_was_removed_stays_away(store):
    root = put_run(store)
    feed(store, root, [of(A), metric("loss", 1.0)])
    store.write(kept_runs.remove, A)
    feed(store, root, [metric("loss", 2.0)])
    assert store.read(children.of_run, root) == []
    assert store.read(run_rows.get, root).metrics == {}


def test_a_run_takes_what_it_made_along_and_leaves_what_was_submitted(store):
    root = put_run(store)
    feed(store, root, [of(A), metric("loss", 1.0)])
    submitted = put_run(store, 9, parent=root)
    store.write(kept_runs.remove, root)
    assert [run.id for run in store.read(kept_runs.find, RunQuery(children=True))] == [submitted]
    assert store.read(run_rows.get, submitted).parent is None


def test_children_are_folded_for_who_browses_and_there_for_who_searches(store):
    root = put_run(store)
    store.write(experiments.update, "default", primary_metric="loss")
    feed(store, root, [of(A, "fold 1"), metric("loss", 0.5), said("Failed")], "1-a.jsonl")
    feed(store, root, [of(B, "fold 2", A), metric("loss", 0.25)], "1-b.jsonl")

    def names(**query):
        return [run.name for run in store.read(kept_runs.find, RunQuery(**query))]

    assert names() == names(active=True) == names(experiment="default") == ["calm-otter-1"]
    assert names(text="fold") == ["fold 2", "fold 1"]
    assert names(filter="loss<0.3") == ["fold 2"]
    assert names(filter="status=failed") == ["fold 1"]
    assert names(children=True, submitted=True) == ["calm-otter-1"]
    page = store.read(run_table.page, store.orders, RunQuery(), run_table.read_columns([]))
    assert page.total == 1
    assert page.rows[0].children == RunChildren(count=2, active=1, failed=1, best=0.25)
    below = store.read(run_table.page, store.orders, RunQuery(parent=root), run_table.read_columns([]))
    assert [(row.name, row.parent, row.inside) for row in below.rows] == [("fold 1", root, root)]


def test_children_stand_behind_the_runs_that_are_unfolded(store):
    first, second = put_run(store, 1, experiment="a"), put_run(store, 2, experiment="b")
    feed(store, first, [of(A, "fold 1")], "1-a.jsonl")
    feed(store, first, [of(B, "inner", A)], "1-b.jsonl")
    feed(store, second, [of(C, "other")], "1-c.jsonl")

    def order(*unfold, **query):
        return store.read(run_order.order, store.orders, RunQuery(**query), grouped=True, unfold=unfold)

    assert order() == ([second, first], [("b", 1), ("a", 1)], {})
    assert order(first) == ([second, first, A], [("b", 1), ("a", 2)], {A: 1})
    assert order(first, A, second) == (
        [second, C, first, A, B], [("b", 2), ("a", 3)], {C: 1, A: 1, B: 2},
    )  # fmt: skip
    assert order(first, A, text="inner") == ([B], [("a", 1)], {})
    assert order(first, children=True)[0].count(A) == 1


def test_however_many_runs_are_loaded_their_ids_are_no_parameters(store):
    """A query has only so many: adopting looks at all runs there are."""
    root = put_run(store)
    feed(store, root, [of(A), metric("loss", 1.0)])
    numbers = [store.read(run_rows.number, put_run(store, number)) for number in range(2, 9)]

    def load(connection):
        before = connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 3)
        try:
            return run_rows.load(connection, [run_rows.number(connection, root), *numbers])
        finally:
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)

    found = store.read(load)
    assert len(found) == 8
    assert found[0].children == RunChildren(count=1, active=1, best=1.0)


def test_children_are_judged_by_what_they_log(store):
    """Their experiment's metric where half of them log it, else what most of them log, with a guessed goal."""
    root = put_run(store)
    assert store.read(children.metric, root) == (None, Goal.MINIMIZE)
    feed(store, root, [header(), metric("loss", 5.0)], "1-a.jsonl")
    store.write(experiments.update, "default", primary_metric="loss")
    assert store.read(children.metric, root) == (None, Goal.MINIMIZE)
    for number, child in enumerate((A, B, C)):
        names = ("epoch", "val_acc") if number else ("epoch", "val_acc", "lr")
        feed(store, root, [of(child), *(metric(name, 0.5) for name in names)], f"1-c{number}.jsonl")
    assert store.read(children.metric, root) == ("val_acc", Goal.MAXIMIZE)
    feed(store, root, [of(A), metric("loss", 0.5)], "1-d.jsonl")
    assert store.read(children.metric, root)[0] == "val_acc"
    feed(store, root, [of(B), metric("loss", 0.5)], "1-e.jsonl")
    assert store.read(children.metric, root) == ("loss", Goal.MINIMIZE)
