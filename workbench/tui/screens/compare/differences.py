"""A chart of the metric under the cursor over all compared runs, above the table of what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from workbench.text import times
from workbench.text.numbers import number
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.chart.large_chart import Chart
from workbench.tui.dialogs.passage import Passage
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_curves import Curve, RunCurves
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.tui.themes.palette import palette_of
from workbench.views import comparison
from workbench.views import runs as run_look
from workbench.views.comparison import Key

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


WITH_DELTA = 19
"""Cells of a value, a star, and a difference."""


class Differences(Acting, Vertical):
    """Chart and table."""

    class CodeWanted(Message):
        """The user wants to see how the code differs."""

    PLACES: ClassVar[tuple[str, ...]] = ("differences",)
    DEFAULT_CSS = """
    Differences Chart { height: 1fr; padding: 0 1; }
    Differences Table { height: 50%; }
    Differences.-large Table { display: none; }
    """

    def __init__(self, runs: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._runs = runs
        self._everything = False
        self._rows: dict[str, Key] = {}
        self._metric: str | None = None
        self.words = ""
        """What rows are narrowed by."""
        self.found: Mapping[str, Any] | None = None
        self.table = Table(self, [Column("name", "")], frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The chart and the table."""
        yield Chart(RunCurves(self.dashboard.services, "", ()), empty="no metric differs; a shows all")
        yield self.table

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    async def hear(self, dirty: Dirty) -> None:
        """Compare again when one of them changed."""
        known = [run["id"] for run in self.found["runs"]] if self.found is not None else []
        if dirty.everything or dirty.touched(known):
            await self.ask(self._everything)

    async def ask(self, everything: bool) -> None:
        """Compare. Raises WorkbenchError."""
        self._everything, runs = everything, list(self._runs())
        if len(runs) < 2:
            self.table.empty = "There are no two runs to compare."
            self.table.replace([])
            return
        found = await self.dashboard.services.call("runs", "compare", runs=runs, all=everything or None)
        first = self.found is None
        self.found = found
        self._rows = {f"{key.kind} {key.name}": key for key in comparison.keys(found)}
        columns = _columns(found)
        if list(self.table.columns) != columns:
            self.table.columns = columns
        self._fill()
        self.table.changed(self._rows)
        if first or self._metric is None:
            metric = await self._first_metric(found)
            if metric is not None:
                if first:
                    self.table.go_to(f"metric {metric}")
                self._draw(metric)
        else:
            self.query_one(Chart).changed()

    def _fill(self) -> None:
        """Show the rows that are called like the words; headings stand above all of them only."""
        words = self.words.lower().split()
        self.table.empty = f"Nothing is called like {self.words}." if words else "They do not differ."
        shown: list[str] = []
        for name, key in self._rows.items():
            if not words or (key.kind != "heading" and all(word in key.name.lower() for word in words)):
                shown.append(name)
        self.table.replace(shown)

    async def narrow(self, words: str) -> None:
        """Show only what is called so."""
        self.words = words
        self._fill()

    async def _first_metric(self, found: Mapping[str, Any]) -> str | None:
        """What the runs are judged by, else one with a best run, else any."""
        metrics = found.get("metrics") or {}
        judges = run_look.judges(await self.dashboard.services.call("experiments", "list"))
        primary = [judges[run["experiment"]].metric for run in found["runs"] if run["experiment"] in judges]
        ranked = [name for name, metric in metrics.items() if metric.get("best") is not None]
        return next((name for name in [*primary, *ranked, *metrics] if name in metrics), None)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        about = self._rows.get(key)
        if about is None or self.found is None:
            return None
        row = comparison.row(self.found, about, palette_of(self.app).ascii)
        return [Cell(cell.text, cell.role) for cell in row.cells]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    def _draw(self, metric: str) -> None:
        if metric == self._metric or self.found is None:
            return
        self._metric = metric
        compared = (self.found.get("metrics") or {}).get(metric, {})
        values = compared.get("values") or []
        curves = [
            Curve(run["id"], clean_name(run["name"]), times.parse(run.get("started")), last=number(value))
            for run, value in zip_longest(self.found["runs"], values)
        ]
        title = ", ".join(filter(None, (clean_name(metric, 60), comparison.goal_words(compared))))
        self.query_one(Chart).show(RunCurves(self.dashboard.services, metric, curves), title)

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        row = self._rows.get(event.key or "")
        if row is not None and row.kind in ("metric", "peak"):
            self._draw(row.name)

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        row = self._rows.get(event.key)
        if row is not None and row.kind in ("metric", "peak"):
            self.do_differences_chart()
        elif row is not None and row.kind == "code":
            self.post_message(self.CodeWanted())
        elif row is not None and self.found is not None and (words := comparison.in_full(self.found, row)):
            self.app.push_screen(Passage(row.name, words))

    def refusal(self, action: str) -> str | None:
        """A chart without a curve cannot be saved."""
        if action == "differences.save":
            return self.query_one(Chart).refusal("chart.save")
        return super().refusal(action)

    async def do_differences_save(self) -> None:
        """Write the chart to a file."""
        await self.query_one(Chart).do_chart_save()

    def do_differences_chart(self) -> None:
        """The chart large, or the table again."""
        large = not self.has_class("-large")
        self.set_class(large, "-large")
        (self.query_one(Chart) if large else self.table).focus()

    def step_out(self) -> bool:
        """From the large chart back to the table."""
        if self.has_class("-large") or self.query_one(Chart).has_focus:
            self.remove_class("-large")
            self.table.focus()
            return True
        if self.words:
            self.words = ""
            self._fill()
            return True
        return False

    async def held_against(self) -> None:
        """Another run stands first now. Raises WorkbenchError."""
        self._metric, cursor = None, self._rows.get(self.table.cursor or "")
        await self.ask(self._everything)
        if cursor is not None and cursor.kind == "metric":
            self._draw(cursor.name)


def _columns(found: Mapping[str, Any]) -> list[Column]:
    """The names, and a run each: wide enough for a value, a star and how far it is from the first."""
    wide = WITH_DELTA if found.get("metrics") else 14
    columns = [Column("name", "", least=12, ideal=20, most=36, keep=100, middle=True, sortable=False)]
    for at, run in enumerate(found["runs"]):
        ideal = wide if at else 16
        columns.append(
            Column(
                f"run {at}",
                clean_name(run["name"], 200),  # the table cuts it
                right=True,
                least=ideal,  # a value whose end is cut is worse than a run out of sight
                ideal=ideal,
                most=ideal + 8,
                keep=90 - at,
                middle=True,
                sortable=False,
            )
        )
    return columns
