"""The output of runs on this side: byte n of the spool is byte n of the stream.

Bytes are written first and the offset committed after, so what is committed is always there. Where the
machine dropped bytes the spool is sparse and the gap is on record.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from workbench.errors import Conflict
from workbench.store.database import Transaction


def length(connection: sqlite3.Connection, run: int, path: Path) -> int:
    """How much of the stream is here for sure: the committed offset, less when the file lost its end."""
    row = connection.execute("SELECT stop FROM streams WHERE run = ?", (run,)).fetchone()
    if row is None or row[0] == 0:
        return 0
    try:
        return min(int(row[0]), os.stat(path).st_size)
    except FileNotFoundError:
        return 0


def write(path: Path, offset: int, data: bytes) -> None:
    """Put data at offset of the spool. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written
    finally:
        os.close(descriptor)


def stretch(path: Path, stop: int) -> None:
    """Make the spool stop bytes long, without content where there was none. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < stop:
            os.truncate(descriptor, stop)
    finally:
        os.close(descriptor)


def wanted(have: int, offset: int, data: bytes) -> bytes:
    """What of data, which starts at offset, follows the first have bytes; Conflict when some between lack."""
    if offset > have:
        raise Conflict(f"bytes {have} to {offset} of the stream are missing")
    return data[have - offset :]


def commit(change: Transaction, run: int, stop: int) -> None:
    """Say that the stream is here up to stop."""
    change.execute(
        "INSERT INTO streams (run, stop) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET stop = excluded.stop", (run, stop)
    )


def add_gap(change: Transaction, run: int, start: int, stop: int) -> None:
    """Record that bytes start to stop are gone for good; gaps that touch become one."""
    near = change.execute(
        "SELECT start, stop FROM gaps WHERE run = ? AND start <= ? AND stop >= ?", (run, stop, start)
    ).fetchall()
    for other_start, other_stop in near:
        start, stop = min(start, other_start), max(stop, other_stop)
    change.execute("DELETE FROM gaps WHERE run = ? AND start >= ? AND stop <= ?", (run, start, stop))
    change.execute("INSERT INTO gaps (run, start, stop) VALUES (?, ?, ?)", (run, start, stop))


def gaps(connection: sqlite3.Connection, run: int) -> list[tuple[int, int]]:
    """The missing stretches of a stream as (start, stop), in order."""
    return connection.execute("SELECT start, stop FROM gaps WHERE run = ? ORDER BY start", (run,)).fetchall()
