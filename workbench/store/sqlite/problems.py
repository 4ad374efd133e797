"""What SQLite and the disk complain about, as errors a user can act on."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StoreDamaged, StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNREADABLE = {errno.EACCES, errno.EPERM, errno.EIO, errno.EISDIR, errno.ENOTDIR}
_LITTLE = 65536


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn sqlite3 errors and disk errors inside the block into StoreError about place."""
    try:
        yield
    except sqlite3.Error as problem:
        raise explain_sqlite(problem, place) from problem
    except OSError as problem:
        raise explain_disk(problem, place) from problem


def explain_sqlite(problem: sqlite3.Error, place: Path) -> StoreError:
    """The StoreError for what SQLite said about the database at place."""
    code = getattr(problem, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_FULL:
        return disk_full(place)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"the database {place} is locked by another process",
            "wait for it, or stop the server: wb server stop",
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(
            f"the database {place} is damaged: {problem}",
            "move the file away and adopt the runs again from their machines: wb compute adopt",
        )
    unreadable = _unreadable(place) if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR) else None
    if unreadable is not None:
        return StoreDamaged(
            f"the database {place} cannot be read: {unreadable.strerror}",
            "check its owner, its rights and the disk",
        )
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StoreError(
            f"the database {place} cannot be written: {problem}", "check the folder's owner and rights"
        )
    if primary == sqlite3.SQLITE_IOERR:
        full = _no_room(place.parent)  # a quota that is used up is any error to SQLite
        if full is not None:
            return explain_disk(full, place)
        return StoreError(
            f"reading or writing {place} failed: {problem}", "check the disk and its free space"
        )
    return StoreError(f"the database {place} refused: {problem}")


def explain_disk(problem: OSError, place: Path) -> StoreError:
    """The StoreError for what the file system said about place."""
    where = problem.filename or place
    if problem.errno in _FULL:
        return disk_full(place, quota=problem.errno == errno.EDQUOT)
    if problem.errno == errno.EFBIG:
        return StoreFull(
            f"{where} would be larger than the shell lets a file be",
            "lift the limit and start the server again: ulimit -f unlimited; wb server stop",
        )
    return StoreError(f"{where}: {problem.strerror or problem}", "check the folder's owner, rights and disk")


def _unreadable(place: Path) -> OSError | None:
    """Why the database's file itself cannot be read, None when it can or is not there: it is tried."""
    try:
        with place.open("rb") as file:
            file.read(_LITTLE)
    except OSError as problem:
        return problem if problem.errno in _UNREADABLE else None
    return None


def _no_room(folder: Path) -> OSError | None:
    """Why not even a little more fits into a folder, None when it does: it is tried."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(os.urandom(_LITTLE))
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as problem:
        return problem if problem.errno in _FULL else None
    return None


def disk_full(place: Path, quota: bool = False) -> StoreFull:
    """The error for a disk without room, quota: for this user; nothing of the change was kept."""
    return StoreFull(
        f"{'disk quota exceeded' if quota else 'disk full'} while writing {place}",
        "wb workspace prune --dry-run shows what may go, wb run rm removes runs; then try again:"
        " runs go on and nothing they wrote is lost",
    )
