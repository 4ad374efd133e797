"""What a run logged besides curves: a list, and below it what the cursor is on, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text import numbers
from workbench.text.sanitize import clean_name
from workbench.tui.chart.feed import Feed
from workbench.tui.chart.large_chart import Chart
from workbench.tui.frame.reading import Reading
from workbench.tui.model.fixed_curves import FixedCurves
from workbench.tui.screens.run.looking import LookingTab
from workbench.tui.screens.run.value_showing import Shown, show
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.tui.values.outside import open_outside

COLUMNS = (
    Column("name", "NAME", least=12, ideal=30, rest=True, keep=100, middle=True, sortable=False),
    Column("kind", "WHAT", least=5, ideal=18, keep=90, sortable=False),
    Column("count", "TIMES", right=True, least=5, ideal=6, keep=80, sortable=False),
    Column("step", "LAST STEP", right=True, least=4, ideal=9, keep=50, sortable=False),
)
EMPTY = "Nothing but curves:   run.log_table(...), log_image(...), log_confusion_matrix(...)"
ROOM = 9
"""Lines of the list at most while something is shown below it."""


class RunValues(LookingTab):
    """The list and the value."""

    PLACES: ClassVar[tuple[str, ...]] = ("values",)
    DEFAULT_CSS = """
    RunValues Table { height: 9; }
    RunValues Chart { display: none; padding: 0 1; }
    RunValues.-chart Reading { display: none; }
    RunValues.-chart Chart { display: block; }
    RunValues.-large Table { display: none; }
    RunValues.-empty Table { height: 1fr; }
    RunValues.-empty Reading { display: none; }
    """

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._found: dict[str, Mapping[str, Any]] = {}
        self._wanted: Mapping[str, Any] = {}
        self._feed = Feed(self, self._show)
        self._other = False
        self._back = 0
        self._shown: Shown | None = None
        self.table = Table(self, COLUMNS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The list, a place to read and a chart, of which one is seen."""
        yield self.table
        yield Reading()
        yield Chart(FixedCurves())

    def on_mount(self) -> None:
        """Pictures and tables are drawn anew in other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._ask())

    @property
    def reading(self) -> Reading:
        """Where texts, tables and pictures are shown."""
        return self.query_one(Reading)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        item = self._found.get(key)
        if item is None:
            return None
        step = item.get("last_step")
        return [
            Cell(clean_name(item["name"], 300)),
            Cell(clean_name(item["kind"].replace("_", " "), 60), "quiet"),
            Cell(numbers.count(item["count"])),
            Cell("-" if step is None else str(step), "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def look(self) -> None:
        """Ask what there is, and for what is shown if it was logged again. Raises WorkbenchError."""
        items = await self.dashboard.services.call("runs", "logged", run=self._reference)
        found = {f"{item['kind']} {item['name']}": item for item in items}
        if found == self._found and self.table.empty == EMPTY:
            return
        before, self._found = self._found, found
        self.table.empty = EMPTY
        self.table.replace(list(found))
        self.table.changed(key for key, item in found.items() if before.get(key) != item)
        self.set_class(not found, "-empty")
        if found:
            self.table.styles.height = self._room
        key = self.table.cursor
        if key is not None and before.get(key) != found.get(key):
            self._ask()

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._back = 0
        self._ask()

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        self.do_values_large()

    def on_resize(self) -> None:
        """Tables and pictures are made for the room there is, which is known from here on."""
        self._ask()

    @property
    def _room(self) -> int:
        """Lines of the list while something is shown below it."""
        return min(ROOM, len(self._found) + 2)

    def _ask(self) -> None:
        """Show what the cursor is on, asked for beside: pictures come from far."""
        item = self._found.get(self.table.cursor or "")
        if item is not None and self.size:
            self._wanted = item
            self._feed.now()

    async def _show(self) -> None:
        reading = self.reading
        room = reading.size if reading.size.width else self.size
        lines = max(4, self.size.height - (0 if self.has_class("-large") else self._room))
        self._shown = await show(
            self.dashboard,
            self._reference,
            self._wanted,
            (max(20, room.width - 3), lines),
            other=self._other,
            back=self._back,
        )
        chart = self._shown.chart
        self.set_class(chart is not None, "-chart")
        if chart is not None:
            self.query_one(Chart).show(FixedCurves(chart.traces), chart.title, x_axes=(chart.x,))
        else:
            self.reading.say(self._shown.text)
            self.reading.scroll_home(animate=False)

    def refusal(self, action: str) -> str | None:
        """What goes with what is shown."""
        verb = action.partition(".")[2]
        if not self._found:
            return "there is nothing in this list"
        if verb == "outside" and (self._shown is None or self._shown.path is None):
            return "only pictures are opened outside"
        if verb == "way" and (self._shown is None or not self._shown.ways):
            return "this is seen in one way only"
        if verb in ("earlier", "later") and (self._shown is None or self._shown.of < 2):
            return "this was logged once"
        return super().refusal(action)

    def do_values_way(self) -> None:
        """Counts or shares of a matrix, one or the other curves of an accuracy table."""
        self._other = not self._other
        self._ask()

    def do_values_earlier(self) -> None:
        """What was logged under the name before."""
        self._step(1)

    def do_values_later(self) -> None:
        """What was logged under the name after that."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self._shown is not None:
            self._back = min(self._shown.of - 1, max(0, self._back + by))
            self._ask()

    def do_values_large(self) -> None:
        """All the room for what is shown, or the list again."""
        large = not self.has_class("-large")
        self.set_class(large, "-large")
        shown = self.query_one(Chart) if self.has_class("-chart") else self.reading
        (shown if large else self.table).focus()
        self.call_after_refresh(self._ask)

    def do_values_outside(self) -> None:
        """The picture in the viewer of this desk."""
        item = self._found.get(self.table.cursor or "")
        if item is not None and item.get("path"):
            open_outside(self.dashboard, self._reference, str(item["path"]))

    def step_out(self) -> bool:
        """From what is large back to the list."""
        if self.has_class("-large"):
            self.do_values_large()
            return True
        if not self.table.has_focus:
            self.table.focus()
            return True
        return False
