"""The database file: one connection that writes, one a thread that reads, and who may use which.

The thread that opened the database is its writer; writing from another one is a mistake and raises. Any
thread may read, each through a read-only connection of its own that sees what was committed when its block
began (WAL): a long read delays no change, and no change a read.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.entities.base import to_wire
from workbench.entities.event import Event
from workbench.errors import StoreError
from workbench.store.sqlite.codec import micros
from workbench.store.sqlite.problems import explained

BUSY_MILLISECONDS = 10_000
CACHE_KIBIBYTES = 16_384
READER_CACHE_KIBIBYTES = 8_192


class Transaction:
    """One atomic change, with the events that tell of it."""

    def __init__(self, connection: sqlite3.Connection, actor: str) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.actor = actor
        self.now = datetime.now(UTC)
        self.events: list[Event] = []

    def event(
        self,
        kind: str,
        subject: str,
        data: dict[str, Any],
        *,
        fleeting: bool = False,
        actor: str | None = None,
    ) -> None:
        """Write down that subject changed. A fleeting event replaces the last of its kind and subject."""
        plain: dict[str, Any] = to_wire(data)
        text = json.dumps(plain, separators=(",", ":"))
        actor = actor or self.actor
        if fleeting:
            self.execute(
                "DELETE FROM events WHERE subject = ? AND kind = ? AND fleeting = 1", (subject, kind)
            )
        cursor = self.execute(
            "INSERT INTO events (time, actor, kind, subject, data, fleeting) VALUES (?, ?, ?, ?, ?, ?)",
            (micros(self.now), actor, kind, subject, text, int(fleeting)),
        )
        sequence = cursor.lastrowid
        assert sequence is not None
        self.events.append(
            Event(
                sequence=sequence,
                time=self.now,
                actor=actor,
                kind=kind,
                subject=subject,
                data=plain,
            )
        )


class _Reader:
    """A thread's read-only connection; closed when its thread or the database goes."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        self.connection.execute("PRAGMA query_only = 1")
        self.connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIBIBYTES}")

    def close(self) -> None:
        self.connection.close()

    def __del__(self) -> None:
        self.connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode with this store's settings."""
    connection = sqlite3.connect(
        path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = 1")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    # WAL with NORMAL never damages the file; a power cut may undo the last commits, offsets and data alike.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


class Database:
    """Connections to one file. Made by the thread that writes."""

    def __init__(self, path: Path, writer: sqlite3.Connection, actor: str) -> None:
        self.path = path
        self.actor = actor
        self.on_events: Callable[[list[Event]], None] | None = None
        self._writer = writer
        self._thread = threading.get_ident()
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._closed = False

    def check_writer(self) -> None:
        """Raise StoreError unless the calling thread may write."""
        self._check_open()
        if threading.get_ident() != self._thread:
            raise StoreError(
                "the store was written from a thread that is not its writer", "use the thread that opened it"
            )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    @contextmanager
    def write(self, actor: str | None = None) -> Iterator[Transaction]:
        """A transaction: all of the block, its events too, or nothing. Raises StoreError.

        Whoever listens hears of the events after the commit.
        """
        self.check_writer()
        connection = self._writer
        with explained(self.path):
            connection.execute("BEGIN IMMEDIATE")
            change = Transaction(connection, actor or self.actor)
            try:
                yield change
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        if change.events and self.on_events is not None:
            self.on_events(change.events)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database for the whole block. Raises StoreError."""
        self._check_open()
        connection = self._reader()
        with explained(self.path):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        found: _Reader | None = getattr(self._local, "reader", None)
        if found is None:
            with explained(self.path):
                found = _Reader(self.path)
            self._local.reader = found
            self._readers.add(found)
        return found.connection

    def close(self) -> None:
        """Close every connection; idempotent. Other threads must have ended their reads."""
        if self._closed:
            return
        self._closed = True
        for reader in list(self._readers):
            reader.close()
        self._writer.close()
