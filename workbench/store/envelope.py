"""A metric as so many buckets of min, max and last: what a chart draws. Pure.

Buckets are equally wide in steps. Whole blocks of points are put where they fall without being unpacked; a
block may reach one bucket over an edge, never further.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from workbench.entities.metric import Bucket
from workbench.store import chunks
from workbench.store.chunks import Block, Columns


class Collector:
    """Sums points up into at most `buckets` buckets over the steps low to high, both included."""

    def __init__(self, low: int, high: int, buckets: int) -> None:
        self._low = low
        self._span = high - low + 1
        self._count = max(1, min(buckets, self._span))
        self._found: list[Block | None] = [None] * self._count

    @property
    def count(self) -> int:
        """How many buckets there are."""
        return self._count

    def offer(self, low: int, high: int, points: int, least: float, most: float, last: float) -> bool:
        """Count a stretch of points in at the bucket of its middle; False when it is too wide for that.

        The arguments are a Block's fields: this is called for every block of a long series.
        """
        origin, span, count = self._low, self._span, self._count
        if (high - origin) * count // span - (low - origin) * count // span > 1:
            return False
        index = (((low + high) >> 1) - origin) * count // span
        before = self._found[index]
        if before is not None:
            low_before, high_before, points_before, least_before, most_before, last_before = before
            points += points_before
            # A comparison with nan is false, and nan is unlike itself: whoever has a number keeps it.
            if least_before < least or least != least:
                least = least_before
            if most_before > most or most != most:
                most = most_before
            if high < high_before:
                high, last = high_before, last_before
            if low_before < low:
                low = low_before
        self._found[index] = Block(low, high, points, least, most, last)
        return True

    def add_points(self, points: Columns) -> None:
        """Count points in, each in its own bucket."""
        steps, _, values = points
        if not chunks.ordered(steps):
            order = sorted(range(len(steps)), key=steps.__getitem__)
            steps = type(steps)("q", [steps[index] for index in order])
            values = type(values)("d", [values[index] for index in order])
        start = 0
        while start < len(steps):
            index = (steps[start] - self._low) * self._count // self._span
            edge = self._low + -(-(index + 1) * self._span // self._count)
            stop = bisect_left(steps, edge, start)
            part = values[start:stop]
            least, most = chunks.finite_range(part)
            self.offer(steps[start], steps[stop - 1], stop - start, least, most, part[-1])
            start = stop

    def buckets(self) -> list[Bucket]:
        """The buckets that got any point, by step."""
        return [
            Bucket(
                first_step=item.low,
                last_step=item.high,
                min=item.min,
                max=item.max,
                last=item.last,
                count=item.points,
            )
            for item in self._found
            if item is not None
        ]

    def total(self) -> Block:
        """All points as one; raises ValueError when there were none."""
        whole = Collector(self._low, self._low + self._span - 1, 1)
        for item in self._found:
            if item is not None:
                whole.offer(*item)
        if whole._found[0] is None:
            raise ValueError("no points")
        return whole._found[0]


def number_or_nan(value: float | None) -> float:
    """A column's value: NULL stands for nan."""
    return math.nan if value is None else value
