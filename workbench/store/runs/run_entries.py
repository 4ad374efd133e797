"""A run's tags, properties, params and warnings: small named texts, from people and from records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from workbench.errors import Conflict, UsageError
from workbench.remote.forms import protocol
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import number_of
from workbench.store.sqlite.database import Transaction
from workbench.text.sanitize import clean, clean_name

MAX_ENTRIES = 10_000
"""Tags, properties or params a run may have; more from a machine are dropped."""
MAX_WARNINGS = 200
"""Different warnings kept a run; the others are only counted."""


def put_tags(change: Transaction, number: int, tags: Mapping[str, str | None]) -> None:
    """Set tags of a run; a value may be None (AZ-78)."""
    _room(change, "run_tags", number, len(tags))
    change.executemany(
        "INSERT INTO run_tags (run, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (run, name) DO UPDATE SET value = excluded.value",
        [
            (number, entry_name(name), None if value is None else _value(value))
            for name, value in tags.items()
        ],
    )


def remove_tags(change: Transaction, number: int, names: Iterable[str]) -> None:
    """Take tags of a run away; what is none is passed over."""
    change.executemany(
        "DELETE FROM run_tags WHERE run = ? AND name = ?", [(number, entry_name(name)) for name in names]
    )


def put_params(change: Transaction, number: int, params: Mapping[str, str]) -> None:
    """Set params of a run; the last value given stays."""
    _room(change, "run_params", number, len(params))
    change.executemany(
        "INSERT INTO run_params (run, name, value, number) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, number = excluded.number",
        [(number, entry_name(name), _value(value), number_of(value)) for name, value in params.items()],
    )


def put_properties(change: Transaction, number: int, properties: Mapping[str, str]) -> None:
    """Add properties of a run; Conflict when one has another value already (AZ-78)."""
    _room(change, "run_properties", number, len(properties))
    for raw_name, raw_value in properties.items():
        name, value = entry_name(raw_name), _value(raw_value)
        row = change.execute(
            "SELECT value FROM run_properties WHERE run = ? AND name = ?", (number, name)
        ).fetchone()
        if row is None:
            change.execute(
                "INSERT INTO run_properties (run, name, value) VALUES (?, ?, ?)", (number, name, value)
            )
        elif row[0] != value:
            raise Conflict(
                f"property {name!r} has the value {row[0]!r} and cannot become {value!r}",
                "properties are never changed; use a tag for what changes",
            )


def _room(change: Transaction, table: str, number: int, more: int) -> None:
    if more == 0:
        return
    count = change.execute(f"SELECT count(*) FROM {table} WHERE run = ?", (number,)).fetchone()[0]
    if count + more > MAX_ENTRIES:
        raise Conflict(f"a run keeps at most {MAX_ENTRIES} entries in {table}")


def warn(change: Transaction, number: int, texts: list[str]) -> None:
    """Count warnings of a run and keep the different ones, up to MAX_WARNINGS."""
    if not texts:
        return
    kept = change.execute("SELECT count(*) FROM run_warnings WHERE run = ?", (number,)).fetchone()[0]
    distinct = list(dict.fromkeys(clean(text, protocol.MAX_VALUE) for text in texts))
    change.executemany(
        "INSERT INTO run_warnings (run, text) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(number, text) for text in distinct[: max(0, MAX_WARNINGS - kept)]],
    )
    change.execute("UPDATE runs SET warnings = warnings + ? WHERE number = ?", (len(texts), number))


def warnings(connection: sqlite3.Connection, run_id: str) -> list[str]:
    """The different warnings of a run, oldest first; raises NotFound."""
    number = run_rows.number(connection, run_id)
    rows = connection.execute("SELECT text FROM run_warnings WHERE run = ? ORDER BY id", (number,))
    return [row[0] for row in rows]


def entry_name(name: str) -> str:
    """name as it is kept; raises UsageError when nothing of it is left."""
    cleaned = clean_name(name, protocol.MAX_NAME)
    if not cleaned:
        raise UsageError("a tag, property or param needs a name")
    return cleaned


def _value(value: str) -> str:
    return clean(value, protocol.MAX_VALUE)
