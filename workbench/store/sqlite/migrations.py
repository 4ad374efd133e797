"""Bringing a database to the newest schema, step by step, or refusing in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from workbench.errors import StoreError, StoreTooNew
from workbench.store.sqlite.schema import STEPS, Step

APPLICATION = 0x57424E43  # "WBNC", so that `file` and we ourselves can tell our databases from others


def version(connection: sqlite3.Connection) -> int:
    """The schema version of a database: how many steps it has behind it."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def migrate(connection: sqlite3.Connection, path: Path, steps: tuple[Step, ...] = STEPS) -> int:
    """Take the missing steps in one exclusive transaction; returns how many were taken.

    Raises StoreTooNew when a newer workbench wrote the database, StoreError when it is somebody else's.
    Interrupted at any moment, the database is as it was.
    """
    connection.execute("BEGIN EXCLUSIVE")
    try:
        before = version(connection)
        if before > len(steps):
            raise StoreTooNew(
                f"the database {path} has schema version {before}; this workbench knows up to {len(steps)}",
                "upgrade this workbench, or use the newer one that wrote it",
            )
        if before == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(f"{path} is a database of another program", "move it away")
        for step in steps[before:]:
            for statement in step:
                connection.execute(statement)
        if before < len(steps):
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return max(0, len(steps) - before)
