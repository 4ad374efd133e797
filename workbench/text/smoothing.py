"""Exponential smoothing that is right from its first value on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.text.axis import drawable
from workbench.text.curves import Span, point

FINEST = 1000
"""A weight is for one value, but never for less than the whole divided by this: a long series is smoothed as
much to the eye as a short one."""


def smoothed(spans: Sequence[Span], weight: float, width: float) -> list[Span]:
    """Each span's last value averaged with those before it; what cannot be drawn stays as it is: a gap.

    weight: how much what came before counts, 0 to 1, after a distance of width in x. The average starts
    without a bias: it is divided by the weights that it has seen so far.
    """
    average, seen, before = 0.0, 0.0, None
    found = []
    for span in spans:
        value = span.last
        if not drawable(value):
            found.append(point(span.last_x, value))
            continue
        distance = 1.0 if before is None or width <= 0 else max(0.0, span.last_x - before) / width
        keep = weight**distance
        average = keep * average + (1 - keep) * value
        seen = keep * seen + (1 - keep)
        before = span.last_x
        found.append(point(span.last_x, average / seen if seen else value))
    return found


def width_of(low: float, high: float, points: int) -> float:
    """What distance in x a weight is for, of so many values from low to high."""
    return (high - low) / max(1, min(FINEST, points - 1))
