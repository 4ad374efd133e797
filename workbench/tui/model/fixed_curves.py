"""Curves that are known whole: evaluations of a run as a source of a chart."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.text.curves import within
from workbench.text.plot_svg import Line
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


def of_lines(lines: Sequence[Line]) -> list[Trace]:
    """Lines of a plot as curves of a chart."""
    return [Trace(str(place), line.name, line.spans) for place, line in enumerate(lines)]
