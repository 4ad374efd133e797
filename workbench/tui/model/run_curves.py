"""A metric of one or several runs as curves of a chart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from workbench.errors import NotFound
from workbench.text.curves import from_bucket, shifted
from workbench.text.x_axes import RELATIVE, TIME
from workbench.tui.chart.source import Trace, Window
from workbench.tui.model.feed import Services


class Curve(NamedTuple):
    """A run as a chart knows it."""

    run: str
    """Its id."""
    name: str
    started: datetime | None = None
    """What x counts from on the axis of durations."""
    best: float | None = None
    last: float | None = None
    rank: int | None = None
    """One of the run's processes; None: what its plain view shows."""


class RunCurves:
    """A chart.source.Source: one metric, a curve a run."""

    def __init__(self, services: Services, metric: str, curves: Sequence[Curve]) -> None:
        self._services = services
        self.metric = metric
        self.curves = list(curves)

    async def traces(self, window: Window) -> Sequence[Trace]:
        """All curves over a window; a run without the metric has none. Raises WorkbenchError."""
        found = await asyncio.gather(*(self._trace(curve, window) for curve in self.curves))
        return [trace for trace in found if trace is not None]

    async def _trace(self, curve: Curve, window: Window) -> Trace | None:
        shift = curve.started.timestamp() if window.x == RELATIVE and curve.started is not None else 0.0
        asked: dict[str, Any] = {"x": TIME if window.x == RELATIVE else window.x}
        if window.low is not None and window.high is not None:
            asked.update(low=window.low + shift, high=window.high + shift)
        if window.coarse:
            asked["coarse"] = True
        if window.log and window.x != TIME:
            asked["origin"] = shift
        if curve.rank is not None:
            asked["rank"] = curve.rank
        try:
            buckets = await self._services.call(
                "runs", "envelope", run=curve.run, name=self.metric, buckets=window.buckets, **asked
            )
        except NotFound:
            return None
        spans = shifted([from_bucket(bucket) for bucket in buckets], -shift)
        key = curve.run if curve.rank is None else f"{curve.run} {curve.rank}"
        return Trace(key, curve.name, spans, best=curve.best, last=curve.last)
