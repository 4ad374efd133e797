"""A metric as so many buckets of min, max and last: what a chart draws. Pure.

Buckets are equally wide in steps, or in another x that has a value for each point. Of steps, whole blocks of
points are put where they fall without being unpacked; a block may reach one bucket over an edge, never
further.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from operator import gt
from typing import NamedTuple

from workbench.entities.base import replace
from workbench.entities.metric import Bucket
from workbench.store.metrics import chunks
from workbench.store.metrics.chunks import Block, Columns


class Collector:
    """Sums points up into at most `buckets` buckets over the steps low to high, both included."""

    def __init__(self, low: int, high: int, buckets: int) -> None:
        self.low, self.high = low, high
        """The first and last step that are asked for."""
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


class Broken(NamedTuple):
    """How many values are nan, infinite, and infinite below zero; None for none."""

    nans: int | None = None
    infs: int | None = None
    minus_infs: int | None = None


def counted(values: Sequence[float]) -> Broken:
    """What of the values is not finite."""
    total = sum(values)
    if total - total == 0.0:
        return Broken()
    nans = sum(1 for value in values if value != value)
    infs = sum(1 for value in values if value == math.inf)
    return Broken(nans or None, infs or None, sum(1 for value in values if value == -math.inf) or None)


MANY = 100_000
"""Points from which those that are not in the order of x are not sorted any more."""


def over(xs: array[float], points: Columns, low: float, high: float, buckets: int) -> list[Bucket]:
    """Points as at most so many buckets that are equally wide in xs, which has a value for each of them.

    Those whose x is not finite or out of low to high are left out. Of one x the point with the highest step
    is the last.
    """
    listed = xs.tolist()
    whole = math.isfinite(sum(listed))
    # Ends at the first that is out of order, where sorting them to compare would take longer than all else.
    ordered = whole and not any(map(gt, listed, islice(listed, 1, None)))
    if len(listed) > MANY and not ordered:
        return _unsorted(listed, points, low, high, buckets)
    if not ordered:
        order = sorted((at for at in range(len(xs)) if math.isfinite(listed[at])), key=listed.__getitem__)
        listed = [listed[at] for at in order]
        points = points.picked(order)
    start, stop = bisect_left(listed, low), bisect_right(listed, high)
    if start >= stop:
        return []
    low, high = listed[start], listed[stop - 1]
    found: list[Bucket] = []
    index = -1
    while start < stop:
        index = max(index + 1, _bucket(listed[start], low, high, buckets))
        edge = low + (index + 1) / buckets * (high - low)
        # Rounding must not leave the point it started with out.
        end = stop if index >= buckets - 1 else max(start + 1, bisect_left(listed, edge, start, stop))
        found.append(_summed(points.part(start, end), listed[start], listed[end - 1], ordered))
        start = end
    return found


def _unsorted(listed: list[float], points: Columns, low: float, high: float, buckets: int) -> list[Bucket]:
    """As `over`, in one go through points that are not in the order of x: sorting many takes seconds.

    A bucket's value is then that of its highest step, and it reaches as far in x as it is wide.
    """
    seen = [x for x in listed if low <= x <= high and x - x == 0.0]
    if not seen:
        return []
    low, high = min(seen), max(seen)
    # A little less, so that the highest is in the last bucket and not behind it.
    scale = buckets / (high - low) * (1 - 1e-12) if high > low else 0.0
    wide = 0.0 < scale < math.inf
    if not wide:  # they are as one, or so far apart that no number tells how far
        places = [0 if low <= x <= high else -1 for x in listed]
    elif len(seen) == len(listed):
        places = [int((x - low) * scale) for x in listed]
    else:
        places = [int((x - low) * scale) if low <= x <= high else -1 for x in listed]
    count = len(places)
    # Of equal keys a dict keeps the last.
    last = dict(zip(places, range(count), strict=True))
    first = dict(zip(reversed(places), range(count - 1, -1, -1), strict=True))
    counts = Counter(places)
    steps, values = points.steps, points.values
    lows, highs = [math.inf] * (buckets + 1), [-math.inf] * (buckets + 1)
    broken: dict[int, list[float]] = {}
    for place, value in zip(places, values, strict=True):
        if value - value != 0.0:
            broken.setdefault(place, []).append(value)
            continue
        if value < lows[place]:
            lows[place] = value
        if value > highs[place]:
            highs[place] = value
    return [
        Bucket(
            first_step=steps[first[place]],
            last_step=steps[last[place]],
            min=lows[place] if lows[place] < math.inf else math.nan,
            max=highs[place] if lows[place] < math.inf else math.nan,
            last=values[last[place]],
            count=counts[place],
            first_x=low + place * (high - low) / buckets if wide else low,
            last_x=low + (place + 1) * (high - low) / buckets if wide else high,
            **counted(broken.get(place, ()))._asdict(),
        )
        for place in sorted(counts)
        if place >= 0
    ]


def _bucket(x: float, low: float, high: float, buckets: int) -> int:
    width = high - low
    return min(buckets - 1, int((x - low) / width * buckets)) if 0 < width < math.inf else buckets - 1


def _summed(points: Columns, first: float, last: float, ordered: bool) -> Bucket:
    """Points as one bucket; ordered: their steps ascend."""
    steps, _, values = points
    least, most = chunks.finite_range(values)
    broken = counted(values)
    return Bucket(
        first_step=steps[0] if ordered else min(steps),
        last_step=steps[-1] if ordered else max(steps),
        min=least,
        max=most,
        last=values[-1],
        count=len(values),
        first_x=first,
        last_x=last,
        nans=broken.nans,
        infs=broken.infs,
        minus_infs=broken.minus_infs,
    )


def paired(found: list[Bucket], xs: list[Bucket], low: float, high: float) -> list[Bucket]:
    """Buckets of a metric by step at what another one was lately: a coarse picture over its values."""
    ends = [bucket.last_step for bucket in xs]
    placed = []
    for bucket in found:
        at = bisect_right(ends, bucket.last_step) - 1
        if at >= 0 and math.isfinite(xs[at].last) and low <= xs[at].last <= high:
            placed.append(replace(bucket, first_x=xs[at].last, last_x=xs[at].last))
    return sorted(placed, key=lambda bucket: bucket.first_x or 0.0)


def joined(points: Columns, other: Columns) -> tuple[array[float], Columns]:
    """Another metric's values at the points' steps, or lately before; points before its first are left out.

    Both ascend in steps.
    """
    if points.steps == other.steps:
        return other.values, points
    xs, at, count = array("d"), -1, len(other.steps)
    start = bisect_left(points.steps, other.steps[0]) if count else len(points.steps)
    for step in points.steps[start:]:
        while at + 1 < count and other.steps[at + 1] <= step:
            at += 1
        xs.append(other.values[at])
    return xs, points.part(start, len(points.steps))


def number_or_nan(value: float | None) -> float:
    """A column's value: NULL stands for nan."""
    return math.nan if value is None else value
