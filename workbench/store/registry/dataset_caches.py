"""The table of machines' caches that hold a dataset version, as far as this workspace had it brought."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from workbench.entities.dataset import CachedCopy
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import DATASET_CHANGED


def of_version(connection: sqlite3.Connection, name: str, version: int) -> list[CachedCopy]:
    """Where a version was brought, by machine, the newest first; machines that were detached are left out."""
    rows = connection.execute(
        "SELECT c.data FROM dataset_caches c JOIN targets t ON t.name = c.target"
        " WHERE c.name = ? AND c.version = ?",
        (name, version),
    )
    found = [from_text(CachedCopy, row[0]) for row in rows]
    found.sort(key=lambda copy: copy.brought, reverse=True)
    return sorted(found, key=lambda copy: copy.target)


def put(change: Transaction, name: str, version: int, copy: CachedCopy) -> None:
    """Keep that a machine has it; nothing for a version that was forgotten meanwhile."""
    place = (name, version, copy.target, copy.key)
    if not change.execute(
        "SELECT 1 FROM dataset_versions WHERE name = ? AND version = ?", (name, version)
    ).fetchone():
        return
    known = change.execute(
        "SELECT 1 FROM dataset_caches WHERE name = ? AND version = ? AND target = ? AND key = ?", place
    ).fetchone()
    change.execute(
        "INSERT INTO dataset_caches (name, version, target, key, data) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name, version, target, key) DO UPDATE SET data = excluded.data",
        (*place, to_text(copy)),
    )
    if known is None:
        change.event(DATASET_CHANGED, f"data/{name}:{version}", {"changed": ["caches"]})


def forget(change: Transaction, target: str, keys: Iterable[str]) -> None:
    """A machine does not have these any more, of whichever version they were."""
    for key in keys:
        change.execute("DELETE FROM dataset_caches WHERE target = ? AND key = ?", (target, key))
