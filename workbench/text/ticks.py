"""Round values along an axis and their labels."""

from __future__ import annotations

import math
from itertools import pairwise

from workbench.text import time_ticks
from workbench.text.axis import Axis, decimals, round_up

_FINEST = 1e-5
"""The smallest step of closer ticks, as a share of the largest value."""


def ticks(axis: Axis, most: int) -> list[float]:
    """Round values within the axis, ascending, at most `most`.

    One alone is no scale: where more are asked for, closer ones stand in its place, one more than `most` if
    need be.
    """
    if axis.kind in ("duration", "moment"):
        times = time_ticks.ticks(axis, most)
        if times is not None:
            return times
    if axis.log:
        return _log_ticks(axis, most)
    step = round_up((axis.high - axis.low) / max(1, most))
    if axis.kind == "count":
        step = max(1.0, step)
    while len(found := _multiples(axis, step)) > most:
        step = round_up(step * 1.01)
    return found if len(found) > 1 or most < 2 else _closer(axis, step, most) or found


def _multiples(axis: Axis, step: float) -> list[float]:
    """The multiples of step within the axis."""
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [number * step for number in range(first, last + 1) if axis.reaches(number * step)]


def _closer(axis: Axis, step: float, most: int) -> list[float]:
    """The multiples of a smaller round step of which there are several, the outer two of too many.

    None where they have more figures than a label bears, or lie between whole things that are counted.
    """
    least = max(abs(axis.low), abs(axis.high)) * _FINEST
    while (step := round_up(step / 2.6)) >= max(least, 1.0 if axis.kind == "count" else 0.0):
        found = _multiples(axis, step)
        if len(found) > 1:
            return found if len(found) <= most + 1 else [found[0], found[-1]]
    return []


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


def labels(values: list[float], axis: Axis | None = None) -> list[str]:
    """Ticks as short texts that all have the same number of decimals, or all an exponent.

    The axis says what they count; without one they are numbers.
    """
    if not values:
        return []
    if axis is not None and axis.kind == "moment":
        return time_ticks.moment_labels(values)
    if axis is not None and axis.kind == "duration":
        return time_ticks.duration_labels(values)
    largest = max(abs(value) for value in values)
    if len(values) > 1 and all(v > 0 for v in values) and values[-1] / values[0] >= 100:
        return [_power(value) for value in values]
    step = min((b - a for a, b in pairwise(values)), default=largest or 1.0)
    if axis is not None and axis.kind == "count" and 1e4 <= largest < 1e15:
        return _counts(values, largest, step)
    if largest >= 1e6 or (largest and largest < 1e-3):
        exponent = math.floor(math.log10(largest) + 1e-9)
        scale = 10.0**exponent
        places = decimals(step / scale)
        return [f"{v / scale:.{places}f}e{exponent}" if abs(v) > step / 1e6 else "0" for v in values]
    if len(values) == 1:
        return [f"{values[0]:.4g}"]
    places = decimals(step) if step > 0 else 0
    return [f"{value if abs(value) > step / 1e6 else 0.0:.{places}f}" for value in values]


def _counts(values: list[float], largest: float, step: float) -> list[str]:
    """Whole numbers with a unit where that loses nothing and is shorter: 200k, 1.5M."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        places = decimals(step / size)
        if largest >= size and places <= 2:
            return [f"{value / size:.{places}f}{unit}" if value else "0" for value in values]
    return [f"{value:.0f}" for value in values]


def _power(value: float) -> str:
    if 1e-3 <= value < 1e4:
        return f"{value:.10f}".rstrip("0").rstrip(".")
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**exponent
    return f"{mantissa:.3g}e{exponent}"
