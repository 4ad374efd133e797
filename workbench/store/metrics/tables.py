"""What records hold besides numbers in series: rows and tables, texts, artifacts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from workbench.remote.forms.tree_paths import path_problem
from workbench.store.metrics.last_logged import chosen
from workbench.store.records.record_batch import Header, RecordBatch
from workbench.store.registry import model_requests
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import to_text
from workbench.store.sqlite.database import Transaction

MAX_ARTIFACTS = 10_000


def put(change: Transaction, run: int, header: Header, batch: RecordBatch) -> int:
    """Keep the rows, tables, texts and artifacts of a batch; returns how many paths were refused."""
    change.executemany(
        "INSERT INTO table_rows (run, name, rank, attempt, step, seconds, whole, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                run,
                row.name,
                header.rank,
                header.attempt,
                row.step,
                row.time,
                int(row.whole),
                to_text(row.data),
            )
            for row in batch.rows
        ],
    )
    change.executemany(
        "INSERT INTO texts (run, name, rank, attempt, step, seconds, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (run, item.name, header.rank, header.attempt, item.step, item.time, item.text)
            for item in batch.texts
        ],
    )
    model_requests.put(change, run, batch.models)
    return put_artifacts(change, run, batch.artifacts)


def put_artifacts(change: Transaction, run: int, artifacts: list[tuple[str, str]]) -> int:
    """Keep what a run called some of its files; returns how many paths were refused."""
    good = [(run, name, path) for name, path in artifacts if path_problem(path) is None]
    if good:
        kept = change.execute("SELECT count(*) FROM artifacts WHERE run = ?", (run,)).fetchone()[0]
        change.executemany(
            "INSERT INTO artifacts (run, name, path) VALUES (?, ?, ?)"
            " ON CONFLICT (run, name) DO UPDATE SET path = excluded.path",
            good[: max(0, MAX_ARTIFACTS - kept)],
        )
    return len(artifacts) - len(good)


def rows(
    connection: sqlite3.Connection, run_id: str, name: str | None = None, limit: int | None = None
) -> dict[str, dict[str, list[Any]]]:
    """Tables by name, each its columns: rows appended in the order written, tables joined on.

    A cell that a row does not have is None. The latest attempt that wrote a table is the one shown. limit:
    only the last so many rows or parts of the one that is named. Raises NotFound (run).
    """
    run = run_rows.number(connection, run_id)
    where, values = ("AND name = ?", [run, name]) if name is not None else ("", [run])
    found: Iterable[tuple[Any, ...]] = connection.execute(
        f"SELECT name, attempt, whole, data FROM table_rows WHERE run = ? {where} ORDER BY name, attempt, id",
        values,
    )
    if name is not None and limit is not None:
        last = connection.execute(
            "SELECT name, attempt, whole, data FROM table_rows WHERE id IN"
            " (SELECT id FROM table_rows WHERE run = ? AND name = ? ORDER BY attempt DESC, id DESC LIMIT ?)"
            " ORDER BY attempt, id",
            (run, name, max(0, limit)),
        )
        found = last
    tables: dict[str, dict[str, list[Any]]] = {}
    attempts: dict[str, int] = {}
    for table, attempt, whole, data in found:
        if attempts.get(table) != attempt:
            attempts[table] = attempt
            tables[table] = {}
        cells: dict[str, Any] = json.loads(data)
        _append(tables[table], cells if whole else {column: [cell] for column, cell in cells.items()})
    return tables


def _append(table: dict[str, list[Any]], more: dict[str, list[Any]]) -> None:
    height = max((len(column) for column in table.values()), default=0)
    added = max((len(column) for column in more.values()), default=0)
    for column in more:
        table.setdefault(column, [None] * height)
    for name, cells in table.items():
        new = more.get(name, [])
        cells.extend(new)
        cells.extend([None] * (added - len(new)))


def texts(
    connection: sqlite3.Connection, run_id: str, name: str | None = None, limit: int | None = None
) -> dict[str, list[tuple[int | None, str | None]]]:
    """Metrics whose values are texts (or nothing), by name: step and text in the order written.

    limit: only the last so many of each name. Raises NotFound (run).
    """
    run = run_rows.number(connection, run_id)
    where, values = chosen("texts", run, name, limit, among="name", newest="attempt DESC, id DESC")
    found: dict[str, list[tuple[int | None, str | None]]] = {}
    for key, step, text in connection.execute(
        f"SELECT name, step, value FROM texts WHERE {where} ORDER BY name, attempt, id", values
    ):
        found.setdefault(key, []).append((step, text))
    return found


def artifacts(connection: sqlite3.Connection, run_id: str) -> dict[str, str]:
    """What a run called some of its files: label to path relative to its folder; raises NotFound (run)."""
    run = run_rows.number(connection, run_id)
    found: Iterable[tuple[str, str]] = connection.execute(
        "SELECT name, path FROM artifacts WHERE run = ? ORDER BY name", (run,)
    )
    return dict(found)
