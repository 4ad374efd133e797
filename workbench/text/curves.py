"""Lines of a chart: what is known of them between places of x, and how they become dots.

A series is given as points, or as buckets that already hold the least and the greatest value of what falls on
one column; either way each column of dots shows its whole range, so that a spike of one step survives.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

from workbench.text.axis import HUGE, TINY, Axis
from workbench.text.canvas import Canvas
from workbench.text.numbers import number


class Span(NamedTuple):
    """What one series did between two places of x: where it began and ended there, its least and greatest.

    low and high are over its finite values, nan without any: a gap. last may be nan or infinite.
    """

    first_x: float
    last_x: float
    low: float
    high: float
    last: float
    points: int = 1
    """How many values these are; 0 where nothing was measured: a gap and no more."""
    nans: int = 0
    infs: int = 0
    minus_infs: int = 0
    """How many of them are not finite, where that is known."""


def point(x: float, value: float) -> Span:
    """One value."""
    return Span(x, x, value, value, value)


def from_bucket(bucket: Mapping[str, Any]) -> Span:
    """A bucket as `runs.envelope` gives it; nan where nothing in it is finite."""
    low, high, last = (number(bucket.get(key)) for key in ("min", "max", "last"))
    first, final = bucket.get("first_x"), bucket.get("last_x")
    return Span(
        float(bucket["first_step"] if first is None else first),
        float(bucket["last_step"] if final is None else final),
        nan if low is None else low,
        nan if high is None else high,
        nan if last is None else last,
        int(bucket.get("count", 1)),
        int(bucket.get("nans") or 0),
        int(bucket.get("infs") or 0),
        int(bucket.get("minus_infs") or 0),
    )


def shifted(spans: Sequence[Span], by: float) -> Sequence[Span]:
    """The same, so far to the right (below 0: to the left)."""
    if not by:
        return spans
    return [span._replace(first_x=span.first_x + by, last_x=span.last_x + by) for span in spans]


def within_reach(span: Span) -> Span | None:
    """What is known of a span below HUGE: itself where all is, None where nothing is or nothing is finite."""
    if -HUGE < span.low <= span.high < HUGE:
        return span
    known = [value for value in (span.low, span.high, span.last) if abs(value) < HUGE]
    return span._replace(low=min(known), high=max(known)) if known else None


def drawn(spans: Iterable[Span], *, log_x: bool = False, log_y: bool = False) -> Iterator[Span]:
    """The spans that can be shown on such axes, as far as they can."""
    least = TINY if log_x else -HUGE
    floor = TINY if log_y else -HUGE
    for span in spans:
        inside = span if -HUGE < span.low <= span.high < HUGE else within_reach(span)
        if inside is not None and least < span.first_x and span.last_x < HUGE and floor < inside.high:
            yield inside


def within(spans: Sequence[Span], low: float, high: float, around: int = 0) -> Sequence[Span]:
    """Those that reach into low to high, and so many on either side; they must ascend in x."""
    first = bisect_left(spans, low, key=lambda span: span.last_x)
    stop = bisect_right(spans, high, key=lambda span: span.first_x)
    return spans[max(0, first - around) : max(stop, first) + around]


def reading(spans: Sequence[Span], x: float) -> Span | None:
    """The span that x falls in, else the last one before it; None before the first and after the last."""
    if not spans or x > spans[-1].last_x:
        return None
    after = bisect_right(spans, x, key=lambda span: span.first_x)
    return spans[after - 1] if after else None


def draw(canvas: Canvas, spans: Sequence[Span], x: Axis, y: Axis, owner: int) -> None:
    """Each span fills its column from its least to its greatest; the last value joins the next span.

    What cannot be drawn leaves a gap; on a logarithmic y what reaches to zero or below goes to the floor.
    """
    pen = _Pen(canvas, x, y, owner)
    for span in within(spans, x.low, x.high, 1):
        pen.move(span)
    pen.lift()


class _Pen:
    """Draws spans in ascending x; those that fall on one column of dots as one."""

    def __init__(self, canvas: Canvas, x: Axis, y: Axis, owner: int) -> None:
        self._canvas, self._owner = canvas, owner
        self._across = x.scaled(canvas.width - 1)
        self._up, self._down = y.scaled(canvas.height - 1), canvas.height - 1
        self._least_x = TINY if x.log else -HUGE
        self._floor = TINY if y.log else -HUGE
        self._bottom = y.low
        self._before: tuple[int, int] | None = None
        self._column, self._low, self._high, self._last = -1, 0.0, 0.0, 0.0
        self._holds = False

    def move(self, span: Span) -> None:
        first_x, last_x, low, high, last = span[:5]
        # Comparisons with nan are false: what is not finite leaves a gap.
        finite = self._floor < high < HUGE and -HUGE < low <= high
        if not (finite and self._least_x < first_x and last_x < HUGE):
            inside = within_reach(span)
            if inside is None or inside is span:
                self.lift()
            else:
                self.move(inside)
            return
        if low < self._floor:
            low = self._bottom
        if not low <= last <= high:
            last = low if last < low else high if last > high else (low + high) / 2
        column, end = self._across(first_x), self._across(last_x)
        if self._holds:
            if column == self._column == end:
                self._low, self._high, self._last = min(self._low, low), max(self._high, high), last
                return
            self._put(self._column, self._column, self._low, self._high, self._last)
        if column == end:
            self._holds = True
            self._column, self._low, self._high, self._last = column, low, high, last
        else:
            self._holds = False
            self._put(column, end, low, high, last)

    def lift(self) -> None:
        """End the line here."""
        if self._holds:
            self._put(self._column, self._column, self._low, self._high, self._last)
        self._holds, self._before = False, None

    def _put(self, first: int, last: int, low: float, high: float, ending: float) -> None:
        canvas, owner, down, up = self._canvas, self._owner, self._down, self._up
        top, bottom, end = down - up(high), down - up(low), down - up(ending)
        before = self._before
        if before is not None and before[0] < first:
            # Join at the nearest height of the span, so that the envelope is not overdrawn.
            canvas.line(before[0], before[1], first, min(max(before[1], top), bottom), owner)
        middle = (first + last) // 2
        canvas.column(middle, top, bottom, owner)
        if last > middle:
            canvas.line(middle, min(max(end, top), bottom), last, end, owner)
        self._before = (last, end)
