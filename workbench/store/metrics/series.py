"""The tables of metric series: appending points, reading them back whole or as summaries.

A series is a row of figures, packed chunks of CHUNK points, and a tail of what came since the last full
chunk, in packed pieces: what came in many small batches is still read in a few.
"""

from __future__ import annotations

import sqlite3
from array import array
from typing import Any

from workbench.entities.metric import Points
from workbench.errors import NotFound
from workbench.store.metrics import chunks
from workbench.store.metrics.chunks import CHUNK, Columns
from workbench.store.metrics.plain_view import Piece, SeriesRow, pieces
from workbench.store.records.record_batch import Column
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import LARGEST_SECONDS
from workbench.store.sqlite.database import Transaction
from workbench.text.filter_problem import did_you_mean

SMALL = chunks.BLOCK // 2
"""Points of a piece that is still put together with the next."""
_COLUMNS = (
    "id, name, rank, attempt, file, points, chunks, low, high, next_step, last, min, max, nan_count,"
    " last_time, ordered, infinite"
)


def of_run(connection: sqlite3.Connection, run: int) -> list[SeriesRow]:
    """All series of a run by name, rank, attempt."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM series WHERE run = ? ORDER BY name, rank, attempt, id", (run,)
    )
    return [SeriesRow._make(row) for row in rows]


def of_name(
    connection: sqlite3.Connection, run: int, name: str, rank: int | None, attempt: int | None = None
) -> list[SeriesRow]:
    """The series of one metric and rank (None: the plain one), of all processes and attempts, or of one."""
    if rank is None:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM series WHERE run = ? AND name = ? AND rank ="
            " (SELECT min(rank) FROM series WHERE run = ? AND name = ?)",
            (run, name, run, name),
        )
    else:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM series WHERE run = ? AND name = ? AND rank = ?", (run, name, rank)
        )
    found = [SeriesRow._make(row) for row in rows]
    return found if attempt is None else [row for row in found if row.attempt == attempt]


def known(
    connection: sqlite3.Connection, run: int, name: str, rank: int | None, attempt: int | None = None
) -> list[SeriesRow]:
    """As `of_name`; raises NotFound when there is none."""
    found = of_name(connection, run, name, rank, attempt)
    if not found:
        of_rank = "" if rank is None else f" of rank {rank}"
        of_attempt = "" if attempt is None else f" of attempt {attempt}"
        names = (
            row[0] for row in connection.execute("SELECT DISTINCT name FROM series WHERE run = ?", (run,))
        )
        hint = did_you_mean(name, (other for other in names if other != name))
        raise NotFound(
            f"no metric {name!r}{of_rank}{of_attempt} in this run", hint or "wb run metrics ID shows them"
        )
    return found


def append(
    change: Transaction, run: int, key: tuple[str, int, int, str], before: SeriesRow | None, column: Column
) -> SeriesRow:
    """Add a batch's points to the series key (name, rank, attempt, file); before is its row so far."""
    points = resolve(column, 0 if before is None else before.next_step)
    row = _figures(key, before, points)
    if before is None:
        values: tuple[Any, ...] = (run, *row[1:])
        marks = ", ".join("?" * len(values))
        cursor = change.execute(f"INSERT INTO series (run, {_COLUMNS[4:]}) VALUES ({marks})", values)
        assert cursor.lastrowid is not None
        row = row._replace(id=cursor.lastrowid)
    tail = row.points - row.chunks * CHUNK
    if tail >= CHUNK:
        row = row._replace(chunks=_pack_tail(change, row, points))
    else:
        _add_piece(change, row.id, points)
    change.execute(
        "UPDATE series SET points = ?, chunks = ?, low = ?, high = ?, next_step = ?, last = ?, min = ?,"
        " max = ?, nan_count = ?, last_time = ?, ordered = ?, infinite = ? WHERE id = ?",
        (*row[5:], row.id),
    )
    return row


def resolve(column: Column, next_step: int) -> Columns:
    """A column as arrays: times held within the calendar, missing steps counted on from next_step."""
    steps = column.steps
    if None in steps:
        counted: list[int] = []
        for step in steps:
            counted.append(next_step if step is None else step)
            next_step = counted[-1] + 1
        packed = array("q", counted)
    else:
        packed = array("q", [step for step in steps if step is not None])
    times = array("d", column.times)
    if not (min(times) >= 0.0 and max(times) <= LARGEST_SECONDS):
        times = array("d", [min(max(time, 0.0), LARGEST_SECONDS) for time in times])
    return Columns(packed, times, array("d", column.values))


def _figures(key: tuple[str, int, int, str], before: SeriesRow | None, points: Columns) -> SeriesRow:
    """The row of a series after points were added."""
    steps, times, values = points
    low, high = min(steps), max(steps)
    least, most = chunks.finite_range(values)
    nans = chunks.nan_count(values)
    infinite: int | None = chunks.infinite_count(values)
    last: float | None = chunks.last_value(steps, values)
    in_order = chunks.ordered(steps)
    count, packed, identity = len(steps), 0, 0
    extremes = [] if least != least else [least, most]
    if before is not None:
        identity, packed, count = before.id, before.chunks, count + before.points
        in_order = in_order and before.ordered and low >= before.high
        if high < before.high:
            last = before.last
        low, high, nans = min(low, before.low), max(high, before.high), nans + before.nan_count
        infinite = None if before.infinite is None else before.infinite + (infinite or 0)
        extremes += [value for value in (before.min, before.max) if value is not None]
    return SeriesRow(
        identity,
        *key,
        count,
        packed,
        low,
        high,
        steps[-1] + 1,
        None if last != last else last,
        min(extremes, default=None),
        max(extremes, default=None),
        nans,
        times[-1],
        in_order,
        infinite,
    )


def _add_piece(change: Transaction, series: int, points: Columns) -> None:
    """Put points at the end of the tail, together with small pieces before them that are not longer."""
    merged = [chunks.pack(points)]
    size = len(merged[0])
    while True:
        before = change.execute(
            "SELECT id, data FROM tails WHERE series = ? ORDER BY id DESC LIMIT 1", (series,)
        ).fetchone()
        if before is None or len(before[1]) > min(size, SMALL * chunks.POINT_BYTES):
            break
        change.execute("DELETE FROM tails WHERE id = ?", (before[0],))
        merged.append(before[1])
        size += len(before[1])
    if len(merged) > 1:
        whole = chunks.empty()
        for piece in reversed(merged):
            chunks.unpack_into(piece, whole)
        merged = [chunks.pack(whole)]
    change.execute("INSERT INTO tails (series, data) VALUES (?, ?)", (series, merged[0]))


def _pack_tail(change: Transaction, row: SeriesRow, points: Columns) -> int:
    """Turn the tail and points into chunks; what does not fill one stays. Returns the chunks there are."""
    tail = chunks.empty()
    for (data,) in change.execute(
        "SELECT data FROM tails WHERE series = ? ORDER BY id", (row.id,)
    ).fetchall():
        chunks.unpack_into(data, tail)
    tail.extend(points)
    change.execute("DELETE FROM tails WHERE series = ?", (row.id,))
    n, start = row.chunks, 0
    while len(tail.steps) - start >= CHUNK:
        chunk = tail.part(start, start + CHUNK)
        change.execute(
            "INSERT INTO chunks (series, n, data) VALUES (?, ?, ?)", (row.id, n, chunks.pack(chunk))
        )
        change.execute(
            "INSERT INTO chunk_summaries (series, n, low, high, count, min, max, last, blocks)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.id, n, *chunks.block(chunk.steps, chunk.values), chunks.summarise(chunk)),
        )
        n, start = n + 1, start + CHUNK
    if start < len(tail.steps):
        rest = tail.part(start, len(tail.steps))
        change.execute("INSERT INTO tails (series, data) VALUES (?, ?)", (row.id, chunks.pack(rest)))
    return n


def read_chunk(connection: sqlite3.Connection, series: int, n: int) -> Columns:
    """The points of chunk n."""
    row = connection.execute("SELECT data FROM chunks WHERE series = ? AND n = ?", (series, n)).fetchone()
    return chunks.unpack(row[0])


def read_tail(connection: sqlite3.Connection, series: int, into: Columns) -> None:
    """Append the points that are in no chunk yet."""
    for (data,) in connection.execute("SELECT data FROM tails WHERE series = ? ORDER BY id", (series,)):
        chunks.unpack_into(data, into)


def columns(
    connection: sqlite3.Connection,
    run_id: str,
    name: str,
    rank: int | None = None,
    limit: int | None = None,
    attempt: int | None = None,
) -> Columns:
    """The points of a metric by step: the plain view (rank None), or that of one rank or attempt.

    limit: only the last so many. Raises NotFound (run, metric).
    """
    parts = pieces(known(connection, run_rows.number(connection, run_id), name, rank, attempt))
    if len(parts) == 1 and parts[0].series.ordered and not parts[0].hidden:
        row = parts[0].series
        first = 0 if limit is None else max(0, row.points - limit) // CHUNK
        found = chunks.empty()
        _read(connection, row, first, found)
    else:
        found = _merged(connection, parts)
    if limit is not None and len(found.steps) > limit:
        return found.part(len(found.steps) - limit, len(found.steps)) if limit > 0 else chunks.empty()
    return found


def points(
    connection: sqlite3.Connection, run_id: str, name: str, rank: int | None = None, limit: int | None = None
) -> Points:
    """The same as `columns`, for a client."""
    steps, times, values = columns(connection, run_id, name, rank, limit)
    return Points(
        steps=steps.tolist(), times=[round(time * 1_000_000) for time in times], values=values.tolist()
    )


def read_all(connection: sqlite3.Connection, row: SeriesRow, into: Columns) -> None:
    """Append all points of one series, in the order they were written."""
    _read(connection, row, 0, into)


def _read(connection: sqlite3.Connection, row: SeriesRow, first: int, into: Columns) -> None:
    """Append the points of a series from chunk first on, as they were written."""
    for (data,) in connection.execute(
        "SELECT data FROM chunks WHERE series = ? AND n >= ? ORDER BY n", (row.id, first)
    ):
        chunks.unpack_into(data, into)
    read_tail(connection, row.id, into)


def _merged(connection: sqlite3.Connection, parts: list[Piece]) -> Columns:
    """Points of several series without the hidden ones, sorted by step, then as they were written."""
    found = chunks.empty()
    for piece in parts:
        part = chunks.empty()
        _read(connection, piece.series, 0, part)
        found.extend(visible(part, piece))
    return found.picked(sorted(range(len(found.steps)), key=found.steps.__getitem__))


def visible(points: Columns, piece: Piece) -> Columns:
    """points without those whose steps newer attempts replaced."""
    if not piece.hidden:
        return points
    return points.picked(
        index
        for index, step in enumerate(points.steps)
        if not any(low <= step <= high for low, high in piece.hidden)
    )
