"""Models that runs asked to be registered: kept when they are read, answered once the run is Completed."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from workbench.remote.forms.tree_paths import path_problem
from workbench.store.records.record_batch import ModelRecord
from workbench.store.sqlite.codec import to_text
from workbench.store.sqlite.database import Transaction

MOST = 100
"""Models that one run may ask for."""


class ModelRequest(NamedTuple):
    """One that was asked for and has no answer yet."""

    name: str
    path: str
    """Relative to the run's folder."""
    about: dict[str, Any]


def put(change: Transaction, run: int, models: list[ModelRecord]) -> None:
    """Keep what a run's records ask for, once each; paths that lead elsewhere are left out."""
    kept = change.execute("SELECT count(*) FROM model_requests WHERE run = ?", (run,)).fetchone()[0]
    for model in models[: max(0, MOST - kept)]:
        if path_problem(model.path) is None and model.path.startswith("outputs"):
            change.execute(
                "INSERT INTO model_requests (run, name, path, data) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (run, name, path) DO NOTHING",
                (run, model.name, model.path, to_text(model.about)),
            )


def waiting(connection: sqlite3.Connection, run_id: str) -> list[ModelRequest]:
    """What a run asked for that has no answer yet."""
    rows = connection.execute(
        "SELECT q.name, q.path, q.data FROM model_requests q JOIN runs r ON r.number = q.run"
        " WHERE r.id = ? AND q.answer IS NULL ORDER BY q.rowid",
        (run_id,),
    )
    return [ModelRequest(name, path, json.loads(data)) for name, path, data in rows]


def unanswered(connection: sqlite3.Connection) -> list[str]:
    """The ids of runs that are Completed and wait for answers."""
    rows = connection.execute(
        "SELECT DISTINCT r.id FROM model_requests q JOIN runs r ON r.number = q.run"
        " WHERE q.answer IS NULL AND r.status = 'Completed' ORDER BY r.id"
    )
    return [run_id for (run_id,) in rows]


def answer(change: Transaction, run_id: str, request: ModelRequest, said: str) -> None:
    """Note what became of a request: NAME:VERSION, or why there is none."""
    change.execute(
        "UPDATE model_requests SET answer = ? WHERE name = ? AND path = ?"
        " AND run = (SELECT number FROM runs WHERE id = ?)",
        (said, request.name, request.path, run_id),
    )
