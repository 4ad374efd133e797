"""A series in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.text.canvas import Canvas

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-=^"


def trace(values: Sequence[float], cells: int, *, low: float | None = None, high: float | None = None) -> str:
    """values as a line of braille dots, two columns a cell and four heights; a gap where nothing is finite.

    Few values are spread over all cells, many are drawn as their range. low and high: the scale, when several
    lines share one.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or cells < 1:
        return ""
    low = min(finite) if low is None else low
    span = (max(finite) if high is None else high) - low
    canvas = Canvas(cells, 1)
    before: int | None = None
    for x in range(canvas.width):
        begin, end = x * len(values) // canvas.width, (x + 1) * len(values) // canvas.width
        here = [value for value in values[begin : max(end, begin + 1)] if math.isfinite(value)]
        if not here:
            before = None
            continue
        heights = [_height(value, low, span, canvas.height) for value in here]
        least, most = min(heights), max(heights)
        if before is not None:  # reach the dot beside where it came from, so that the line has no holes
            least, most = min(least, before + 1), max(most, before - 1)
        canvas.column(x, canvas.height - 1 - least, canvas.height - 1 - most, 0)
        before = heights[-1]
    return "".join(canvas.lines(str)[0][0])


def filled(values: Sequence[float], cells: int, *, high: float = 100.0, ascii_only: bool = False) -> str:
    """values from 0 to high as upright bars, two of braille dots a cell, the newest at the right end.

    The lowest dot is always lit: what is zero is told from a gap (not finite), which is empty. Of many values
    each bar is the greatest it stands for; fewer than there is room for leave the left empty.
    """
    if cells < 1:
        return ""
    canvas = Canvas(cells, 1)
    bars = cells if ascii_only else canvas.width
    signs, heights = [" "] * cells, len(ASCII_BARS) if ascii_only else canvas.height
    for x, value in enumerate(_greatest(values, bars)):
        if not math.isfinite(value):
            continue
        top = _height(value, 0.0, high, heights)
        if ascii_only:
            signs[x] = ASCII_BARS[top]
        else:
            canvas.column(x, heights - 1 - top, heights - 1, 0)
    return "".join(signs if ascii_only else canvas.lines(str)[0][0])


def _greatest(values: Sequence[float], count: int) -> list[float]:
    """values as exactly so many, nan where there is none."""
    if len(values) <= count:
        return [math.nan] * (count - len(values)) + list(values)
    found = []
    for x in range(count):
        share = values[x * len(values) // count : (x + 1) * len(values) // count]
        found.append(max((value for value in share if math.isfinite(value)), default=math.nan))
    return found


def _height(value: float, low: float, span: float, heights: int) -> int:
    level = (value - low) / span if span > 0 and math.isfinite(span) else 0.5
    return min(heights - 1, max(0, int(level * heights)))


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
