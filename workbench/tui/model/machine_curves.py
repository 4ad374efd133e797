"""What a machine did, as curves of charts: a figure each, a curve a GPU, gaps where nothing was heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import Any, NamedTuple

from workbench.text.curves import Span
from workbench.text.numbers import finite
from workbench.tui.chart.source import Trace, Window
from workbench.tui.model.feed import Services
from workbench.views.fleet import index_of
from workbench.views.gpus import View

GIB = float(1 << 30)


class Figure(NamedTuple):
    """One chart: its name with the unit, the series it is made of, what one of its units is."""

    name: str
    of_gpus: str = ""
    """The last part of a GPU's series."""
    of_host: str = ""
    unit: float = 1.0


FIGURES = (
    Figure("GPU utilisation %", "utilisation"),
    Figure("GPU memory GiB", "memory", unit=GIB),
    Figure("power W", "power"),
    Figure("temperature C", "temperature"),
    Figure("CPU %", of_host="cpu"),
    Figure("RAM GiB", of_host="memory", unit=GIB),
)
SPANS = (600.0, 12 * 3600.0)
"""How far back one looks, in seconds: what is kept by the second, and by the minute."""
FINEST = {600.0: 600, 12 * 3600.0: 720}
"""The figures there are of each."""


class MachineCurves:
    """A chart.source.ManySource over a machine's history; view: how the machine is now."""

    def __init__(self, services: Services, name: str, view: Callable[[], View]) -> None:
        self._services, self._name, self._view = services, name, view
        self.seconds = SPANS[0]

    def _gpus(self) -> dict[str, str]:
        """What each GPU is called, by its UUID."""
        gpus = (self._view().get("sample") or {}).get("gpus") or ()
        return {str(gpu["uuid"]): f"gpu{index_of(gpu, place)}" for place, gpu in enumerate(gpus)}

    async def names(self) -> Sequence[str]:
        """The charts there are: those of GPUs where there are some."""
        return [figure.name for figure in FIGURES if self._gpus() or not figure.of_gpus]

    def figure(self, name: str) -> OneFigure:
        """One chart's source."""
        return OneFigure(self, name)

    async def curves(self, names: Sequence[str], window: Window) -> Mapping[str, Sequence[Trace]]:
        """Their curves, asked for at once. Raises WorkbenchError."""
        wanted = [figure for figure in FIGURES if figure.name in names]
        gpus = self._gpus()
        series = {figure.name: _series(figure, gpus) for figure in wanted}
        asked = [key for keys in series.values() for key in keys]
        if not asked:
            return {name: () for name in names}
        points = FINEST[self.seconds] if window.low is not None else min(window.buckets, FINEST[self.seconds])
        found = await self._services.call(
            "compute",
            "history",
            name=self._name,
            series=asked,
            seconds=self.seconds,
            points=points,
            bounds=True,
        )
        return {
            figure.name: [
                trace
                for key, title in series[figure.name].items()
                if (trace := _trace(found, key, title, figure.unit, window)) is not None
            ]
            for figure in wanted
        }


class OneFigure:
    """A chart.source.Source: one chart of a machine's history."""

    def __init__(self, curves: MachineCurves, name: str) -> None:
        self._curves, self._name = curves, name

    async def traces(self, window: Window) -> Sequence[Trace]:
        """A curve a GPU, or the one of the machine. Raises WorkbenchError."""
        return (await self._curves.curves([self._name], window)).get(self._name, ())


def _series(figure: Figure, gpus: Mapping[str, str]) -> dict[str, str]:
    """The names of its series, and what each is called."""
    if figure.of_host:
        return {figure.of_host: figure.name.split()[0]}
    return {f"gpu:{uuid}:{figure.of_gpus}": title for uuid, title in gpus.items()}


def _in(value: Any, unit: float) -> float:
    """A figure in a unit; nan where it is not known."""
    found = finite(value)
    return nan if found is None else found / unit


def _trace(found: Mapping[str, Any], key: str, title: str, unit: float, window: Window) -> Trace | None:
    """A series as a curve; None where there is not one figure of it."""
    means = (found.get("series") or {}).get(key) or []
    lows, highs = ((found.get(bound) or {}).get(key) or means for bound in ("low", "high"))
    start, step = float(found["start"]), float(found["step"])
    spans = []
    for at, (mean, low, high) in enumerate(zip(means, lows, highs, strict=True)):
        first, last = start + at * step, start + (at + 1) * step
        if (
            window.low is not None
            and window.high is not None
            and not window.low <= last <= window.high + step
        ):
            continue
        low_, high_, mean_ = (_in(value, unit) for value in (low, high, mean))
        spans.append(Span(first, last, low_, high_, mean_, 0 if isnan(mean_) else 1))
    known = [span.last for span in spans if span.low == span.low]
    return Trace(key, title, spans, last=known[-1]) if known else None
