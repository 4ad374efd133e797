"""A run out of the tables and into them again, for who hands it on in a file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from workbench.entities.base import replace, to_wire
from workbench.entities.run import Run
from workbench.entities.run_bundle import BundledRun
from workbench.entities.run_data import RunData
from workbench.remote.forms import record_form as form
from workbench.store.metrics import chunks, series, tables
from workbench.store.metrics.plain_view import SeriesRow
from workbench.store.runs import files, kept_runs, run_data, run_entries, run_rows, run_status
from workbench.store.sqlite.codec import micros
from workbench.store.sqlite.database import Transaction

TOGETHER = "records/bundle"
"""What record files are called of what the tables keep without the file it came from."""


def family(connection: sqlite3.Connection, run_id: str) -> list[str]:
    """The run in whose folder a run is, then all that it made in its own process. Raises NotFound."""
    found = run_rows.get(connection, run_id)
    root = found.inside or found.id
    rows = connection.execute("SELECT id FROM runs WHERE inside = ? ORDER BY id", (root,))
    return [root, *(str(row[0]) for row in rows)]


def find(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """The run of that id, None when it is not here."""
    row = connection.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else run_rows.get(connection, run_id)


def contents(connection: sqlite3.Connection, run_id: str) -> BundledRun:
    """All that is known of a run but points, output and bytes of files. Raises NotFound."""
    number = run_rows.number(connection, run_id)
    gaps = connection.execute("SELECT start, stop FROM gaps WHERE run = ? ORDER BY start", (number,))
    return BundledRun(
        run=run_rows.get(connection, run_id),
        configuration=kept_runs.configuration(connection, run_id),
        diff=kept_runs.diff_text(connection, run_id),
        transitions=run_status.known_transitions(connection, number),
        warnings=run_entries.warnings(connection, run_id),
        artifacts=tables.artifacts(connection, run_id),
        files=files.every(connection, run_id),
        gaps=[(row[0], row[1]) for row in gaps],
    )


def write_records(connection: sqlite3.Connection, run_id: str, folder: Path) -> list[str]:
    """Write what a run recorded as record files called 0, 1, ... in a folder; what each was called."""
    number = run_rows.number(connection, run_id)
    names: list[str] = []
    rows = sorted(
        series.of_run(connection, number), key=lambda row: (row.file, row.attempt, row.rank, row.id)
    )
    for (file, attempt, rank), of_file in groupby(rows, key=lambda row: (row.file, row.attempt, row.rank)):
        with open(folder / str(len(names)), "w", encoding="ascii") as out:
            out.write(_header(attempt, rank))
            for row in of_file:
                out.writelines(_points(connection, row))
        names.append(file)
    for attempt, rank in sorted(_places(connection, number)):
        with open(folder / str(len(names)), "w", encoding="ascii") as out:
            out.write(_header(attempt, rank))
            out.writelines(_others(connection, number, attempt, rank))
        names.append(f"{TOGETHER}-{attempt}-{rank}.jsonl")
    return names


def put(change: Transaction, bundled: BundledRun) -> Run:
    """Make the row of a run that is not here, with its transitions, files and small things.

    Its state is as it was left: nothing is told of a change of it. Raises UsageError, Conflict.
    """
    run = bundled.run
    kept_runs.insert(change, replace(run, warnings=0), bundled.configuration, bundled.diff)
    number = run_rows.number(change.connection, run.id)
    run_status.keep(change, number, bundled.transitions)
    run_entries.warn(change, number, bundled.warnings)
    change.execute("UPDATE runs SET warnings = ? WHERE number = ?", (run.warnings, number))
    tables.put_artifacts(change, number, list(bundled.artifacts.items()))
    run_data.put(change, run.id, [settled(row) for row in (*run.inputs, *run.outputs)])
    files.put(change, run.id, [replace(file, collected=False) for file in bundled.files])
    return run_rows.get(change.connection, run.id)


def settled(row: RunData) -> RunData:
    """Data as another workspace knew it: its versions are none of this one's, and nothing waits here."""
    state = "ready" if row.state == "waiting" else row.state
    return replace(row, asset=None, registers=None, state=state, source=row.source or row.asset)


def settle_output(change: Transaction, run: Run) -> None:
    """Output that came with a bundle came when the run ended, not now."""
    number = run_rows.number(change.connection, run.id)
    change.execute("DELETE FROM stream_marks WHERE run = ?", (number,))
    at = micros(run.ended or run.created)
    change.execute("INSERT INTO stream_marks (run, time, start) VALUES (?, ?, 0)", (number, at))


def _header(attempt: int, rank: int) -> str:
    said = {"k": form.RECORD_HEADER, "v": form.VERSION, "attempt": attempt, "rank": rank, "wall": 0.0}
    return _line(**said)


def _points(connection: sqlite3.Connection, row: SeriesRow) -> Iterator[str]:
    points = chunks.empty()
    series.read_all(connection, row, points)
    begin = f'{{"k":"metric","n":{json.dumps(row.name)},"s":'
    for step, time, value in zip(*points, strict=True):
        said = repr(value) if value - value == 0.0 else f'"{form.encode_number(value)}"'
        yield f'{begin}{step},"t":{time!r},"v":{said}}}\n'


def _places(connection: sqlite3.Connection, run: int) -> set[tuple[int, int]]:
    """The attempts and ranks that left something besides points."""
    found = connection.execute(
        "SELECT attempt, rank FROM texts WHERE run = ?"
        " UNION SELECT attempt, rank FROM table_rows WHERE run = ?"
        " UNION SELECT attempt, rank FROM evaluations WHERE run = ?"
        " UNION SELECT attempt, 0 FROM environments WHERE run = ?",
        (run, run, run, run),
    )
    return {(row[0], row[1]) for row in found}


def _others(connection: sqlite3.Connection, run: int, attempt: int, rank: int) -> Iterator[str]:
    where, which = "WHERE run = ? AND attempt = ? AND rank = ? ORDER BY id", (run, attempt, rank)
    for name, step, time, text in connection.execute(
        f"SELECT name, step, seconds, value FROM texts {where}", which
    ):
        yield _line(k=form.RECORD_METRIC, n=name, s=step, t=time, text=text)
    for name, step, time, whole, data in connection.execute(
        f"SELECT name, step, seconds, whole, data FROM table_rows {where}", which
    ):
        kind = form.RECORD_TABLE if whole else form.RECORD_ROW
        yield _line(k=kind, n=name, s=step, t=time, v=json.loads(data))
    for name, time, schema, version, data in connection.execute(
        f"SELECT name, seconds, schema, version, data FROM evaluations {where}", which
    ):
        said = {"schema": schema, "schema_version": version, "v": json.loads(data)}
        yield _line(k=form.RECORD_TABLE, n=name, t=time, **said)
    if rank == 0:
        yield from _environments(connection, run, attempt)


def _environments(connection: sqlite3.Connection, run: int, attempt: int) -> Iterator[str]:
    for path, place, version, platform, count, data in connection.execute(
        "SELECT path, place, version, platform, count, data FROM environments"
        " WHERE run = ? AND attempt = ? ORDER BY place",
        (run, attempt),
    ):
        had = None if data is None else json.loads(data)
        more = 0 if had is None or count is None else max(0, count - len(had))
        said: dict[str, Any] = {"python": path, "version": version, "platform": platform, "more": more}
        yield _line(k=form.RECORD_ENVIRONMENT, s=place, distributions=had, **said)


def _line(**fields: Any) -> str:
    """A record; what is None is left out, but for a text."""
    kept = {key: value for key, value in fields.items() if value is not None or key == "text"}
    return json.dumps(to_wire(kept), separators=(",", ":"), allow_nan=False) + "\n"
