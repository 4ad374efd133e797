"""Taking records into the tables, each exactly once: a batch and the offset it ends at in one transaction."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from workbench.errors import Conflict
from workbench.remote.forms import protocol
from workbench.store.metrics import evaluations, series, summaries, tables
from workbench.store.metrics.plain_view import SeriesRow
from workbench.store.records.record_batch import Child, Header, RecordBatch
from workbench.store.runs import children, environments, roll_ups, run_entries
from workbench.store.sqlite.codec import plain_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, RUN_RECORDS, run_subject
from workbench.store.workspace import experiments

MAX_SERIES = 50_000
"""Series a run may have, over all names, ranks, attempts and processes; more are dropped with a warning."""
MAX_FILES = 100_000
"""Record files a run may have."""
MAX_NAMES_IN_EVENT = 100


class RecordFile(NamedTuple):
    """How far a record file was taken in, and its header once it was seen."""

    stop: int
    header: Header | None
    bad: int


class _Owner(NamedTuple):
    id: str
    parent: str | None
    number: int
    experiment: int
    subject: str
    actor: str


def record_file(connection: sqlite3.Connection, run: int, file: str) -> RecordFile:
    """How far a file was taken in; 0 and no header before the first time."""
    row = connection.execute(
        "SELECT stop, bad, attempt, rank, wall, child FROM record_files WHERE run = ? AND name = ?",
        (run, plain_text(file)),
    ).fetchone()
    if row is None:
        return RecordFile(0, None, 0)
    child = None if row[5] is None else Child(row[5])
    header = Header(attempt=row[2], rank=row[3], wall=row[4], child=child) if row[0] else None
    return RecordFile(row[0], header, row[1])


def stops(connection: sqlite3.Connection, run: int) -> dict[str, int]:
    """How far each record file of a run was taken in."""
    return dict(connection.execute("SELECT name, stop FROM record_files WHERE run = ?", (run,)).fetchall())


def take(change: Transaction, run: int, file: str, batch: RecordBatch, end: int, start: int | None) -> bool:
    """Take a batch in that ends at offset end of file; False when it was taken before.

    Raises Conflict when it starts elsewhere than the last one ended (start None: the caller knows it does).
    """
    file = plain_text(file)
    before = record_file(change.connection, run, file)
    if end <= before.stop:
        return False
    if start is not None and start != before.stop:
        raise Conflict(f"records from byte {start} do not follow byte {before.stop}")
    if before.stop == 0 and len(stops(change.connection, run)) >= MAX_FILES:
        raise Conflict(f"a run keeps at most {MAX_FILES} record files")
    header = before.header or batch.header
    kept_by = children.owner(change, run, header, before.header is None)
    child = None if header.child is None else header.child.id
    change.execute(
        "INSERT INTO record_files (run, name, stop, bad, attempt, rank, wall, child)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run, name) DO UPDATE SET stop = excluded.stop, bad = bad + excluded.bad",
        (run, file, end, batch.bad, header.attempt, header.rank, header.wall, child),
    )
    if kept_by is not None:
        _keep(change, kept_by, file, header, batch)
        if kept_by != run:
            children.ended(change, kept_by, header, batch)
    return True


def _keep(change: Transaction, run: int, file: str, header: Header, batch: RecordBatch) -> None:
    """Keep what a batch says of the run that it is about, and tell of it."""
    owner = _owner(change.connection, run)
    points = _metrics(change, owner, file, header, batch)
    _entries(change, run, batch)
    refused = tables.put(change, run, header, batch)
    evaluations.put(change, run, header, batch)
    environments.put(change, run, header, batch)
    warnings = list(batch.warnings)
    if refused:
        warnings.append("the path of an artifact lies outside the run's folder")
    run_entries.warn(change, run, warnings)
    _tell(change, owner, file, batch, points)


def _owner(connection: sqlite3.Connection, run: int) -> _Owner:
    row = connection.execute(
        "SELECT r.number, r.experiment, e.name, r.id, r.target, r.parent FROM runs r"
        " JOIN experiments e ON e.number = r.experiment WHERE r.number = ?",
        (run,),
    ).fetchone()
    return _Owner(row[3], row[5], row[0], row[1], run_subject(row[2], row[3]), f"compute/{row[4]}")


def _metrics(
    change: Transaction, owner: _Owner, file: str, header: Header, batch: RecordBatch
) -> dict[str, int]:
    """Append the points of a batch; returns how many were kept by name."""
    kept: dict[str, int] = {}
    new: list[str] = []
    dropped = 0
    for name, column in batch.metrics.items():
        rows = series.of_name(change.connection, owner.number, name, header.rank)
        before = next((row for row in rows if row.attempt == header.attempt and row.file == file), None)
        if before is None and not _room(change, owner.number):
            dropped += 1
            continue
        after = series.append(change, owner.number, (name, header.rank, header.attempt, file), before, column)
        others = [row for row in rows if row is not before]
        _plain(change, owner.number, name, header.rank, [*others, after])
        kept[name] = len(column.values)
        if not rows:
            new.append(name)
    if dropped:
        run_entries.warn(change, owner.number, [f"more than {MAX_SERIES} series: metrics were dropped"])
    if new:
        experiments.guess_primary(change, owner.experiment, new)
    return kept


def _room(change: Transaction, run: int) -> bool:
    """Whether the run may have one more series; counts it."""
    cursor = change.execute(
        "UPDATE runs SET series = series + 1 WHERE number = ? AND series < ?", (run, MAX_SERIES)
    )
    return cursor.rowcount == 1


def _plain(change: Transaction, run: int, name: str, rank: int, rows: list[SeriesRow]) -> None:
    """Keep the figure of the plain view up to date, when this rank is the one it shows."""
    shown = change.execute("SELECT rank FROM run_metrics WHERE run = ? AND name = ?", (run, name)).fetchone()
    if shown is not None and shown[0] < rank:
        return
    value = summaries.plain_value(change.connection, rows)
    last: float | None = None if value.last != value.last else value.last
    change.execute(
        "INSERT INTO run_metrics (run, name, rank, last, min, max, count, last_step)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, name) DO UPDATE SET rank = excluded.rank,"
        " last = excluded.last, min = excluded.min, max = excluded.max, count = excluded.count,"
        " last_step = excluded.last_step",
        (run, name, rank, last, value.min, value.max, value.count, value.last_step),
    )


def _entries(change: Transaction, run: int, batch: RecordBatch) -> None:
    """Params, tags and properties. What cannot be kept becomes a warning: a follower must get on."""
    try:
        run_entries.put_params(change, run, dict(batch.params))
        run_entries.put_tags(change, run, dict(batch.tags))
        run_entries.remove_tags(change, run, batch.untagged)
    except Conflict as problem:
        run_entries.warn(change, run, [problem.message])
    for name, value in batch.properties:
        try:
            run_entries.put_properties(change, run, {name: value})
        except Conflict as problem:
            run_entries.warn(change, run, [problem.message])


def _tell(change: Transaction, owner: _Owner, file: str, batch: RecordBatch, points: dict[str, int]) -> None:
    few = dict(list(points.items())[:MAX_NAMES_IN_EVENT])
    data: dict[str, Any] = {"file": file, "metrics": few, "names": len(points)}
    if owner.parent is not None:
        data["above"] = roll_ups.above(change.connection, owner.id)
    entries = batch.params or batch.tags or batch.untagged or batch.properties
    if entries or batch.warnings or batch.environments:
        data["run"] = True
    change.event(RUN_RECORDS, owner.subject, data, fleeting=True, actor=owner.actor)
    for state, _, _ in batch.statuses:
        if state in protocol.STATES:
            change.event(RUN_CHANGED, owner.subject, {"said": state}, actor=owner.actor)
