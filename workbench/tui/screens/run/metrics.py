"""A run's metrics: the list of them, and the one under the cursor as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from workbench.text import times
from workbench.text.numbers import count, format_metric, number
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import sparkline, trace
from workbench.tui.chart.chart import Chart
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_curves import Curve, RunCurves
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.tui.table.table import Table
from workbench.tui.themes.palette import palette_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

SPARK = 10
MOST = 60
"""Metrics whose course is shown in the list: each asks the store."""
COLUMNS = (
    Column("name", "METRIC", least=10, ideal=18, most=30, keep=100, middle=True, sortable=False),
    Column("trend", "", least=SPARK, ideal=SPARK, keep=60, sortable=False),
    Column("last", "LAST", right=True, least=7, ideal=9, keep=95, sortable=False),
    Column("min", "MIN", right=True, least=7, ideal=9, keep=50, sortable=False),
    Column("max", "MAX", right=True, least=7, ideal=9, keep=45, sortable=False),
    Column("count", "N", right=True, least=5, ideal=6, keep=30, sortable=False),
)


class RunMetrics(Container):
    """List and chart, side by side where there is room."""

    DEFAULT_CSS = """
    RunMetrics { layout: horizontal; }
    RunMetrics Table { width: 46; height: 1fr; }
    RunMetrics Chart { width: 1fr; height: 1fr; padding: 0 1; }
    RunMetrics.-narrow { layout: vertical; }
    RunMetrics.-narrow Table { width: 100%; height: 35%; }
    RunMetrics.-large Table { display: none; }
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._run: Mapping[str, Any] = {}
        self._series: dict[str, Mapping[str, Any]] = {}
        self._courses: dict[str, list[float]] = {}
        self._shown: str | None = None

    def compose(self) -> ComposeResult:
        """The list and the chart."""
        yield Table(self, COLUMNS, frozen=1, empty="...")
        yield Chart(RunCurves(self.dashboard.services, "", ()), empty="no metric yet")

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one(Table)

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self.query_one(Chart)

    def on_resize(self) -> None:
        """One above the other where it is narrow."""
        self.set_class(self.size.width < 100, "-narrow")

    async def hear(self, dirty: Dirty) -> None:
        """Ask for the figures; the chart asks for its curve."""
        services = self.dashboard.services
        self._run = await services.call("runs", "get", run=self._reference)
        found = await services.call("runs", "metrics", run=self._run["id"])
        plain = [item for item in found if item.get("rank", 0) == 0]
        before, self._series = self._series, {item["name"]: item for item in plain}
        new = [name for name in self._series if before.get(name) != self._series[name]]
        for name in new[:MOST]:
            asked = {"run": self._run["id"], "name": name, "buckets": 2 * SPARK}
            buckets = await services.call("runs", "envelope", **asked)
            values = [number(bucket.get("last")) for bucket in buckets]
            self._courses[name] = [nan if value is None else value for value in values]
        self.table.empty = "This run logged no metric.   Run.get_context().log(name, value) does."
        self.table.replace(list(self._series))
        self.table.changed(new)
        if self._shown is None and self.table.cursor is not None:
            self._show(self.table.cursor)
        elif self._shown in new:
            self.chart.changed()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A metric's cells."""
        item = self._series.get(key)
        if item is None:
            return None
        course = self._courses.get(key, [])
        plain = palette_of(self.app).ascii
        drawn = ""
        if len(course) > 1:
            drawn = sparkline(course, SPARK, ascii_only=True) if plain else trace(course, SPARK)
        return [
            Cell(clean_name(key, 100)),
            Cell(drawn, "active"),
            Cell(format_metric(item.get("last")), "bold"),
            Cell(format_metric(item.get("min")), "dim"),
            Cell(format_metric(item.get("max")), "dim"),
            Cell(count(item.get("count")), "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    def _show(self, name: str) -> None:
        if name == self._shown or name not in self._series:
            return
        self._shown = name
        curve = Curve(self._run["id"], str(self._run["name"]), times.parse(self._run.get("started")))
        self.chart.show(RunCurves(self.dashboard.services, name, [curve]), clean_name(name, 60))

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        if event.key is not None:
            self._show(event.key)

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        self.add_class("-large")
        self.chart.focus()

    def step_out(self) -> bool:
        """From the large chart back to the list."""
        if self.has_class("-large") or self.chart.has_focus:
            self.remove_class("-large")
            self.table.focus()
            return True
        return False
