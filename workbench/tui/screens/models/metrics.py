"""The metrics of a model's versions as curves over their numbers: all small, one large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.text.curves import point
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.chart.large_chart import Chart
from workbench.tui.chart.small_multiples import SmallMultiples
from workbench.tui.chart.source import Trace, Window
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import ask
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.fixed_curves import FixedCurves
from workbench.tui.screens.models.known import CHAMPION, Known
from workbench.tui.themes.palette import palette_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

EMPTY = "No version has a metric: they come from the runs that made them."
VERSION = "version"
MOST = 1000


class VersionSeries:
    """A chart.source.ManySource: every metric over the numbers of versions, and the champion's as one dot."""

    def __init__(self, known: Known) -> None:
        self._known = known

    async def names(self) -> Sequence[str]:
        """All metrics."""
        return self._known.metrics(MOST)

    async def curves(self, names: Sequence[str], window: Window) -> Mapping[str, Sequence[Trace]]:
        """Their curves."""
        return {name: await self.curve(name).traces(window) for name in names}

    def curve(self, name: str) -> FixedCurves:
        """One metric's."""
        values = []
        for version in reversed(self._known.versions):
            value = finite((version.get("metrics") or {}).get(name))
            if value is not None:
                values.append(point(float(version["version"]), value))
        traces = [Trace(name, "versions", values)]
        champion = self._known.champion
        best = None if champion is None else finite((champion.get("metrics") or {}).get(name))
        if champion is not None and best is not None:
            traces.append(
                Trace(
                    CHAMPION,
                    f"{CHAMPION} {champion['version']}",
                    [point(float(champion["version"]), best)],
                    spot=True,
                )
            )
        return FixedCurves(traces)


class ModelMetrics(Acting, Vertical):
    """The grid, or the chart that was opened from it."""

    PLACES: ClassVar[tuple[str, ...]] = ("metrics",)
    DEFAULT_CSS = """
    ModelMetrics Chart { display: none; padding: 0 1; }
    ModelMetrics.-large SmallMultiples, ModelMetrics.-large Detail { display: none; }
    ModelMetrics.-large Chart { display: block; }
    """

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known
        self._series = VersionSeries(known)
        self._words = ""
        self._legend = Detail()

    def compose(self) -> ComposeResult:
        """Both; one of them is seen."""
        yield SmallMultiples(self._series, x_axes=(VERSION,), empty=EMPTY)
        yield Chart(FixedCurves())
        yield self._legend

    async def hear(self, dirty: Dirty) -> None:
        """Other versions, other curves."""
        champion, mark = self._known.champion, palette_of(self.app).marks[1]
        said = f"{mark} {CHAMPION}, version {champion['version']}" if champion is not None else ""
        self._legend.said = (said or "no version is champion", "dim")
        (self.query_one(Chart) if self.has_class("-large") else self.query_one(SmallMultiples)).changed()

    def on_small_multiples_opened(self, message: SmallMultiples.Opened) -> None:
        """Show one large."""
        message.stop()
        chart = self.query_one(Chart)
        chart.show(self._series.curve(message.name), clean_name(message.name, 60), x_axes=[VERSION])
        self.add_class("-large")
        chart.focus()

    async def do_metrics_filter(self) -> None:
        """Narrow the grid while one types."""
        said = self._narrow
        await ask(
            cast("Dashboard", self.app), "/", said, value=self._words, changed=said, hint="part of a name"
        )

    async def _narrow(self, words: str) -> None:
        self._words = words
        self.query_one(SmallMultiples).narrow(words)

    def refusal(self, action: str) -> str | None:
        """One chart cannot be narrowed."""
        if action == "metrics.filter" and self.has_class("-large"):
            return "esc goes back to all metrics first"
        return super().refusal(action)

    def step_out(self) -> bool:
        """From the large chart back to all, then from some to all."""
        grid = self.query_one(SmallMultiples)
        if self.has_class("-large"):
            self.remove_class("-large")
            grid.focus()
            grid.changed()
            return True
        if self._words:
            self._words = ""
            grid.narrow("")
            return True
        return False
