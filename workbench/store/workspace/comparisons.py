"""The table of saved comparisons."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.saved_comparison import SavedComparison
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import COMPARISON_CHANGED


def every(connection: sqlite3.Connection, text: str | None = None) -> list[SavedComparison]:
    """All comparisons by name; with text those that have it in their name, their note or a run's name."""
    found = [
        _with_gone(connection, from_text(SavedComparison, row[0]))
        for row in connection.execute("SELECT data FROM comparisons ORDER BY name")
    ]
    wanted = (text or "").lower().split()
    return [item for item in found if all(word in _said(connection, item) for word in wanted)]


def get(connection: sqlite3.Connection, name: str) -> SavedComparison:
    """A comparison; raises NotFound."""
    row = connection.execute("SELECT data FROM comparisons WHERE name = ?", (plain_text(name),)).fetchone()
    if row is None:
        raise NotFound(
            f"no comparison {name!r} is saved",
            "wb run comparisons shows them; wb run compare RUN RUN --save NAME makes one",
        )
    return _with_gone(connection, from_text(SavedComparison, row[0]))


def put(change: Transaction, item: SavedComparison) -> SavedComparison:
    """Keep a comparison; one of its name is replaced, and keeps its note where none is given."""
    row = change.execute("SELECT data FROM comparisons WHERE name = ?", (item.name,)).fetchone()
    if row is not None:
        before = from_text(SavedComparison, row[0])
        note = before.note if item.note is None else item.note
        item = replace(item, created=before.created, note=note)
    _write(change, item, {"created": row is None})
    return get(change.connection, item.name)


def write_note(change: Transaction, name: str, note: str | None) -> SavedComparison:
    """Change what is said about a comparison; raises NotFound."""
    before = get(change.connection, name)
    _write(change, replace(before, note=note or None), {"note": note, "note_before": before.note})
    return get(change.connection, name)


def remove(change: Transaction, name: str) -> None:
    """Forget a comparison; raises NotFound."""
    get(change.connection, name)
    change.execute("DELETE FROM comparisons WHERE name = ?", (plain_text(name),))
    change.event(COMPARISON_CHANGED, f"compare/{name}", {"removed": True})


def _write(change: Transaction, item: SavedComparison, what: dict[str, object]) -> None:
    change.execute(
        "INSERT INTO comparisons (name, data) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET data = excluded.data",
        (item.name, to_text(replace(item, gone=[]))),
    )
    change.event(COMPARISON_CHANGED, f"compare/{item.name}", what)


def _with_gone(connection: sqlite3.Connection, item: SavedComparison) -> SavedComparison:
    return replace(item, gone=[run for run in item.runs if run not in _names(connection, item)])


def _said(connection: sqlite3.Connection, item: SavedComparison) -> str:
    return "\n".join([item.name, item.note or "", *_names(connection, item).values()]).lower()


def _names(connection: sqlite3.Connection, item: SavedComparison) -> dict[str, str]:
    marks = ", ".join("?" * len(item.runs))
    rows = connection.execute(f"SELECT id, name FROM runs WHERE id IN ({marks})", item.runs)
    return {str(row[0]): str(row[1]) for row in rows}
