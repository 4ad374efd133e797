"""From a source's answer to what is shown: the whole of x, the current curve, smoothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.text import smoothing, x_axes
from workbench.text.axis import spanning
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Trace, Window, clean


def window_of(scene: Scene, buckets: int) -> Window:
    """What to ask for: the seen part and half as much on both sides, so that panning finds it there."""
    if not scene.view.zoomed or scene.whole is None:
        return Window(scene.x, None, None, buckets, log=scene.view.log_x)
    now = scene.view.axis(scene.whole)
    half = (now.high - now.low) / 2
    return Window(scene.x, now.low - half, now.high + half, buckets * 2, log=scene.view.log_x)


def answered(scene: Scene, traces: Sequence[Trace], window: Window, empty: str) -> Scene:
    """The scene with what a source answered to a window."""
    ends = [
        end
        for trace in traces
        for curve in (trace.spans, *trace.older)
        if curve
        for end in (curve[0].first_x, curve[-1].last_x)
    ]
    if window.low is not None and scene.whole is not None:
        ends += [scene.whole.low, scene.whole.high]
    try:
        whole = spanning(ends, kind=x_axes.kind_of(window.x))
    except ValueError:
        whole = None
    current = scene.current
    if all(trace.key != current for trace in traces):
        current = traces[0].key if traces else ""
    named = tuple(trace._replace(name=clean(trace.name)) for trace in traces)
    return scene._replace(traces=named, whole=whole, current=current, empty=empty)


class Extent(NamedTuple):
    """How far a curve reaches over the whole of x, and what its smoothing weight is for."""

    first: float
    last: float
    width: float
    """A distance in x."""


def extents(traces: Sequence[Trace]) -> dict[str, Extent]:
    """How far each curve reaches; of curves over the whole of x."""
    found = {}
    for trace in traces:
        if trace.spans:
            low, high = trace.spans[0].last_x, trace.spans[-1].last_x
            points = sum(span.points for span in trace.spans)
            found[trace.key] = Extent(low, high, smoothing.width_of(low, high, points))
    return found


def smoothed(scene: Scene, reach: Mapping[str, Extent]) -> Scene:
    """The scene with its curves smoothed as its view says."""
    weight = scene.view.smoothing
    curves = {
        trace.key: smoothing.smoothed(trace.spans, weight, reach[trace.key].width)
        for trace in scene.traces
        if weight and trace.key in reach
    }
    return scene._replace(smooth=curves)
