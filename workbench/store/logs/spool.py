"""The output of runs on this side: byte n of the spool is byte n of the stream.

Bytes are written first and the offset committed after, so what is committed is always there. Where the
machine dropped bytes the spool is sparse and the gap is on record.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import Conflict
from workbench.store.logs.line_index import LineIndex
from workbench.store.logs.log_file import PACKED, LogFile, log_size, packed_path
from workbench.store.logs.log_times import LogTimes
from workbench.store.logs.packed_log import pack, packed_size
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import LARGEST_SECONDS, micros
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.problems import explained

MARK_SECONDS = 5


class Spool:
    """A folder with a file of output for each run, and the tables that say how much of it is sure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run_id: str) -> Path:
        """The file of the run's output; only its first `length` bytes are sure."""
        return self.folder / f"{run_id}.log"

    def line_index(self, run_id: str) -> LineIndex:
        """The line numbers of the run's output; it may be used in any thread."""
        return LineIndex(self.path(run_id), self._line_index_path(run_id))

    def files(self, run_id: str) -> Path:
        """The folder of what is here of the run's other logs; it may not exist."""
        return self.folder / f"{run_id}.files"

    def merged(self, run_id: str) -> Path:
        """The folder of logs merged of others, made anew when wanted."""
        return self.folder / f"{run_id}.merged"

    def times(self, run_id: str) -> LogTimes:
        """When the run's output came, by its machine's clock."""
        return LogTimes(self.folder / f"{run_id}.idx")

    def _line_index_path(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.lines"

    def length(self, connection: sqlite3.Connection, run_id: str) -> int:
        """How much of the stream is here: the committed offset, less when the file lost its end.

        Raises NotFound.
        """
        number = run_rows.number(connection, run_id)
        row = connection.execute("SELECT stop FROM streams WHERE run = ?", (number,)).fetchone()
        if row is None or row[0] == 0:
            return 0
        return min(int(row[0]), log_size(self.path(run_id)))

    def append(self, change: Transaction, run_id: str, offset: int, data: bytes) -> int:
        """Keep output that starts at offset; returns how much is here. What is here already is passed over.

        Raises NotFound; Conflict when bytes between are missing and no gap was recorded.
        """
        have = self.length(change.connection, run_id)
        new = _wanted(have, offset, data)
        if not new:
            return have
        number = run_rows.number(change.connection, run_id)
        with explained(self.folder):
            _write(self.path(run_id), have, new)
        if not self.dropped(run_id):  # what is fetched again did not come now
            _mark(change, number, have)
        _commit(change, number, have + len(new))
        return have + len(new)

    def add_gap(self, change: Transaction, run_id: str, start: int, stop: int) -> int:
        """Record that the machine no longer has bytes start to stop; returns how much is here, as appended.

        Raises NotFound; Conflict when bytes before start are missing too.
        """
        have = self.length(change.connection, run_id)
        _wanted(have, start, b"")
        if stop <= have:
            return have
        number = run_rows.number(change.connection, run_id)
        with explained(self.folder):
            _stretch(self.path(run_id), stop)
        _add_gap(change, number, have, stop)
        _commit(change, number, stop)
        return stop

    def since(self, connection: sqlite3.Connection, run_id: str, seconds: float) -> int:
        """From which byte of the stream on came what came in the last so many seconds, by this side's clock.

        Up to MARK_SECONDS more rather than less; the stream's length when nothing came. Raises NotFound.
        """
        end = self.length(connection, run_id)
        horizon = micros(datetime.now(UTC)) - int(min(max(seconds, 0.0), LARGEST_SECONDS) * 1_000_000)
        row = connection.execute(
            "SELECT start FROM stream_marks WHERE run = ? AND time >= ? ORDER BY time LIMIT 1",
            (run_rows.number(connection, run_id), horizon - MARK_SECONDS * 1_000_000),
        ).fetchone()
        return end if row is None else min(int(row[0]), end)

    def pack(self, run_id: str, size: int, going_on: Callable[[], bool]) -> bool:
        """Compress the output of a run that is over, size bytes of it; whether that was done to the end.

        For a thread of its own; `drop_plain` removes what was packed. Who is killed in between leaves the
        plain file, and the next call goes on from there. Raises StoreError.
        """
        path, packed = self.path(run_id), packed_path(self.path(run_id))
        with explained(self.folder):
            if packed_size(packed) >= size:
                return True
            with LogFile(path) as log:
                if log.size < size or not pack(log.read, size, packed, going_on):
                    return False
            self._settle()
        return True

    def drop_plain(self, change: Transaction, run_id: str) -> bool:
        """Remove the plain output of which all is packed; whether it was. Raises NotFound."""
        path = self.path(run_id)
        with explained(self.folder):
            have = self.length(change.connection, run_id)
            if not have or packed_size(packed_path(path)) < max(have, _plain_size(path)):
                return False  # more came since
            path.unlink(missing_ok=True)
        return True

    def drop(self, change: Transaction, run_id: str) -> int:
        """Remove all output of a run, which its machine has still; bytes that were freed. Raises NotFound.

        That it was is kept: `dropped` says so until `taken_back`.
        """
        run_rows.number(change.connection, run_id)
        path = self.path(run_id)
        freed = 0
        with explained(self.folder):
            self._note(run_id).touch(0o600)
            for name in (path, packed_path(path), self._line_index_path(run_id)):
                try:
                    freed += name.stat().st_blocks * 512
                    name.unlink()
                except FileNotFoundError:
                    continue
        return freed

    def dropped(self, run_id: str) -> bool:
        """Whether output of the run was removed to save room, and is not all here again."""
        return self._note(run_id).exists()

    def count_dropped(self) -> int:
        """Of how many runs output was removed to save room. For a thread."""
        with explained(self.folder):
            return sum(1 for _ in self.folder.glob("*.dropped"))

    def taken_back(self, run_id: str) -> None:
        """All output of the run is here again."""
        self._note(run_id).unlink(missing_ok=True)

    def _note(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.dropped"

    def room(self) -> int:
        """Bytes that all logs take on the disk. For a thread."""
        with explained(self.folder):
            return _size(self.folder)

    def room_of(self, run_id: str) -> int:
        """Bytes that the output of a run takes on the disk. For a thread."""
        path, size = self.path(run_id), 0
        for name in (path, packed_path(path)):
            with suppress(FileNotFoundError):
                size += name.stat().st_blocks * 512
        return size

    def forget_merged(self) -> None:
        """Remove what is left of merged logs: they are made anew. For a thread, before any is made."""
        with explained(self.folder):
            for folder in self.folder.glob("*.merged"):
                shutil.rmtree(folder, ignore_errors=True)

    def oldest(self) -> list[str]:
        """The runs of which there is output, the one that wrote least lately first. For a thread."""
        found: dict[str, float] = {}
        with explained(self.folder), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith((".log", f".log{PACKED}", ".files")):
                    run = entry.name.partition(".")[0]
                    found[run] = max(found.get(run, 0.0), entry.stat().st_mtime)
        return sorted(found, key=lambda run: found[run])

    def unpacked(self, least: int) -> list[str]:
        """The runs whose output is plain and has so many bytes at least."""
        with explained(self.folder), os.scandir(self.folder) as entries:
            return [
                entry.name.removesuffix(".log")
                for entry in entries
                if entry.name.endswith(".log") and entry.stat().st_size >= least
            ]

    def _settle(self) -> None:
        """Have new names in the folder outlive a power cut."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, run_id: str) -> None:
        """Delete the run's output."""
        with explained(self.folder):
            self.path(run_id).unlink(missing_ok=True)
            packed_path(self.path(run_id)).unlink(missing_ok=True)
            self._note(run_id).unlink(missing_ok=True)
            (self.folder / f"{run_id}.idx").unlink(missing_ok=True)
            for folder in (self.files(run_id), self.merged(run_id)):
                shutil.rmtree(folder, ignore_errors=True)
            self._line_index_path(run_id).unlink(missing_ok=True)


def gaps(connection: sqlite3.Connection, run_id: str) -> list[tuple[int, int]]:
    """The missing stretches of a run's stream as (start, stop), in order; raises NotFound."""
    number = run_rows.number(connection, run_id)
    return connection.execute(
        "SELECT start, stop FROM gaps WHERE run = ? ORDER BY start", (number,)
    ).fetchall()


def _write(path: Path, offset: int, data: bytes) -> None:
    """Put data at offset of the spool. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written
    finally:
        os.close(descriptor)


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(
            _size(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else entry.stat().st_blocks * 512
            for entry in entries
        )


def _plain_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _stretch(path: Path, stop: int) -> None:
    """Make the spool stop bytes long, without content where there was none. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < stop:
            os.truncate(descriptor, stop)
    finally:
        os.close(descriptor)


def _wanted(have: int, offset: int, data: bytes) -> bytes:
    """What of data, which starts at offset, follows the first have bytes; Conflict when some between lack."""
    if offset > have:
        raise Conflict(f"bytes {have} to {offset} of the stream are missing")
    return data[have - offset :]


def _commit(change: Transaction, run: int, stop: int) -> None:
    """Say that the stream is here up to stop."""
    change.execute(
        "INSERT INTO streams (run, stop) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET stop = excluded.stop",
        (run, stop),
    )


def _mark(change: Transaction, run: int, start: int) -> None:
    """Note that bytes from start on come now; at most one note in MARK_SECONDS."""
    now = micros(change.now)
    row = change.execute("SELECT max(time) FROM stream_marks WHERE run = ?", (run,)).fetchone()
    if row[0] is None or not row[0] <= now < row[0] + MARK_SECONDS * 1_000_000:
        change.execute(
            "INSERT INTO stream_marks (run, time, start) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (run, now, start),
        )


def _add_gap(change: Transaction, run: int, start: int, stop: int) -> None:
    """Record that bytes start to stop are gone for good; gaps that touch become one."""
    near = change.execute(
        "SELECT start, stop FROM gaps WHERE run = ? AND start <= ? AND stop >= ?", (run, stop, start)
    ).fetchall()
    for other_start, other_stop in near:
        start, stop = min(start, other_start), max(stop, other_stop)
    change.execute("DELETE FROM gaps WHERE run = ? AND start >= ? AND stop <= ?", (run, start, stop))
    change.execute("INSERT INTO gaps (run, start, stop) VALUES (?, ?, ?)", (run, start, stop))
