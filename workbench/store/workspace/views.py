"""The table of saved views."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.view import View
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import VIEW_CHANGED


def every(connection: sqlite3.Connection) -> list[View]:
    """All views by name."""
    return [from_text(View, row[0]) for row in connection.execute("SELECT data FROM views ORDER BY name")]


def find(connection: sqlite3.Connection, name: str) -> View | None:
    """A view, None when there is none of that name."""
    row = connection.execute("SELECT data FROM views WHERE name = ?", (plain_text(name),)).fetchone()
    return None if row is None else from_text(View, row[0])


def get(connection: sqlite3.Connection, name: str) -> View:
    """A view; raises NotFound."""
    found = find(connection, name)
    if found is None:
        raise NotFound(f"no view {name!r}", "wb run views shows them; wb run views NAME --save makes one")
    return found


def put(change: Transaction, view: View) -> View:
    """Keep a view; one that is there is replaced and keeps when it was saved first."""
    before = find(change.connection, view.name)
    if before is not None:
        view = replace(view, created=before.created)
    change.execute(
        "INSERT INTO views (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data",
        (view.name, to_text(view)),
    )
    change.event(VIEW_CHANGED, f"views/{view.name}", {"created": before is None})
    return view


def remove(change: Transaction, name: str) -> None:
    """Forget a view; raises NotFound."""
    get(change.connection, name)
    change.execute("DELETE FROM views WHERE name = ?", (plain_text(name),))
    change.event(VIEW_CHANGED, f"views/{name}", {"removed": True})
