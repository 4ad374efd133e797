"""Series summed up from their figures and chunk summaries; points are unpacked only where they must be."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from workbench.entities.metric import Bucket, SeriesSummary
from workbench.entities.run import MetricValue
from workbench.store.metrics import broken_values, chunks, series
from workbench.store.metrics.chunks import BLOCK, Columns
from workbench.store.metrics.envelope import MANY, Collector, joined, number_or_nan, over, paired
from workbench.store.metrics.plain_view import Piece, SeriesRow, counting, covered, cropped, pieces, touched
from workbench.store.metrics.time_envelope import over_time
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import moment_of_seconds

COARSE = 2
"""From so many chunks a bucket on, their blocks tell nothing more."""


def of_run(connection: sqlite3.Connection, run_id: str) -> list[SeriesSummary]:
    """One summary for each metric, rank and attempt of a run; processes of one rank are taken together.

    Raises NotFound.
    """
    groups: dict[tuple[str, int, int], list[SeriesRow]] = {}
    for row in series.of_run(connection, run_rows.number(connection, run_id)):
        groups.setdefault((row.name, row.rank, row.attempt), []).append(row)
    return [_summary(counting(rows)) for rows in groups.values()]


def _summary(rows: Sequence[SeriesRow]) -> SeriesSummary:
    newest = max(rows, key=lambda row: (row.high, row.last_time))
    return SeriesSummary(
        name=newest.name,
        rank=newest.rank,
        attempt=newest.attempt,
        count=sum(row.points for row in rows),
        first_step=min(row.low for row in rows),
        last_step=newest.high,
        last=number_or_nan(newest.last),
        min=min((row.min for row in rows if row.min is not None), default=None),
        max=max((row.max for row in rows if row.max is not None), default=None),
        nan_count=sum(row.nan_count for row in rows),
        last_time=moment_of_seconds(max(row.last_time for row in rows)),
    )


def plain_value(connection: sqlite3.Connection, rows: Sequence[SeriesRow]) -> MetricValue:
    """The plain view of one metric and rank in figures; rows is not empty.

    Its last value is the latest attempt's, at that one's highest step.
    """
    parts = pieces(rows)
    attempt = max(row.attempt for row in rows)
    latest = _summary(counting([row for row in rows if row.attempt == attempt]))
    if not any(touched((part.series.low, part.series.high), part.hidden) for part in parts):
        whole = _summary([part.series for part in parts])
        least, most, count = whole.min, whole.max, whole.count
    else:
        collector = Collector(min(row.low for row in rows), max(row.high for row in rows), 1)
        for part in parts:
            _collect(connection, part, collector)
        total = collector.total()
        least, most, count = _finite(total.min), _finite(total.max), total.points
    return MetricValue(last=latest.last, min=least, max=most, count=count, last_step=latest.last_step)


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value


def sparkline(connection: sqlite3.Connection, run: int, name: str, count: int) -> list[float]:
    """The plain view of a metric as at most count values, each the last of its share of the steps."""
    rows = series.of_name(connection, run, name, None)
    return [bucket.last for bucket in _by_step(connection, rows, count, -math.inf, math.inf)] if rows else []


STEP, TIME, METRIC = "step", "time", "metric:"
"""The x axes of an envelope: steps, seconds since 1970, or METRIC and another metric's name."""


class Selection(NamedTuple):
    """Which points of a metric an envelope is of."""

    rank: int | None = None
    """None: the plain view's."""
    attempt: int | None = None
    """None: the plain view, in which newer attempts replace older ones."""
    x: str = STEP
    low: float | None = None
    """The first x, None: from the beginning."""
    high: float | None = None
    """The last x, None: to the end."""
    coarse: bool = False
    """Over another metric: whether a picture from summaries alone is enough, of long series."""


ALL = Selection()
"""All of the plain view, by step."""


def envelope(
    connection: sqlite3.Connection, run_id: str, name: str, buckets: int, selection: Selection = ALL
) -> list[Bucket]:
    """A metric as at most so many buckets, by x; raises NotFound (run, metric, or the one that is x)."""
    low = -math.inf if selection.low is None else selection.low
    high = math.inf if selection.high is None else selection.high
    if selection.x == STEP:
        run = run_rows.number(connection, run_id)
        return _by_step(connection, series.known(connection, run, name, *selection[:2]), buckets, low, high)
    if buckets < 1:
        return []
    if selection.x == TIME:
        rows = series.known(connection, run_rows.number(connection, run_id), name, *selection[:2])
        found = over_time(connection, pieces(rows), low, high, buckets)
        if found is not None:
            return found
    elif selection.coarse:
        return _coarse(connection, run_id, name, buckets, selection)
    points = series.columns(connection, run_id, name, selection.rank, None, selection.attempt)
    if selection.x == TIME:
        return over(points.times, points, low, high, buckets)
    other = series.columns(connection, run_id, selection.x.removeprefix(METRIC), selection.rank)
    return over(*joined(points, other), low, high, buckets)


def _coarse(
    connection: sqlite3.Connection, run_id: str, name: str, buckets: int, selection: Selection
) -> list[Bucket]:
    """Both metrics as buckets of the same steps, put together; short ones as they are."""
    run = run_rows.number(connection, run_id)
    rows = series.known(connection, run, name, *selection[:2])
    if sum(row.points for row in rows) <= MANY:
        return envelope(connection, run_id, name, buckets, selection._replace(coarse=False))
    others = series.known(connection, run, selection.x.removeprefix(METRIC), selection.rank)
    low = -math.inf if selection.low is None else selection.low
    high = math.inf if selection.high is None else selection.high
    found = _by_step(connection, rows, 2 * buckets, -math.inf, math.inf)
    return paired(found, _by_step(connection, others, 2 * buckets, -math.inf, math.inf), low, high)


def _by_step(
    connection: sqlite3.Connection, rows: Sequence[SeriesRow], buckets: int, low: float, high: float
) -> list[Bucket]:
    first = math.ceil(max(low, min(row.low for row in rows)))
    last = math.floor(min(high, max(row.high for row in rows)))
    if buckets < 1 or first > last:
        return []
    collector = Collector(first, last, buckets)
    parts = cropped(pieces(rows), first, last)
    for part in parts:
        _collect(connection, part, collector)
    found = collector.buckets()
    if all(part.series.all_finite for part in parts):
        return found
    return broken_values.marked(connection, parts, found)


_INSIDE = "series = ? AND high >= ? AND low <= ?"


def _collect(connection: sqlite3.Connection, piece: Piece, collector: Collector) -> None:
    """Count the visible points of one series in: by chunk, by block, else one by one."""
    inside = (piece.series.id, collector.low, collector.high)
    (count,) = connection.execute(f"SELECT count(*) FROM chunk_summaries WHERE {_INSIDE}", inside).fetchone()
    if count >= COARSE * collector.count:
        _collect_chunks(connection, piece, collector)
    else:
        for n, data in connection.execute(
            f"SELECT n, blocks FROM chunk_summaries WHERE {_INSIDE} ORDER BY n", inside
        ):
            _collect_blocks(connection, piece, n, data, collector)
    tail = chunks.empty()
    series.read_tail(connection, piece.series.id, tail)
    _collect_points(tail, piece, collector)


def _collect_chunks(connection: sqlite3.Connection, piece: Piece, collector: Collector) -> None:
    """Whole chunks; one that is too wide all the same, or partly hidden, by its blocks."""
    for n, low, high, count, least, most, last in connection.execute(
        f"SELECT n, low, high, count, min, max, last FROM chunk_summaries WHERE {_INSIDE} ORDER BY n",
        (piece.series.id, collector.low, collector.high),
    ):
        figures = (number_or_nan(least), number_or_nan(most), number_or_nan(last))
        whole = not piece.hidden or not touched((low, high), piece.hidden)
        if not whole or not collector.offer(low, high, count, *figures):
            data = connection.execute(
                "SELECT blocks FROM chunk_summaries WHERE series = ? AND n = ?", (piece.series.id, n)
            ).fetchone()[0]
            _collect_blocks(connection, piece, n, data, collector)


def _collect_blocks(
    connection: sqlite3.Connection, piece: Piece, n: int, data: bytes, collector: Collector
) -> None:
    """A chunk by its blocks; those that are too wide or partly hidden, point by point."""
    chunk: Columns | None = None
    hidden = piece.hidden
    for index, fields in enumerate(chunks.blocks(data)):
        if hidden and touched(fields[:2], hidden):
            if covered(fields[:2], hidden):
                continue
        elif collector.offer(*fields):
            continue
        if chunk is None:
            chunk = series.read_chunk(connection, piece.series.id, n)
        _collect_points(chunk.part(index * BLOCK, (index + 1) * BLOCK), piece, collector)


def _collect_points(points: Columns, piece: Piece, collector: Collector) -> None:
    shown = series.visible(points, piece)
    if shown.steps:
        collector.add_points(shown)
