"""The table of pools."""

from __future__ import annotations

import sqlite3

from workbench.entities.pool import Pool
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import POOL_CHANGED


def every(connection: sqlite3.Connection) -> list[Pool]:
    """All pools by name."""
    return [from_text(Pool, row[0]) for row in connection.execute("SELECT data FROM pools ORDER BY name")]


def find(connection: sqlite3.Connection, name: str) -> Pool | None:
    """A pool, None when there is none of that name."""
    row = connection.execute("SELECT data FROM pools WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_text(Pool, row[0])


def get(connection: sqlite3.Connection, name: str) -> Pool:
    """A pool; raises NotFound."""
    found = find(connection, name)
    if found is None:
        raise NotFound(f"no pool {name!r}", "wb compute pool ls shows them; wb compute pool set makes one")
    return found


def put(change: Transaction, pool: Pool) -> Pool:
    """Keep a pool; one that is there keeps when it was made."""
    before = find(change.connection, pool.name)
    if before is not None:
        pool = Pool(name=pool.name, targets=pool.targets, created=before.created)
    change.execute(
        "INSERT INTO pools (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data",
        (pool.name, to_text(pool)),
    )
    change.event(POOL_CHANGED, f"pools/{pool.name}", {"targets": pool.targets, "created": before is None})
    return pool


def remove(change: Transaction, name: str) -> None:
    """Forget a pool; raises NotFound. Its machines and runs stay as they are."""
    get(change.connection, name)
    change.execute("DELETE FROM pools WHERE name = ?", (name,))
    change.event(POOL_CHANGED, f"pools/{name}", {"removed": True})
