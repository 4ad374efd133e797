"""The output of runs on this side: byte n of the spool is byte n of the stream.

Bytes are written first and the offset committed after, so what is committed is always there. Where the
machine dropped bytes the spool is sparse and the gap is on record.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import Conflict
from workbench.store.codec import LARGEST_SECONDS, micros
from workbench.store.database import Transaction

MARK_SECONDS = 5


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
        "INSERT INTO streams (run, stop) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET stop = excluded.stop",
        (run, stop),
    )


def mark(change: Transaction, run: int, start: int) -> None:
    """Note that bytes from start on come now; at most one note in MARK_SECONDS."""
    now = micros(change.now)
    row = change.execute("SELECT max(time) FROM stream_marks WHERE run = ?", (run,)).fetchone()
    if row[0] is None or not row[0] <= now < row[0] + MARK_SECONDS * 1_000_000:
        change.execute(
            "INSERT INTO stream_marks (run, time, start) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (run, now, start),
        )


def since(connection: sqlite3.Connection, run: int, seconds: float, end: int) -> int:
    """Where the stream stood so many seconds ago, up to MARK_SECONDS earlier; end when nothing came since."""
    horizon = micros(datetime.now(UTC)) - int(min(max(seconds, 0.0), LARGEST_SECONDS) * 1_000_000)
    row = connection.execute(
        "SELECT start FROM stream_marks WHERE run = ? AND time >= ? ORDER BY time LIMIT 1",
        (run, horizon - MARK_SECONDS * 1_000_000),
    ).fetchone()
    return end if row is None else min(int(row[0]), end)


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
