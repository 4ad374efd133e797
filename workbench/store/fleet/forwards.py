"""The table of forwards: what is opened again when the server comes back."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.forward import Forward, ForwardState
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import FORWARD_CHANGED


def every(connection: sqlite3.Connection) -> list[Forward]:
    """All, by local port."""
    rows = connection.execute("SELECT data FROM forwards ORDER BY local")
    return [from_text(Forward, row[0]) for row in rows]


def put(change: Transaction, forward: Forward) -> None:
    """Keep one, new or changed; how it stands at the moment is not kept."""
    kept = replace(forward, state=ForwardState.OPEN, problem=None, url=None, connections=0, served=0)
    change.execute(
        "INSERT INTO forwards (local, data) VALUES (?, ?)"
        " ON CONFLICT (local) DO UPDATE SET data = excluded.data",
        (kept.local, to_text(kept)),
    )
    change.event(FORWARD_CHANGED, f"forwards/{kept.local}", {"target": kept.target})


def remove(change: Transaction, local: int) -> None:
    """Forget one; raises NotFound."""
    found = change.execute("DELETE FROM forwards WHERE local = ?", (local,)).rowcount
    if not found:
        raise NotFound(f"no port {local} is forwarded", "wb compute forwards lists them")
    change.event(FORWARD_CHANGED, f"forwards/{local}", {"removed": True})
