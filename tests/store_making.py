"""Stores, runs and record files for tests of what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.identity import make_run_id
from workbench.entities.run import Run, RunState, Transition
from workbench.store.arriving.offsets import offsets
from workbench.store.blocking_store import Store
from workbench.store.runs import kept_runs

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
FILE = "7-abc.jsonl"


def run_id(number: int = 1) -> str:
    """The id of the number-th run; ids sort by number."""
    return make_run_id(1_790_000_000_000 + number * 1000, number.to_bytes(10, "big"))


def make_run(number: int = 1, **changes: Any) -> Run:
    """A run; later numbers are younger."""
    values: dict[str, Any] = {
        "id": run_id(number),
        "name": f"calm-otter-{number}",
        "experiment": "default",
        "target": "box",
        "created": NOW + timedelta(seconds=number),
    }
    return Run(**(values | changes))


def put_run(store: Store, number: int = 1, **changes: Any) -> str:
    """Insert a run; its id."""
    return store.write(kept_runs.insert, make_run(number, **changes), RunConfiguration(command=["true"]))[
        0
    ].id


def step(seq: int, state: RunState, attempt: int = 1, **changes: Any) -> Transition:
    """A transition, seq seconds after NOW."""
    return Transition(
        seq=seq, state=state, time=NOW + timedelta(seconds=min(abs(seq), 1000)), attempt=attempt, **changes
    )


def header(attempt: int = 1, rank: int = 0, wall: float = 1_790_000_000.0) -> dict[str, Any]:
    """A record file's first line."""
    return {
        "k": "header",
        "v": 1,
        "run": run_id(),
        "attempt": attempt,
        "rank": rank,
        "pid": 7,
        "wall": wall,
        "mono": 5,
    }


def metric(name: str, value: Any, step: int | None = None, time: float = 0.0) -> dict[str, Any]:
    """A metric line."""
    record = {"k": "metric", "n": name, "v": value, "t": time}
    return record if step is None else record | {"s": step}


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    """Records as a file holds them."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def feed(store: Store, run: str, records: Iterable[dict[str, Any]], file: str = FILE) -> None:
    """Take records in at the end of file."""
    store.write(
        store.intake.take,
        run,
        file,
        store.read(offsets, store.spool, run).records.get(file, 0),
        lines(records),
    )


def open_store(place: Path) -> Store:
    """A store of its own below place."""
    return Store.open(place / "store")
