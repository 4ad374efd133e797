"""The table of files runs kept: what is on the machine, and which of it is here too."""

from __future__ import annotations

import sqlite3

from workbench.entities.run import RunFile
from workbench.errors import NotFound
from workbench.remote.forms import protocol
from workbench.remote.forms.tree_paths import path_problem
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import optional_micros, optional_moment
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject

MAX_FILES = 100_000


def put(change: Transaction, run_id: str, files: list[RunFile]) -> int:
    """Make files the listing of a run; returns how many were refused for their path or number.

    A file whose size and time are as before keeps its hash and stays collected; one no longer listed is
    forgotten unless its bytes are here.
    """
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    good = [file for file in files if path_problem(file.path) is None and file.size >= 0][:MAX_FILES]
    before = {file.path: file for file in _all(change.connection, number)}
    listed = {file.path for file in good}
    gone = [path for path, file in before.items() if path not in listed and not file.collected]
    changed = [file for file in good if not _same(before.get(file.path), file)]
    change.executemany(
        "INSERT INTO run_files (run, path, size, modified, sha256, collected) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run, path) DO UPDATE SET size = excluded.size, modified = excluded.modified,"
        " sha256 = excluded.sha256, collected = excluded.collected",
        [
            (
                number,
                _key(file.path),
                file.size,
                optional_micros(file.modified),
                file.sha256,
                int(file.collected),
            )
            for file in changed
        ],
    )
    change.executemany(
        "DELETE FROM run_files WHERE run = ? AND path = ?", [(number, _key(path)) for path in gone]
    )
    if changed or gone:
        data = {"files": len(changed), "gone": len(gone)}
        change.event(
            RUN_CHANGED,
            run_subject(run.experiment, run_id),
            data,
            fleeting=True,
            actor=f"compute/{run.target}",
        )
    return len(files) - len(good)


def every(connection: sqlite3.Connection, run_id: str) -> list[RunFile]:
    """The files of a run by path; raises NotFound."""
    return _all(connection, run_rows.number(connection, run_id))


def mark_collected(change: Transaction, run_id: str, path: str, sha256: str) -> None:
    """Say that a file's bytes are in the blobs here; raises NotFound."""
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    if not protocol.SHA256.match(sha256):
        raise NotFound(f"{sha256[:80]!r} is no sha256")
    cursor = change.execute(
        "UPDATE run_files SET sha256 = ?, collected = 1 WHERE run = ? AND path = ?",
        (sha256, number, _key(path)),
    )
    if cursor.rowcount == 0:
        raise NotFound(f"run {run_id} kept no file {path!r}", f"wb run files {run_id} shows them")
    change.event(RUN_CHANGED, run_subject(run.experiment, run_id), {"collected": path}, fleeting=True)


def _all(connection: sqlite3.Connection, number: int) -> list[RunFile]:
    rows = connection.execute(
        "SELECT path, size, modified, sha256, collected FROM run_files WHERE run = ? ORDER BY path", (number,)
    )
    return [
        RunFile(
            path=row[0].decode("utf-8", "surrogateescape"),
            size=row[1],
            modified=optional_moment(row[2]),
            sha256=row[3],
            collected=bool(row[4]),
        )
        for row in rows
    ]


def _same(before: RunFile | None, now: RunFile) -> bool:
    if before is None or (before.size, before.modified) != (now.size, now.modified):
        return False
    return now.sha256 in (None, before.sha256) and before.collected >= now.collected


def _key(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
