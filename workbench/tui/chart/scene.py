"""Everything a chart shows at one time, and what can be told of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from workbench.text import durations, x_axes
from workbench.text.axis import Axis, spanning
from workbench.text.curves import Span, drawn, reading, within
from workbench.text.not_finite import why_nothing
from workbench.text.numbers import short
from workbench.text.plane import Plane
from workbench.tui.chart.source import Trace
from workbench.tui.chart.view import View

_MARGIN = 0.03


class Scene(NamedTuple):
    """Curves and the way one looks at them."""

    traces: Sequence[Trace] = ()
    smooth: Mapping[str, Sequence[Span]] = {}
    """Smoothed curves by key; empty when nothing is smoothed."""
    hidden: frozenset[str] = frozenset()
    current: str = ""
    """The key of the curve that is looked at."""
    view: View = View()
    whole: Axis | None = None
    """All of x; None while nothing is known."""
    x: str = x_axes.STEP
    title: str = ""
    empty: str = "no values yet"
    """Why there may be nothing to show."""

    @property
    def shown(self) -> list[Trace]:
        """The curves that are not hidden."""
        return [trace for trace in self.traces if trace.key not in self.hidden]

    def trace(self, key: str) -> Trace | None:
        """The curve with this key."""
        return next((trace for trace in self.traces if trace.key == key), None)

    def series(self, key: str) -> int:
        """The number that gives a curve its colour and mark: it does not change while others are hidden."""
        return next(index for index, trace in enumerate(self.traces) if trace.key == key)


def put_spots(scene: Scene, plane: Plane, marks: Sequence[str]) -> None:
    """The marks of what is to be pointed out, over all curves."""
    for trace in scene.shown:
        series = scene.series(trace.key)
        for span in drawn(trace.spans, log_x=plane.x.log, log_y=plane.y.log) if trace.spot else ():
            plane.put(span.last_x, span.last, marks[series % len(marks)], series)


class Axes(NamedTuple):
    """The axes of what is seen."""

    x: Axis
    y: Axis


def axes(scene: Scene) -> Axes | str:
    """The axes to draw on, or a sentence: why there is nothing to draw."""
    if not scene.traces:
        return scene.empty
    if not scene.shown:
        return "every curve is hidden; space shows the one under the cursor"
    curves = [curve for trace in scene.shown for curve in (trace.spans, *trace.older)]
    if not any(curves):
        return scene.empty
    log_x, log_y = scene.view.log_x, scene.view.log_y
    if scene.whole is None or (log_x and scene.whole.high <= 0):
        return "nothing above zero to show on a logarithmic x axis" if log_x else "no finite values to show"
    x = _log_x(scene, curves) if log_x else scene.view.axis(scene.whole)
    parts = [within(curve, x.low, x.high) for curve in curves]
    seen = [span for part in parts for span in drawn(part, log_x=log_x, log_y=log_y)]
    if not seen:
        return _nothing(scene, curves)
    values = [end for span in seen for end in (span.low, span.high)]
    return Axes(x, spanning(values, log=log_y, margin=_MARGIN))


def _log_x(scene: Scene, curves: Sequence[Sequence[Span]]) -> Axis:
    """The seen part of x above zero."""
    assert scene.whole is not None
    now = scene.view.axis(scene.whole)
    starts = [end for curve in curves for span in curve for end in (span.first_x, span.last_x) if end > 0]
    low = now.low if now.low > 0 else min(starts, default=now.high / 10)
    return spanning([low, max(now.high, low)], log=True, kind=now.kind)


def _nothing(scene: Scene, curves: Sequence[Sequence[Span]]) -> str:
    if scene.view.log_y and any(True for curve in curves for _ in drawn(curve)):
        return "nothing above zero here to show on a logarithmic y axis; v makes it linear"
    if scene.view.zoomed and any(True for curve in curves for _ in drawn(curve)):
        return "no values in this part of x; 0 shows the whole"
    return why_nothing(span for curve in curves for span in curve)


class Reading(NamedTuple):
    """What one curve is at the cursor, or lately where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    points: int = 0
    smooth: float | None = None


def read(scene: Scene, trace: Trace, x: float | None) -> Reading:
    """A curve at x; None: its latest value."""
    smooth = scene.smooth.get(trace.key, ())
    if x is None:
        last = trace.last if trace.last is not None else trace.spans[-1].last if trace.spans else None
        return Reading(last, smooth=smooth[-1].last if smooth else None)
    found = reading(trace.spans, x)
    if found is None:
        return Reading(None)
    near = reading(smooth, max(x, found.last_x)) if smooth else None
    return Reading(found.last, found.low, found.high, found.points, near.last if near else None)


def x_text(x: float, axis: str) -> str:
    """A place of an x axis as exactly as one can read it."""
    if axis == x_axes.STEP:
        return f"step {x:,.0f}"
    if axis == x_axes.RELATIVE:
        return f"after {durations.short(x)}" if abs(x) >= 10 else f"after {x:.2f}s"
    if axis == x_axes.TIME:
        moment = datetime.fromtimestamp(x)
        return f"{moment.day} {moment:%b %H:%M:%S}"
    return f"{x_axes.label_of(axis)} {short(x, 6)}"
