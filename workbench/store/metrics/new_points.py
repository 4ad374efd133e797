"""What came of a run's metrics since somebody looked last."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from workbench.store.metrics import chunks, series
from workbench.store.metrics.chunks import CHUNK, Columns
from workbench.store.metrics.plain_view import SeriesRow
from workbench.store.runs import run_rows

Marks = dict[int, int]
"""Points seen, by series."""


class Added(NamedTuple):
    """Points of one series, as they were written."""

    name: str
    rank: int
    points: Columns


def marks(connection: sqlite3.Connection, run_id: str) -> Marks:
    """What there is now of all series of a run; raises NotFound."""
    return {row.id: row.points for row in series.of_run(connection, run_rows.number(connection, run_id))}


def since(connection: sqlite3.Connection, run_id: str, seen: Marks, most: int) -> tuple[list[Added], Marks]:
    """Points that are not among those seen, about `most` of them, and what is seen with them.

    Fewer than that (by a chunk at least): these are all. Raises NotFound.
    """
    found: list[Added] = []
    seen = dict(seen)
    for row in series.of_run(connection, run_rows.number(connection, run_id)):
        while most > 0 and row.points > (before := seen.get(row.id, 0)):
            points = _from(connection, row, before)
            found.append(Added(row.name, row.rank, points))
            seen[row.id] = before + len(points.steps)
            most -= len(points.steps)
    return found, seen


def _from(connection: sqlite3.Connection, row: SeriesRow, start: int) -> Columns:
    """The points of a series from start on, to the end of the chunk or of the tail."""
    n, skip = divmod(start, CHUNK)
    if n < row.chunks:
        points = series.read_chunk(connection, row.id, n)
    else:
        points = chunks.empty()
        series.read_tail(connection, row.id, points)
    return points.part(skip, len(points.steps))
