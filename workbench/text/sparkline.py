"""A series in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-=^"


def sparkline(values: Sequence[float], cells: int, *, ascii_only: bool = False) -> str:
    """values as at most that many bars, lowest to highest; a gap where nothing is finite.

    Each bar is the value farthest from the mean among those it stands for, so that a spike survives.
    """
    if not values or cells < 1:
        return ""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return " " * min(cells, len(values))
    low, high = min(finite), max(finite)
    middle = sum(finite) / len(finite)
    bars = ASCII_BARS if ascii_only else BARS
    count = min(cells, len(values))
    out = []
    for index in range(count):
        share = values[index * len(values) // count : (index + 1) * len(values) // count]
        here = [value for value in share if math.isfinite(value)]
        if not here:
            out.append(" ")
            continue
        value = max(here, key=lambda item: abs(item - middle))
        span = high - low
        level = (value - low) / span if span > 0 and math.isfinite(span) else 0.5
        out.append(bars[min(len(bars) - 1, int(level * len(bars)))])
    return "".join(out)
