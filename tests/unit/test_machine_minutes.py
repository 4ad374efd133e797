"""Minutes of machines in the store: found again, by machine and series, and forgotten in time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store_making import open_store
from workbench.entities.machine_series import Minute, Span
from workbench.entities.target import Target, TargetKind
from workbench.store.blocking_store import Store
from workbench.store.fleet import machine_minutes, targets
from workbench.store.sqlite import events

FIRST = 29_833_334


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    for name in ("a", "b"):
        opened.write(targets.put, Target(name=name, kind=TargetKind.SSH, created=datetime.now(UTC)))
    yield opened
    opened.close()


def minute(number: int, **figures: float) -> Minute:
    return Minute(number, {name: Span(value / 2, value, value * 2) for name, value in figures.items()})


def test_what_was_kept_is_found_again_by_machine_and_series(store: Store) -> None:
    before = store.read(events.last_sequence)
    store.write(
        machine_minutes.put,
        {
            "a": [minute(FIRST, cpu=10, memory=80 * 2.0**30), minute(FIRST + 1, cpu=20, memory=2.0**30)],
            "b": [minute(FIRST, cpu=99)],
        },
    )
    found = store.read(machine_minutes.read, "a", ["cpu", "memory", "gpu:x:power"], FIRST, FIRST + 2)
    assert found["cpu"] == {FIRST: Span(5, 10, 20), FIRST + 1: Span(10, 20, 40)}
    assert math.isclose(found["memory"][FIRST].mean, 80 * 2**30, rel_tol=1e-3)
    assert found["gpu:x:power"] == {}
    assert store.read(machine_minutes.read, "a", ["cpu"], FIRST + 1, FIRST + 2)["cpu"].keys() == {FIRST + 1}
    assert store.read(machine_minutes.names, "a") == ["cpu", "memory"]
    assert store.read(events.last_sequence) == before, "no event tells of minutes"


def test_series_that_come_and_go_leave_gaps_and_not_zeros(store: Store) -> None:
    store.write(machine_minutes.put, {"a": [minute(FIRST, cpu=1)]})
    store.write(machine_minutes.put, {"a": [minute(FIRST + 1, cpu=2, power=3)]})
    store.write(machine_minutes.put, {"a": [minute(FIRST + 2, power=0.0)]})
    found = store.read(machine_minutes.read, "a", ["cpu", "power"], FIRST, FIRST + 9)
    assert found["cpu"].keys() == {FIRST, FIRST + 1}
    assert found["power"] == {FIRST + 1: Span(1.5, 3, 6), FIRST + 2: Span(0, 0, 0)}


def test_one_series_that_misses_a_minute_makes_no_new_layout(store: Store) -> None:
    for n in range(10):
        store.write(
            machine_minutes.put, {"a": [minute(FIRST + n, cpu=1, **({"power": 1} if n % 2 == 0 else {}))]}
        )
    assert store.read(lambda c: c.execute("SELECT count(*) FROM machine_layouts").fetchone()[0]) == 1


def test_a_minute_that_is_written_again_is_replaced(store: Store) -> None:
    store.write(machine_minutes.put, {"a": [minute(FIRST, cpu=1)]})
    store.write(machine_minutes.put, {"a": [minute(FIRST, cpu=4)]})
    assert store.read(machine_minutes.read, "a", ["cpu"], FIRST, FIRST + 1)["cpu"] == {FIRST: Span(2, 4, 8)}


def test_old_minutes_and_those_of_machines_that_were_let_go_are_forgotten(store: Store) -> None:
    store.write(
        machine_minutes.put,
        {"a": [minute(FIRST, cpu=1), minute(FIRST + 60, cpu=1)], "b": [minute(FIRST + 60, cpu=1)]},
    )
    assert store.write(machine_minutes.prune, FIRST + 30) == 1
    assert store.read(machine_minutes.read, "a", ["cpu"], FIRST, FIRST + 99)["cpu"].keys() == {FIRST + 60}
    store.write(targets.remove, "b")
    assert store.write(machine_minutes.prune, FIRST + 30) == 1
    assert store.read(machine_minutes.names, "b") == []
    assert store.read(machine_minutes.names, "a") == ["cpu"]
