"""A source of curves for charts: lists in memory, cut into buckets as the service does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from workbench.text.curves import Span
from workbench.text.x_axes import RELATIVE, STEP, TIME
from workbench.tui.chart.source import Trace, Window

EPOCH = 1_795_500_000.0


class Curves:
    """Values by name, one a step; what was asked for is kept in `asked`."""

    def __init__(self, values: Mapping[str, Sequence[float]]) -> None:
        self.values = dict(values)
        self.asked: list[Window] = []
        self.error: Exception | None = None

    async def traces(self, window: Window) -> list[Trace]:
        """The curves over a window."""
        self.asked.append(window)
        if self.error is not None:
            raise self.error
        return [Trace(name, name, self._spans(values, window)) for name, values in self.values.items()]

    def _spans(self, values: Sequence[float], window: Window) -> list[Span]:
        places = [_x(window.x, step) for step in range(len(values))]
        low = -math.inf if window.low is None else window.low
        high = math.inf if window.high is None else window.high
        inside = [step for step, x in enumerate(places) if low <= x <= high]
        count = min(window.buckets, len(inside))
        spans = []
        for number in range(count):
            part = inside[number * len(inside) // count : (number + 1) * len(inside) // count]
            finite = [values[step] for step in part if math.isfinite(values[step])]
            least, most = min(finite, default=math.nan), max(finite, default=math.nan)
            spans.append(Span(places[part[0]], places[part[-1]], least, most, values[part[-1]], len(part)))
        return spans


def _x(axis: str, step: int) -> float:
    return {STEP: float(step), RELATIVE: step * 0.5, TIME: EPOCH + step * 0.5}.get(axis, step / 100)


def decay(count: int, scale: float = 1.0) -> list[float]:
    """A loss as it should be."""
    return [scale * math.exp(-5 * step / count) for step in range(count)]
