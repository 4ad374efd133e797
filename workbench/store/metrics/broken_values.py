"""Which buckets of an envelope hold values that are not finite: blocks tell of finite ones alone."""

from __future__ import annotations

import math
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from workbench.entities.base import replace
from workbench.entities.metric import Bucket
from workbench.store.metrics import chunks, series
from workbench.store.metrics.chunks import Columns
from workbench.store.metrics.envelope import counted
from workbench.store.metrics.plain_view import Piece


def marked(connection: sqlite3.Connection, parts: Iterable[Piece], found: list[Bucket]) -> list[Bucket]:
    """The buckets, by step, with what is not finite in the pieces; only pieces that may hold any are read."""
    broken: dict[int, list[float]] = {}
    ends = [bucket.last_step for bucket in found]
    for piece in parts:
        if not piece.series.all_finite and found:
            for points in _stretches(connection, piece, found[0].first_step, found[-1].last_step):
                _sort(series.visible(points, piece), ends, broken)
    marks = {at: counted(values) for at, values in broken.items()}
    return [
        replace(bucket, **marks[at]._asdict()) if at in marks else bucket for at, bucket in enumerate(found)
    ]


def _stretches(connection: sqlite3.Connection, piece: Piece, first: int, last: int) -> Iterable[Columns]:
    """The chunks that reach into the steps and are not all finite, then the tail."""
    for (data,) in connection.execute(
        "SELECT data FROM chunks JOIN chunk_summaries USING (series, n)"
        " WHERE series = ? AND high >= ? AND low <= ? ORDER BY n",
        (piece.series.id, first, last),
    ):
        points = chunks.unpack(data)
        if not _finite(points.values):
            yield points
    tail = chunks.empty()
    series.read_tail(connection, piece.series.id, tail)
    yield tail


def _finite(values: Sequence[float]) -> bool:
    total = sum(values)
    return total - total == 0.0


def _sort(points: Columns, ends: list[int], into: dict[int, list[float]]) -> None:
    """Put each value that is not finite to the bucket its step falls in."""
    for step, value in zip(points.steps, points.values, strict=True):
        if not math.isfinite(value):
            at = bisect_left(ends, step)
            if at < len(ends):
                into.setdefault(at, []).append(value)
