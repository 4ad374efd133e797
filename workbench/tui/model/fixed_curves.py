"""Curves that are known whole: evaluations of a run as a source of a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text import accuracy
from workbench.text.curves import Span, point, within
from workbench.text.numbers import finite
from workbench.tui.chart.source import Trace, Window


class FixedCurves:
    """A chart.source.Source: the same curves whatever is asked for."""

    def __init__(self, traces: Sequence[Trace] = ()) -> None:
        self._traces = traces

    async def traces(self, window: Window) -> Sequence[Trace]:
        """Those in the window."""
        if window.low is None or window.high is None:
            return self._traces
        return [
            trace._replace(spans=within(trace.spans, window.low, window.high, 1)) for trace in self._traces
        ]


def of_accuracy(data: Mapping[str, Any], way: accuracy.Way) -> list[Trace]:
    """A curve a class of an accuracy table."""
    return [
        Trace(str(number), curve.name, [point(x, y) for x, y in curve.points])
        for number, curve in enumerate(accuracy.curves(data, way))
    ]


def of_predictions(data: Mapping[str, Any]) -> list[Trace]:
    """Predictions over true values: the average of each bin, as wide as its error; a second line is exact."""
    edges, averages, errors = (data.get(key) for key in ("bin_edges", "bin_averages", "bin_errors"))
    if not (isinstance(edges, list) and isinstance(averages, list) and isinstance(errors, list)):
        return []
    spans, exact = [], []
    for low, high, average, error in zip(edges[:-1], edges[1:], averages, errors, strict=False):
        first, last, middle, wide = finite(low), finite(high), finite(average), finite(error)
        if first is None or last is None or middle is None:
            continue
        reach = wide or 0.0
        spans.append(Span(first, last, middle - reach, middle + reach, middle))
        exact.append(point((first + last) / 2, (first + last) / 2))
    return [Trace("predicted", "predicted", spans), Trace("exact", "exact", exact)] if spans else []
