"""How well models did, as runs logged it in stated schemas (AZ-97)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from workbench.entities.metric import Evaluation
from workbench.store.metrics.last_logged import chosen
from workbench.store.records.record_batch import Header, RecordBatch
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import to_text
from workbench.store.sqlite.database import Transaction


def put(change: Transaction, run: int, header: Header, batch: RecordBatch) -> None:
    """Keep the evaluations of a batch."""
    change.executemany(
        "INSERT INTO evaluations (run, name, rank, attempt, seconds, schema, version, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                run,
                item.name,
                header.rank,
                header.attempt,
                item.time,
                item.schema,
                item.version,
                to_text(item.data),
            )
            for item in batch.evaluations
        ],
    )


def of_run(
    connection: sqlite3.Connection, run_id: str, name: str | None = None, limit: int | None = None
) -> dict[str, list[Evaluation]]:
    """Evaluations by name, oldest first: of the latest attempt that logged one, of its lowest rank.

    limit: only the last so many of each name. Raises NotFound (run).
    """
    run = run_rows.number(connection, run_id)
    where, values = chosen("evaluations", run, name, limit, among="name, attempt, rank", newest="id DESC")
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for row in connection.execute(
        "SELECT name, attempt, rank, schema, version, data FROM evaluations"
        f" WHERE {where} ORDER BY name, attempt DESC, rank, id",
        values,
    ):
        same = rows.setdefault(row[0], [])
        if not same or same[0][1:3] == row[1:3]:
            same.append(row)
    return {
        key: [
            Evaluation(schema_type=schema, schema_version=version, data=json.loads(data))
            for _, _, _, schema, version, data in found
        ]
        for key, found in rows.items()
    }
