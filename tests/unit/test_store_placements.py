"""Pools, and where runs of them are, in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.store_making import NOW, make_run, put_run, run_id, step
from workbench.entities.configuration import RunConfiguration
from workbench.entities.pool import Pool
from workbench.entities.run import RunState
from workbench.errors import Conflict, NotFound
from workbench.store.arriving.offsets import offsets
from workbench.store.blocking_store import Store
from workbench.store.fleet import placements, pools
from workbench.store.runs import run_rows, run_status
from workbench.store.sqlite import events


def placed(store: Store, number: int = 1) -> str:
    """A run of the pool lab, on box."""
    configuration = RunConfiguration(command=["true"], target="lab")
    return store.write(placements.insert, make_run(number), configuration, None, "lab")[0].id


def test_pools_are_kept_in_order_and_tell_of_themselves(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for name in ("b", "a"):
        store.write(pools.put, Pool(name=name, targets=["m1", "m2"], created=NOW))
    assert [pool.name for pool in store.read(pools.every)] == ["a", "b"]
    store.write(pools.remove, "a")
    assert store.read(pools.find, "a") is None
    with pytest.raises(NotFound):
        store.write(pools.remove, "a")
    told = [(event.subject, event.data) for event in store.read(events.after)]
    assert told[-1] == ("pools/a", {"removed": True})
    assert told[0] == ("pools/b", {"targets": ["m1", "m2"], "created": True})
    store.close()


def test_a_run_that_moves_forgets_what_was_heard_of_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    run = placed(store)
    put_run(store, 2)
    steps = [step(1, RunState.NOT_STARTED), step(2, RunState.PREPARING), step(3, RunState.QUEUED)]
    store.write(run_status.apply, run, steps, note="1 GPU wanted", as_of=NOW)
    store.write(store.spool.append, run, 0, b"set up\n")
    assert store.read(placements.waiting) == [(run, "lab")]
    moved = store.write(placements.move, store.spool, run, "m2")
    assert (moved.target, moved.status, moved.message) == ("m2", RunState.NOT_STARTED, None)
    here = store.read(offsets, store.spool, run)
    assert (here.seq, here.stream) == (0, 0)
    assert store.read(placements.find, run) == placements.Placement("lab", 2)
    assert store.read(placements.find, run_id(2)) is None
    store.write(store.spool.append, run, 0, b"again\n")
    store.write(run_status.apply, run, steps[:2], as_of=NOW)
    assert store.spool.path(run).read_bytes() == b"again\n"
    assert store.read(run_rows.get, run).status is RunState.PREPARING
    store.close()


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_run_that_has_begun_stays(tmp_path: Path, attempt: int) -> None:
    store = Store.open(tmp_path)
    run = placed(store)
    steps = [step(1, RunState.NOT_STARTED), step(2, RunState.RUNNING)]
    if attempt == 2:
        steps += [step(3, RunState.FAILED), step(4, RunState.NOT_STARTED, 2)]
    store.write(run_status.apply, run, steps, as_of=NOW)
    assert store.read(placements.waiting) == []
    with pytest.raises(Conflict):
        store.write(placements.move, store.spool, run, "m2")
    assert store.read(run_rows.get, run).target == "box"
    store.close()


def test_an_attempt_that_is_followed_by_another_is_no_completion(tmp_path: Path) -> None:
    """AZ-20: what the machine tries again by itself goes on."""
    store = Store.open(tmp_path)
    run = placed(store)
    steps = [step(1, RunState.RUNNING), step(2, RunState.FAILED), step(3, RunState.NOT_STARTED, 2)]
    store.write(run_status.apply, run, steps, as_of=NOW)
    store.write(run_status.apply, run, [step(4, RunState.COMPLETED, 2)], as_of=NOW)
    kinds = [event.kind for event in store.read(events.after)]
    assert kinds.count("RunCompleted") == 1
    assert kinds.count("RunStatusChanged") == 4
    store.close()


def test_who_waits_is_looked_for_among_runs_that_are_not_over(tmp_path: Path) -> None:
    """It is asked every ten seconds and with each look at the queues, also after 100,000 runs."""
    store = Store.open(tmp_path)
    said: list[str] = []

    def asked(connection: sqlite3.Connection) -> list[str]:
        connection.set_trace_callback(said.append)
        placements.waiting(connection)
        connection.set_trace_callback(None)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {said[-1]}")]

    assert "runs_active" in store.read(asked)[0]
    store.close()
