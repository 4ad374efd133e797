"""A run's metrics: all of them small, one of them large."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult

from workbench.text import times
from workbench.text.natural_order import natural_key
from workbench.text.numbers import number
from workbench.text.sanitize import clean_name
from workbench.text.x_axes import METRIC, RELATIVE, STEP, TIME
from workbench.tui.chart.large_chart import Chart
from workbench.tui.chart.small_multiples import SmallMultiples
from workbench.tui.chart.source import Trace, Window
from workbench.tui.frame.prompt import ask
from workbench.tui.model.feed import Services
from workbench.tui.model.run_curves import Curve, RunCurves
from workbench.tui.screens.run.looking import LookingTab

MOST_AXES = 12
"""Metrics that are offered as x axes of another."""
MOST_RANKS = 16
"""Processes of a run whose curves stand in one chart."""
EMPTY = "No metric is here yet:   Run.get_context().log(name, value)"


class RunSeries:
    """A chart.source.ManySource: every metric of one run."""

    def __init__(self, services: Services, run: str) -> None:
        self._services = services
        self._reference = run
        self.run: Mapping[str, Any] = {}
        self.last: dict[str, float | None] = {}
        self._ranks: dict[str, dict[int, float | None]] = {}

    async def look(self) -> None:
        """Ask for the run and what its metrics are called. Raises WorkbenchError."""
        self.run = await self._services.call("runs", "get", run=self._reference)
        found = await self._services.call("runs", "metrics", run=self.run["id"])
        ranks: dict[str, dict[int, float | None]] = {}
        for item in found:
            ranks.setdefault(item["name"], {})[int(item.get("rank") or 0)] = number(item.get("last"))
        self._ranks = ranks
        named = sorted(ranks, key=natural_key)
        self.last = {name: ranks[name][min(ranks[name])] for name in named}

    async def names(self) -> Sequence[str]:
        """All metrics."""
        if not self.run:
            await self.look()
        return list(self.last)

    async def curves(self, names: Sequence[str], window: Window) -> Mapping[str, Sequence[Trace]]:
        """Their curves."""
        found = await asyncio.gather(*(self.curve(name).traces(window) for name in names))
        return dict(zip(names, found, strict=True))

    def curve(self, name: str) -> RunCurves:
        """One metric's."""
        started = times.parse(self.run.get("started"))
        run, title = str(self.run["id"]), clean_name(str(self.run["name"]))
        return RunCurves(self._services, name, [Curve(run, title, started, last=self.last.get(name))])

    def curves_of_ranks(self, name: str) -> RunCurves:
        """One metric's, a curve for each process that logged it where several did."""
        ranks = sorted(self._ranks.get(name, {}).items())[:MOST_RANKS]
        if len(ranks) < 2:
            return self.curve(name)
        started, run = times.parse(self.run.get("started")), str(self.run["id"])
        curves = [Curve(run, f"rank {rank}", started, last=last, rank=rank) for rank, last in ranks]
        return RunCurves(self._services, name, curves)


class RunMetrics(LookingTab):
    """The grid, or the chart that was opened from it."""

    PLACES: ClassVar[tuple[str, ...]] = ("metrics",)
    DEFAULT_CSS = """
    RunMetrics Chart { display: none; padding: 0 1; }
    RunMetrics.-large SmallMultiples { display: none; }
    RunMetrics.-large Chart { display: block; }
    """

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._words = ""

    def compose(self) -> ComposeResult:
        """Both; one of them is seen."""
        self._series = RunSeries(self.dashboard.services, self._reference)
        yield SmallMultiples(self._series, empty=EMPTY)
        yield Chart(RunCurves(self.dashboard.services, "", ()))

    @property
    def grid(self) -> SmallMultiples:
        """The small charts."""
        return self.query_one(SmallMultiples)

    @property
    def chart(self) -> Chart:
        """The large one."""
        return self.query_one(Chart)

    async def look(self) -> None:
        """Ask what there is; charts in sight ask for their curves themselves. Raises WorkbenchError."""
        await self._series.look()
        (self.chart if self.has_class("-large") else self.grid).changed()

    def on_small_multiples_opened(self, message: SmallMultiples.Opened) -> None:
        """Show one large; the other metrics can be its x axis."""
        message.stop()
        others = [name for name in self._series.last if name != message.name][:MOST_AXES]
        axes = [STEP, RELATIVE, TIME, *(METRIC + name for name in others)]
        self.chart.show(self._series.curves_of_ranks(message.name), clean_name(message.name, 60), x_axes=axes)
        self.add_class("-large")
        self.chart.focus()

    async def do_metrics_filter(self) -> None:
        """Narrow the grid while one types."""
        said = self._narrow
        await ask(self.dashboard, "/", said, value=self._words, changed=said, hint="part of a name")

    async def _narrow(self, words: str) -> None:
        self._words = words
        self.grid.narrow(words)

    def refusal(self, action: str) -> str | None:
        """One chart cannot be narrowed."""
        if action == "metrics.filter" and self.has_class("-large"):
            return "esc goes back to all metrics first"
        return super().refusal(action)

    def step_out(self) -> bool:
        """From the large chart back to all, then from some to all."""
        if self.has_class("-large"):
            self.remove_class("-large")
            self.grid.focus()
            self.grid.changed()
            return True
        if self._words:
            self._words = ""
            self.grid.narrow("")
            return True
        return False
