"""A metric over time as buckets, from the blocks of its chunks: only what lies over an edge is unpacked.

A chunk's times are looked at where its blocks begin and end. That is right where time never goes back from
block to block, which is so of one process; else None is answered and the points are gone through.
"""

from __future__ import annotations

import math
import sqlite3
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.entities.metric import Bucket
from workbench.store.metrics import chunks, series
from workbench.store.metrics.chunks import BLOCK, Columns
from workbench.store.metrics.plain_view import Piece

_NATIVE = sys.byteorder == "little"


class _Stretch(NamedTuple):
    """Points that follow each other: when they begin and end, and what they come to."""

    first: float
    last: float
    low: int
    high: int
    points: int
    min: float
    max: float
    value: float
    """The last one."""


class _Sums:
    """Buckets that are equally wide in time, summed up from stretches in their order."""

    def __init__(self, low: float, high: float, buckets: int) -> None:
        self.low, self.high = low, high
        self._scale = buckets / (high - low) if high > low else 0.0
        self._most = buckets - 1
        self._found: dict[int, _Stretch] = {}

    def at(self, time: float) -> int:
        """The bucket of a time."""
        return min(self._most, int((time - self.low) * self._scale))

    def offer(self, part: _Stretch) -> bool:
        """Count a stretch in at the bucket of its middle; False when it is too wide for that."""
        if part.first < self.low or part.last > self.high or self.at(part.last) - self.at(part.first) > 1:
            return False
        self.put(self.at((part.first + part.last) / 2), part)
        return True

    def put(self, index: int, part: _Stretch) -> None:
        """Count a stretch in at a bucket."""
        before = self._found.get(index)
        self._found[index] = part if before is None else _joined(before, part)

    def edge(self, time: float) -> float:
        """Where the bucket of a time ends; infinity for the last one, which holds its end."""
        index = self.at(time)
        return math.inf if index == self._most or not self._scale else self.low + (index + 1) / self._scale

    def buckets(self) -> list[Bucket]:
        """What got any point, by time."""
        return [
            Bucket(
                first_step=part.low,
                last_step=part.high,
                min=part.min,
                max=part.max,
                last=part.value,
                count=part.points,
                first_x=part.first,
                last_x=part.last,
            )
            for _, part in sorted(self._found.items())
        ]


def _joined(one: _Stretch, other: _Stretch) -> _Stretch:
    """Two stretches, the later one second."""
    return _Stretch(
        one.first,
        other.last,
        min(one.low, other.low),
        max(one.high, other.high),
        one.points + other.points,
        min(one.min, other.min),
        max(one.max, other.max),
        other.value,
    )


def over_time(
    connection: sqlite3.Connection, parts: Sequence[Piece], low: float, high: float, buckets: int
) -> list[Bucket] | None:
    """The buckets of a part of time; None where they can only be told point by point."""
    if not (_NATIVE and len(parts) == 1 and not parts[0].hidden):
        return None
    row = parts[0].series
    if not (row.ordered and row.all_finite and row.chunks and buckets > 0):
        return None
    tail = chunks.empty()
    series.read_tail(connection, row.id, tail)
    began = _times(_chunk(connection, row.id, 0))[0]
    ended = tail.times[-1] if tail.times else _times(_chunk(connection, row.id, row.chunks - 1))[-1]
    sums = _Sums(max(low, began), min(high, ended), buckets)
    if sums.low > sums.high:
        return []
    before = -math.inf
    first = _first_reaching(connection, row.id, row.chunks, sums.low)
    for data, blocks in connection.execute(
        "SELECT data, blocks FROM chunks JOIN chunk_summaries USING (series, n)"
        " WHERE series = ? AND n >= ? ORDER BY n",
        (row.id, first),
    ):
        times = _times(data)
        if times[0] > sums.high:
            break
        points: Columns | None = None
        for at, part in _stretches(times, blocks):
            if part.last < part.first or part.first < before:
                return None
            before = part.last
            if part.last >= sums.low and part.first <= sums.high and not sums.offer(part):
                if points is None:
                    points = chunks.unpack(data)
                    if not _ascending(points.times):
                        return None
                _add(sums, points.part(at, at + part.points))
    if tail.times and tail.times[0] < before:
        return None
    if not _ascending(tail.times):
        return None
    _add(sums, tail)
    return sums.buckets()


def _chunk(connection: sqlite3.Connection, identity: int, n: int) -> bytes:
    row = connection.execute("SELECT data FROM chunks WHERE series = ? AND n = ?", (identity, n)).fetchone()
    return bytes(row[0])


def _times(data: bytes) -> memoryview[float]:
    """The times in a chunk's bytes, which are its second third."""
    third = len(data) // 3
    return memoryview(data)[third : 2 * third].cast("d")


def _first_reaching(connection: sqlite3.Connection, identity: int, count: int, low: float) -> int:
    """The first chunk that does not end before a time."""
    first, stop = 0, count - 1
    while first < stop:
        middle = (first + stop) // 2
        if _times(_chunk(connection, identity, middle))[-1] < low:
            first = middle + 1
        else:
            stop = middle
    return first


def _stretches(times: memoryview[float], blocks: bytes) -> Iterator[tuple[int, _Stretch]]:
    """The blocks of a chunk with the times they begin and end at, each with the place of its first point."""
    at = 0
    for low, high, points, least, most, last in chunks.blocks(blocks):
        yield at, _Stretch(times[at], times[at + points - 1], low, high, points, least, most, last)
        at += BLOCK


def _ascending(times: array[float]) -> bool:
    listed = times.tolist()
    return listed == sorted(listed)


def _add(sums: _Sums, points: Columns) -> None:
    """Count points in whose times ascend, those of one bucket at once; those outside are left out."""
    steps, times, values = points
    start, stop = bisect_left(times, sums.low), bisect_right(times, sums.high)
    while start < stop:
        end = max(start + 1, bisect_left(times, sums.edge(times[start]), start, stop))
        least, most = chunks.finite_range(values[start:end])
        part = _Stretch(
            times[start],
            times[end - 1],
            steps[start],
            steps[end - 1],
            end - start,
            least,
            most,
            values[end - 1],
        )
        sums.put(sums.at(times[start]), part)
        start = end
