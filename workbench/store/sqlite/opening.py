"""Opening the database of a folder: made, checked, migrated, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StoreError
from workbench.store.sqlite.database import Database, connect
from workbench.store.sqlite.location import network_filesystem_at
from workbench.store.sqlite.migrations import migrate
from workbench.store.sqlite.problems import explained

NAME = "workbench.db"
LOCK_SECONDS = 30.0


def open_database(directory: Path, actor: str) -> Database:
    """The database in directory with the newest schema; makes the folders spool/ and blobs/ beside it.

    Raises StoreTooNew, StoreError (damaged, locked, full, on a network file system).
    """
    path = directory / NAME
    with explained(path):
        for folder in (directory, directory / "spool", directory / "blobs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind = network_filesystem_at(directory)
    if kind is not None:
        raise StoreError(
            f"{directory} is on a network file system ({kind}), where the database would be damaged",
            "set WORKBENCH_HOME to a folder on a local disk",
        )
    with explained(path), _alone(directory / "opening.lock"):
        connection = connect(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    os.chmod(path, 0o600)
    return Database(path, connection, actor)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(
            f"the database {path} cannot use a write-ahead log ({mode})", "move the store to a local disk"
        )
    migrate(connection, path)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold lock against every other process that opens the same store."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"another process has been opening {lock.parent} for {LOCK_SECONDS:.0f} s",
                        "see what it waits for, or end it",
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
