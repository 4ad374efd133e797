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

    def fits(self, low: int, high: int) -> bool:
        """Whether a stretch of these steps is narrow enough to be put in one piece."""
        return ((high - self._low) * self._count // self._span) - (
            (low - self._low) * self._count // self._span
        ) <= 1

    def add(self, piece: Block) -> None:
        """Count a stretch of points in, at the bucket of its middle."""
        low, high, count, least, most, last = piece
        index = (((low + high) >> 1) - self._low) * self._count // self._span
        before = self._found[index]
        if before is None:
            self._found[index] = piece
            return
        if least != least:
            least, most = before[3], before[4]
        else:
            # A comparison with nan is false, so a nan from before gives way.
            least = before[3] if before[3] < least else least
            most = before[4] if before[4] > most else most
        if high < before[1]:
            high, last = before[1], before[5]
        low = before[0] if before[0] < low else low
        self._found[index] = Block(low, high, count + before[2], least, most, last)

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
            self.add(chunks.block(steps[start:stop], values[start:stop]))
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
                whole.add(item)
        if whole._found[0] is None:
            raise ValueError("no points")
        return whole._found[0]


def number_or_nan(value: float | None) -> float:
    """A column's value: NULL stands for nan."""
    return math.nan if value is None else value
