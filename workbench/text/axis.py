"""Axes: the place of a value between two ends, linear or logarithmic. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

HUGE, TINY = 1e280, 1e-280
_FAR = 1e9
"""Dots."""

Kind = Literal["number", "count", "duration", "moment"]
"""What an axis counts: plain numbers, whole things in short (20k), seconds, seconds since 1970."""


class Axis(NamedTuple):
    """A range of finite values, low below high; a logarithmic one is above zero."""

    low: float
    high: float
    log: bool = False
    kind: Kind = "number"

    def place(self, value: float) -> float:
        """Where value lies: 0 at low, 1 at high; outside for values outside, not clamped."""
        if self.log:
            if value <= 0:
                return -1.0
            low = math.log(self.low)
            return (math.log(value) - low) / (math.log(self.high) - low)
        return (value - self.low) / (self.high - self.low)

    def value(self, place: float) -> float:
        """The value at a place: what `place` was given."""
        if self.log:
            low = math.log(self.low)
            return math.exp(low + place * (math.log(self.high) - low))
        return self.low + place * (self.high - self.low)

    def reaches(self, value: float) -> bool:
        """Whether value lies within, but for what arithmetic loses."""
        slack = (self.high - self.low) * 1e-6
        return self.low - slack <= value <= self.high + slack

    def scaled(self, length: int) -> Callable[[float], int]:
        """A function from finite values to whole dots, 0 at low and length at high; fast for many values.

        Values far outside are only told to be far outside.
        """
        if self.log:
            low = math.log(self.low)
            grade = length / (math.log(self.high) - low)
            floor = min(-length, -1)
            return lambda value: round((math.log(value) - low) * grade) if value > 0 else floor
        origin, grade = self.low, length / (self.high - self.low)

        def dot(value: float) -> int:
            place = (value - origin) * grade
            return round(place) if -_FAR < place < _FAR else int(_FAR if place > 0 else -_FAR)

        return dot


def drawable(value: float, *, log: bool = False) -> bool:
    """Whether a value can stand on an axis: finite, within what arithmetic bears, positive for a log axis."""
    return abs(value) < HUGE and (value > TINY or not log)


def spanning(
    values: Iterable[float], *, log: bool = False, margin: float = 0.0, kind: Kind = "number"
) -> Axis:
    """An axis over the values that can be drawn, widened where they are all the same.

    margin is the share of the range that is added at both ends. Raises ValueError when no value can be shown.
    """
    usable = [value for value in values if drawable(value, log=log)]
    if not usable:
        raise ValueError("no value can be shown on this axis")
    low, high = min(usable), max(usable)
    if log:
        if high / low < 1.0001:
            low, high = low / 2, high * 2
        widen = math.exp((math.log(high) - math.log(low)) * margin)
        return Axis(low / widen, high * widen, True, kind)
    largest = max(abs(low), abs(high))
    if high - low <= max(largest * 1e-12, TINY):
        half = largest / 2 if largest > TINY * 1e3 else 0.5
        if kind == "moment":
            half = 30.0
        low, high = low - half, high + half
    extra = (high - low) * margin
    return Axis(low - extra, high + extra, False, kind)


def round_up(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below step, which is positive."""
    power = 10.0 ** math.floor(math.log10(step))
    for factor in (1, 2, 5, 10):
        if factor * power >= step * (1 - 1e-9):
            return factor * power
    return 10 * power


def decimals(step: float) -> int:
    """How many decimals tell multiples of a round step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))
