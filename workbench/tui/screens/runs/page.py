"""The runs page: experiments as groups, rows that keep their place while they change, what one does with runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_list import RunList, RunQuery
from workbench.tui.places.page import Page
from workbench.tui.screens.runs import doing, filters
from workbench.tui.screens.runs.columns import Setting, Shown, cells, shown
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.drawing import Sorting
from workbench.tui.table.lines import Group
from workbench.tui.table.table import MarkingTable
from workbench.tui.themes.palette import palette_of
from workbench.views import runs as look

EMPTY = """No run yet.

Send this directory's command to a machine:

    wb submit -- python train.py

or press R here; 2 shows the machines."""
NOTHING = "No run fits the filter. esc takes it away."
BEST_SECONDS = 2.0
"""Between two looks at which run is the best."""


class RunsPage(Page):
    """The list of runs, of one experiment or of all."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "runs")

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._list: RunList | None = None
        self._shown: list[Shown] = shown(None, None, (), ())
        self._judges: dict[str, look.Judge] = {}
        self._best: dict[str, str] = {}
        self._wanted: list[str] = []
        self._want_more = asyncio.Event()
        self._filter_problem = ""

    # Frame

    def compose(self) -> ComposeResult:
        """The table."""
        yield MarkingTable(self, [item.column for item in self._shown], frozen=2, empty="...")

    @property
    def table(self) -> MarkingTable:
        """The table."""
        return self.query_one(MarkingTable)

    @property
    def runs(self) -> RunList:
        """The model; made when the page is first seen."""
        if self._list is None:
            self._list = RunList(self.dashboard.services)
        return self._list

    @property
    def experiment(self) -> str | None:
        """The experiment the page is about; None for all."""
        return self.location.path[0] if self.location.path else None

    @property
    def aside(self) -> str:
        """The filter, or how many runs there are."""
        words = filters.write(self.location.options)
        marked = len(self.table.marked)
        count = f"{len(self.runs.ids)} runs" if self.runs.loaded else ""
        return "   ".join(
            part
            for part in (f"/ {words}" if words else "", f"{marked} marked" if marked else "", count)
            if part
        )

    def on_mount(self) -> None:
        """Rows are fetched by one task, durations move once a second."""
        self.run_worker(self._fetching(), name="rows", exit_on_error=True)
        self.set_interval(1.0, self._tick)

    async def show(self, location: Location) -> None:
        """Other filters are another list."""
        before = (self.location.path, dict(self.location.options))
        await super().show(location)
        if not self.runs.loaded or before != (location.path, dict(location.options)):
            await self._ask_anew()

    def step_out(self) -> bool:
        """First marks go, then the filter."""
        if self.table.marked:
            self.table.unmark()
            return True
        if any(key in self.location.options for key in filters.KEYS):
            rest = {key: value for key, value in self.location.options.items() if key not in filters.KEYS}
            self.run_worker(self._filtered(rest), name="filter", exclusive=True, group="filter")
            return True
        return False

    # Rows

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells, for the table."""
        row = self.runs.row(key)
        if row is None:
            return None
        setting = Setting(datetime.now(UTC), palette_of(self.app).ascii, self._best)
        return cells(row, self._shown, setting)

    def want(self, keys: Sequence[str]) -> None:
        """Rows the table is about to show."""
        self._wanted = list(keys)
        self._want_more.set()

    async def _fetching(self) -> None:
        while True:
            await self._want_more.wait()
            self._want_more.clear()
            wanted, self._wanted = self._wanted, []
            try:
                self.table.changed(await self.runs.fetch(wanted, self._extra()))
            except WorkbenchError as problem:
                self.dashboard.complain(problem)
                await asyncio.sleep(1.0)

    def _extra(self) -> list[str]:
        """The columns of `runs.table` beside those of every run."""
        return ["sparkline", *(item.column.id for item in self._shown if ":" in item.column.id)]

    def _tick(self) -> None:
        """Durations of runs in view that go on."""
        if self.display and self.table.size.height:
            active = [
                key
                for key in self.runs.held()
                if (self.runs.row(key) or {}).get("status") in ("Running", "Finalizing")
            ]
            self.table.changed(active)

    async def hear(self, dirty: Dirty) -> None:
        """Rows that are here are got again; the order only when runs came or went."""
        if dirty.everything or dirty.created or dirty.experiments:
            await self._ask_anew()
        stale = dirty.touched(list(self.runs.held()))
        if stale:
            self.table.changed(await self.runs.fetch(sorted(stale), self._extra()))

    async def _ask_anew(self) -> None:
        """The experiments, the columns, the order."""
        try:
            options = filters.parameters(self.location.options)
        except ValueError as problem:
            self.dashboard.notify(str(problem), severity="warning", markup=False)
            options = ()
        before = self.runs.query
        self.runs.query = RunQuery(
            self.experiment,
            options,
            before.sort,
            before.descending,
            grouped=self.experiment is None and not options and before.sort == "created",
        )
        await self._columns()
        await self.runs.order()
        self.table.empty = NOTHING if options else EMPTY
        await self._fill()
        self.dashboard.say_aside()

    async def _columns(self) -> None:
        services = self.dashboard.services
        experiments = await services.call("experiments", "list")
        self._judges = look.judges(experiments)
        names = await services.call("runs", "columns", experiment=self.experiment)
        now = shown(
            self.experiment, self._judges.get(self.experiment or ""), names["params"], names["metrics"]
        )
        if [item.column for item in now] != [item.column for item in self._shown]:
            self._shown = now
            self.runs.forget()
            self.table.columns = [item.column for item in now]
            self.table.choice = self.dashboard.memory.get(self._memory_key())
        else:
            self._shown = now
        await self._find_best()

    def _memory_key(self) -> str:
        return f"columns runs/{self.experiment or ''}"

    async def _find_best(self) -> None:
        """Which run of each experiment in view is the best, where it has a judge."""
        names = (
            [self.experiment] if self.experiment else [group.experiment for group in self.runs.groups[:10]]
        )
        best = {}
        for name in names:
            judge = self._judges.get(name)
            if judge is not None:
                found = await self.dashboard.services.call(
                    "runs",
                    "table",
                    experiment=name,
                    sort="best",
                    descending=judge.maximize,
                    limit=1,
                    columns=[],
                )
                best.update({name: row["id"] for row in found["rows"] if row.get("best") is not None})
        self._best = best

    async def _fill(self) -> None:
        groups = [
            Group(f"/{group.experiment}", group.experiment, group.size, detail=self._detail(group.experiment))
            for group in self.runs.groups
        ]
        self.table.sorting = self._sorting()
        self.table.replace(self.runs.ids, groups)

    def _detail(self, experiment: str) -> tuple[Cell, ...]:
        judge = self._judges.get(experiment)
        if judge is None:
            return ()
        return (Cell(f"best by {'highest' if judge.maximize else 'lowest'} {judge.metric}", "quiet"),)

    def _sorting(self) -> Sorting | None:
        query = self.runs.query
        column = next((item.column for item in self._shown if item.sort == query.sort), None)
        return None if column is None else Sorting(column.id, query.descending is not False)

    # What the table says

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        row = self.runs.row(event.key)
        if row is not None:
            await self.dashboard.visit(Location("runs", (row["experiment"], row["id"])))

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self.dashboard.say_aside()

    @on(messages.SortRequested)
    async def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        sort = next(item.sort for item in self._shown if item.column.id == event.column)
        self.runs.query = self.runs.query._replace(sort=sort, descending=event.descending)
        await self._ask_anew()

    @on(messages.ColumnsChanged)
    def _chosen_columns(self, event: messages.ColumnsChanged) -> None:
        event.stop()
        self.dashboard.memory.keep(self._memory_key(), None if event.choice is None else list(event.choice))

    # Filter

    async def do_page_filter(self) -> None:
        """Narrow the list while one types."""
        from workbench.tui.frame.prompt import ask

        value = filters.write(self.location.options)
        hint = "part of a name; status=failed; @gpu1; archived=yes"
        await ask(self.dashboard, "/", self._typed, value=value, changed=self._typing, hint=hint)

    async def _typing(self, text: str) -> None:
        try:
            options = filters.read(text)
        except ValueError:
            return  # half a word; what is typed next decides
        await self._filtered(options)

    async def _typed(self, text: str) -> None:
        try:
            await self._filtered(filters.read(text))
        except ValueError as problem:
            self.dashboard.notify(str(problem), severity="warning", markup=False)

    async def _filtered(self, options: Mapping[str, str]) -> None:
        location = self.location._replace(options=dict(options))
        if location != self.location:
            await self.show(location)
            self.moved(location)

    # Doing

    def chosen(self) -> list[Mapping[str, Any]]:
        """The rows an action is about: the marked ones, else the one under the cursor."""
        rows = [self.runs.row(key) for key in self.table.chosen]
        return [row for row in rows if row is not None]

    def chosen_id(self) -> str | None:
        """The run under the cursor."""
        return self.table.cursor

    def refusal(self, action: str) -> str | None:
        """Why an action on runs cannot be done now."""
        if action.startswith("runs.") and action != "runs.new":
            return doing.why_not(action, self.chosen())
        return super().refusal(action)

    async def do_runs_cancel(self) -> None:
        """End the chosen runs, after a yes."""
        await doing.cancel(self.dashboard, self.chosen())

    async def do_runs_again(self) -> None:
        """Run the one under the cursor again."""
        await doing.again(self.dashboard, self.chosen()[0])

    async def do_runs_new(self) -> None:
        """A new run."""
        await doing.new(self.dashboard, experiment=self.experiment)

    async def do_runs_compare(self) -> None:
        """Compare the marked runs."""
        await doing.compare(self.dashboard, self.chosen())

    async def do_runs_remove(self) -> None:
        """Take the chosen runs out of sight."""
        await doing.archive(self.dashboard, self.chosen())
        self.table.unmark()
