"""Axes: round ticks and the place of a value between two ends, linear or logarithmic. Pure arithmetic."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

HUGE, TINY = 1e280, 1e-280


class Axis(NamedTuple):
    """A range of finite values, low below high."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where value lies: 0 at low, 1 at high; outside for values outside, not clamped."""
        if self.log:
            if value <= 0:
                return -1.0
            low = math.log(self.low)
            return (math.log(value) - low) / (math.log(self.high) - low)
        return (value - self.low) / (self.high - self.low)


def drawable(value: float, *, log: bool = False) -> bool:
    """Whether a value can stand on an axis: finite, within what arithmetic bears, positive for a log axis."""
    return abs(value) < HUGE and (value > TINY or not log)


def spanning(values: list[float], *, log: bool = False, margin: float = 0.0) -> Axis:
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
        return Axis(low / widen, high * widen, True)
    largest = max(abs(low), abs(high))
    if high - low <= max(largest * 1e-12, TINY):
        half = largest / 2 if largest > TINY * 1e3 else 0.5
        low, high = low - half, high + half
    extra = (high - low) * margin
    return Axis(low - extra, high + extra)


def ticks(axis: Axis, most: int) -> list[float]:
    """Round values within the axis, ascending, at most `most` (at least 1, when any round one is inside)."""
    if axis.log:
        return _log_ticks(axis, most)
    step = _nice((axis.high - axis.low) / max(1, most))
    while True:
        first = math.ceil(axis.low / step - 1e-9)
        last = math.floor(axis.high / step + 1e-9)
        if last - first + 1 <= most:
            return [number * step for number in range(first, last + 1)]
        step = _nice(step * 1.01)


def _nice(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below step."""
    power = 10.0 ** math.floor(math.log10(step))
    for factor in (1, 2, 5, 10):
        if factor * power >= step * (1 - 1e-9):
            return factor * power
    return 10 * power


def _log_ticks(axis: Axis, most: int) -> list[float]:
    first, last = math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high))
    for factors in ((1, 2, 5), (1, 3), (1,)):
        round_ones = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        inside = [value for value in round_ones if axis.low * 0.999 <= value <= axis.high * 1.001]
        if 2 <= len(inside) <= most:
            return inside
    if len(inside) < 2:
        return [tick for tick in ticks(Axis(axis.low, axis.high), most) if tick > 0]
    stride = math.ceil(len(inside) / most)
    return [value for value in inside if round(math.log10(value)) % stride == 0]


def labels(values: list[float]) -> list[str]:
    """Ticks as short texts that all have the same number of decimals, or all an exponent."""
    if not values:
        return []
    largest = max(abs(value) for value in values)
    if len(values) > 1 and all(v > 0 for v in values) and values[-1] / values[0] >= 100:
        return [_power(value) for value in values]
    step = min((b - a for a, b in pairwise(values)), default=largest or 1.0)
    if largest >= 1e6 or (largest and largest < 1e-3):
        exponent = math.floor(math.log10(largest) + 1e-9)
        scale = 10.0**exponent
        decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
        return [f"{v / scale:.{decimals}f}e{exponent}" if abs(v) > step / 1e6 else "0" for v in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if len(values) == 1:
        text = f"{values[0]:.4g}"
        return [text]
    return [f"{value if abs(value) > step / 1e6 else 0.0:.{decimals}f}" for value in values]


def _power(value: float) -> str:
    if 1e-3 <= value < 1e4:
        return f"{value:.10f}".rstrip("0").rstrip(".")
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**exponent
    return f"{mantissa:.3g}e{exponent}"
