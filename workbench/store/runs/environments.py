"""Which Pythons runs used on their machines, and what was installed in them (AZ-90)."""

from __future__ import annotations

import json
import sqlite3

from workbench.entities.run import Interpreter
from workbench.store.records.record_batch import Header, RecordBatch
from workbench.store.sqlite.codec import to_text
from workbench.store.sqlite.database import Transaction

MAX_INTERPRETERS = 16
"""Of one attempt; more from a machine are dropped."""


def put(change: Transaction, run: int, header: Header, batch: RecordBatch) -> None:
    """Keep the environments of a batch; what is installed is kept when a later record does not say it."""
    for item in batch.environments:
        others = change.execute(
            "SELECT count(*) FROM environments WHERE run = ? AND attempt = ? AND path != ?",
            (run, header.attempt, item.path),
        ).fetchone()[0]
        if others >= MAX_INTERPRETERS:
            continue
        count = None if item.distributions is None else len(item.distributions) + item.more
        data = None if item.distributions is None else to_text(item.distributions)
        change.execute(
            "INSERT INTO environments (run, attempt, path, place, version, platform, count, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, attempt, path) DO UPDATE SET"
            " place = excluded.place, version = excluded.version, platform = excluded.platform,"
            " count = coalesce(excluded.count, count), data = coalesce(excluded.data, data)",
            (run, header.attempt, item.path, item.place, item.version, item.platform, count, data),
        )


def of_runs(connection: sqlite3.Connection, among: str) -> dict[int, list[Interpreter]]:
    """The interpreters of each run's latest attempt, in the order they were seen.

    among: row numbers as the right side of IN.
    """
    found: dict[int, list[Interpreter]] = {}
    attempts: dict[int, int] = {}
    for run, attempt, path, version, platform, count in connection.execute(
        "SELECT run, attempt, path, version, platform, count FROM environments"
        f" WHERE run IN {among} ORDER BY run, attempt DESC, place"
    ):
        if attempts.setdefault(run, attempt) == attempt:
            interpreter = Interpreter(path=path, version=version, platform=platform, distributions=count)
            found.setdefault(run, []).append(interpreter)
    return found


def distributions(connection: sqlite3.Connection, run_id: str) -> dict[str, dict[str, str]]:
    """What was installed, name to version, by the interpreters' paths; what nobody could ask is left out."""
    rows = connection.execute(
        "SELECT v.path, v.data FROM runs r JOIN environments v ON v.run = r.number"
        " WHERE r.id = ? AND v.data IS NOT NULL AND v.attempt ="
        " (SELECT max(attempt) FROM environments WHERE run = r.number) ORDER BY v.place",
        (run_id,),
    )
    return {path: json.loads(data) for path, data in rows}
