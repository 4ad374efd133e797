"""Runs as a table that follows the news: the list of the runs page, and of whatever else has runs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from workbench.errors import ServerError, WorkbenchError
from workbench.text.location import Location
from workbench.text.states import ACTIVE_RUN
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_list import RunList, RunQuery
from workbench.tui.screens.runs import filters
from workbench.tui.screens.runs.columns import Setting, Shown, cells, shown
from workbench.tui.screens.runs.grouping import value_group
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.drawing import Sorting
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import palette_of
from workbench.views import runs as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

MOST_JUDGED = 10
"""Experiments of one list whose best run is marked: each asks the store."""
YOUNG = 75.0
"""Seconds in which an age is told by the second, and a little more."""
OLDER = 10.0
"""Seconds between two looks at the ages of what ended."""
QUIET = 2.5
"""Seconds between two looks which runs were silent: a machine that is heard makes no event of it."""
GOING_ON = frozenset({"Running", "Finalizing", "CancelRequested"})


class RunListing(Widget):
    """A table of the runs that fit a query."""

    DEFAULT_CSS = """
    RunListing { height: 1fr; width: 100%; layout: vertical; }
    RunListing MarkingTable { height: 1fr; }
    """

    def __init__(self, *, empty: str, memory: str) -> None:
        """empty: said where there is no run. memory: what the choice of columns is remembered under."""
        super().__init__()
        self.empty = empty
        self._memory = memory
        self.wanted: list[str] | None = None
        """Columns of a saved view, in place of those that were remembered."""
        self.own: look.Judge | None = None
        """What the runs are judged by where that is a matter of this list, not of their experiments."""
        self._list: RunList | None = None
        self._shown: list[Shown] = shown(None, None, (), (), grouped=True)
        self._judges: dict[str, look.Judge] = {}
        self._names: Mapping[str, Sequence[str]] = {"params": (), "metrics": ()}
        self._best: dict[str, str] = {}
        self._judged: set[str] = set()
        self._wanted: list[str] = []
        self._again: set[str] = set()
        self._want_more = asyncio.Event()
        self._told = ""
        self.table = MarkingTable(self, [item.column for item in self._shown], frozen=2, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The table, and what its rows have no room for."""
        yield self.table
        yield self._detail

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    @property
    def runs(self) -> RunList:
        """The model; made when it is first asked for."""
        if self._list is None:
            self._list = RunList(self.dashboard.services)
        return self._list

    def wear(self, columns: Sequence[str] | None) -> None:
        """Show these columns, of a saved view; None: those that were remembered."""
        self.wanted = list(columns) if columns else None
        self.table.choice = self.wanted or self.dashboard.memory.get(f"columns {self._memory}")
        self.runs.forget()

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """The names of params, metrics and tags that runs of the list have, as `runs.columns` answers."""
        return self._names

    @property
    def count(self) -> str:
        """How many there are and how many are marked, in words."""
        marked, total = len(self.table.marked), len(self.runs.ids)
        words = [f"{marked} marked"] if marked else []
        return "   ".join([*words, f"{total:,} run{'s' if total != 1 else ''}"]) if self.runs.loaded else ""

    def chosen(self) -> list[Mapping[str, Any]]:
        """The rows an action is about: the marked ones, else the one under the cursor."""
        rows = [self.runs.row(key) for key in self.table.chosen]
        return [row for row in rows if row is not None]

    async def gathered(self) -> list[Mapping[str, Any]]:
        """As `chosen`, those too whose rows are not here: they are asked for. Raises WorkbenchError."""
        keys = list(self.table.chosen)
        lacking = await self.runs.rows([key for key in keys if self.runs.row(key) is None])
        found = [self.runs.row(key) or lacking.get(key) for key in keys]
        return [row for row in found if row is not None]

    def on_mount(self) -> None:
        """Rows are fetched by one task, durations move once a second."""
        self.run_worker(self._fetching(), name="rows", exit_on_error=True)
        self.set_interval(1.0, self._tick)
        self.set_interval(OLDER, self._tick_slowly)
        self.set_interval(QUIET, self._ask_of_silent)

    # What the table asks

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        row = self.runs.row(key)
        if row is None:
            return None
        if key in self.runs.stale:
            self._again.add(key)
            self._want_more.set()
        setting = Setting(
            datetime.now(UTC), palette_of(self.app).ascii, self._best, self.runs.depths, self.runs.unfolded
        )
        return cells(row, self._shown, setting)

    def want(self, keys: Sequence[str]) -> None:
        """Rows that are about to be seen: those that are not here yet are fetched."""
        self._wanted = [key for key in keys if self.runs.row(key) is None]
        if self._wanted:
            self._want_more.set()

    async def _fetching(self) -> None:
        while True:
            await self._want_more.wait()
            self._want_more.clear()
            wanted = list(dict.fromkeys([*self._wanted, *self._again]))
            self._wanted, self._again = [], set()
            try:
                self._came(await self.runs.fetch(wanted, self._extra()))
                self._told = ""
            except WorkbenchError as problem:
                if not isinstance(problem, ServerError) and problem.message != self._told:
                    self.dashboard.complain(problem)  # once; the header tells of a server that is gone
                self._told = problem.message
                await asyncio.sleep(1.0)
                if not self._want_more.is_set():
                    self.want(wanted)

    def _extra(self) -> list[str]:
        """The columns of `runs.table` beside those of every run."""
        own = (f"metric:{self.own.metric}", f"spark:{self.own.metric}") if self.own is not None else ()
        return list(dict.fromkeys(["sparkline", *own, *(id for id in self.table.shown if ":" in id)]))

    def _tick(self) -> None:
        if self.is_on_screen:
            self.table.renewed({*self.runs.with_status(GOING_ON), *self._young()})

    def _young(self) -> list[str]:
        """The runs in view whose age is told in seconds: beside one that goes on it would look wrong else."""
        limit = (datetime.now(UTC) - timedelta(seconds=YOUNG)).isoformat()
        rows = ((run, self.runs.row(run)) for run in self.table.in_view)
        return [run for run, row in rows if row is not None and str(row.get("created") or "") > limit]

    def _tick_slowly(self) -> None:
        if self.is_on_screen:
            self.table.grown_older()

    def _ask_of_silent(self) -> None:
        if not self.is_on_screen:
            return
        now = datetime.now(UTC)
        found = ((run, self.runs.row(run)) for run in self.runs.with_status(ACTIVE_RUN))
        silent = {run for run, row in found if row is not None and look.is_older(row, look.LOOK_AGAIN, now)}
        self._ask_again(silent)

    async def unfold(self, run: str) -> None:
        """Show the children of a run behind it, or hide them."""
        self.runs.unfolded ^= {run}
        self.table.changed([run])
        try:
            await self._order()
        except WorkbenchError as problem:
            self.dashboard.complain(problem)

    # News

    async def hear(self, dirty: Dirty) -> None:
        """What is in view is got again, the rest when it is seen; the order when runs came or went."""
        fresh: set[str] = set()
        if dirty.everything or dirty.listed or dirty.experiments:
            await self._learn()
            fresh = await self._order()
        elif dirty.runs:
            if self.runs.query.by_state or dirty.parents & self.runs.unfolded:
                fresh = await self._order()
            # One that ended may be the best now.
            rows = [self.runs.row(run) for run in dirty.runs]
            self._judged -= {"", *(row["experiment"] for row in rows if row is not None)}
            await self._find_best()
        stale = dirty.touched(list(self.runs.held())) - fresh
        if stale:
            self._ask_again(stale)

    def _ask_again(self, runs: set[str]) -> None:
        """Get rows that changed: those in view now, the others when they are drawn."""
        seen = runs.intersection(self.table.in_view)
        self.runs.stale |= runs
        self.table.renewed(runs - seen)
        self._again |= seen
        if seen:
            self._want_more.set()

    def _came(self, keys: Collection[str]) -> None:
        self.table.renewed(keys)
        if self.table.cursor in keys:
            self._tell()

    def _tell(self) -> None:
        """Say all of what stands in the row under the cursor, where it may have been cut."""
        row = self.runs.row(self.table.cursor or "")
        said = look.note(row, datetime.now(UTC)) if row is not None else Cell("")
        self._detail.said = (said.text, said.role or "waiting")

    async def show(self, query: RunQuery) -> None:
        """Another query; the order the user chose stays. Raises WorkbenchError."""
        before = self.runs.query
        self.runs.query = query._replace(sort=before.sort, descending=before.descending)
        if not self.runs.loaded:
            await self._learn()
        await self._order()

    async def _learn(self) -> None:
        """The experiments, and the names of what runs have recorded."""
        services = self.dashboard.services
        self._judges = look.judges(await services.call("experiments", "list"))
        self._names = await services.call("runs", "columns", experiment=self.runs.query.experiment)
        self._judged = set()

    async def _order(self) -> set[str]:
        """The runs that fit now, in order; whose rows were got for it."""
        await self.runs.order()
        self._arrange()
        first = self.runs.ids[: self.app.size.height]
        lacking = [run for run in first if self.runs.row(run) is None]
        came = await self.runs.fetch(lacking, self._extra())
        self.table.empty = self.empty
        self.table.sorting = self._sorting()
        groups = await self._groups()
        self._came(came)
        self.table.replace(self.runs.ids, groups)
        self.dashboard.say_aside()
        await self._find_best()
        return set(came)

    def _arrange(self) -> None:
        """The columns there are for this query."""
        query, names = self.runs.query, self._names
        judge = self._judges.get(query.experiment or "")
        grouped = query.grouped
        told = (names["params"], names["metrics"], names.get("tags", ()))
        now = shown(query.experiment, judge, *told, grouped=grouped, own=self.own)
        if filters.fixes(query, "target"):
            now = [item for item in now if item.column.id != "target"]
        changed = [item.column for item in now] != [item.column for item in self._shown]
        self._shown = now
        if changed:
            self.runs.forget()
            self.table.columns = [item.column for item in now]
            self.table.choice = self.wanted or self.dashboard.memory.get(f"columns {self._memory}")

    async def _find_best(self) -> None:
        """Which run of each experiment in the list is the best, where that is not known."""
        query = self.runs.query
        told = [] if query.group else [item.experiment for item in self.runs.groups]
        names = [query.experiment] if query.experiment else [name for name in told if name]
        if self.own is not None:
            names = [""]  # whatever their experiments are
        for name in names[:MOST_JUDGED]:
            judge = self.own or self._judges.get(name)
            if judge is not None and name not in self._judged:
                before, now = self._best.get(name, ""), await self._best_of(name, judge)
                self._best[name] = now
                self._judged.add(name)
                self.table.changed({before, now} if before != now else ())

    async def _best_of(self, experiment: str, judge: look.Judge) -> str:
        """The id of an experiment's best run, "" where none measured anything."""
        by: dict[str, Any] = {"experiment": experiment, "sort": "best"}
        if self.own is not None:
            kind = "max" if judge.maximize else "min"
            by = {**dict(self.runs.query.filters), "sort": f"{kind}:{judge.metric}"}
        found = await self.dashboard.services.call(
            "runs", "table", **by, descending=judge.maximize, limit=1, columns=[]
        )
        return next((str(row["id"]) for row in found["rows"]), "")

    async def _groups(self) -> list[Group]:
        """The headers: experiments with what they are judged by, or values with what the store sums up."""
        query, groups = self.runs.query, self.runs.groups
        if query.group is None:
            return [self._group(item.experiment or "", item.size) for item in groups]
        found = await self.dashboard.services.call("runs", "groups", **query.group_parameters())
        sums = {item.get("value"): item for item in found}
        name = query.group.partition(":")[2] or query.group
        return [value_group(name, item.experiment, item.size, sums.get(item.experiment)) for item in groups]

    def _group(self, experiment: str, size: int) -> Group:
        judge = self._judges.get(experiment)
        words = f"best by {'highest' if judge.maximize else 'lowest'} {judge.metric}" if judge else ""
        return Group(f"/{experiment}", experiment, size, detail=(Cell(words, "quiet"),) if words else ())

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
        self._tell()
        self.dashboard.say_aside()

    @on(messages.SortRequested)
    def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        sort = next(item.sort for item in self._shown if item.column.id == event.column)
        self.runs.query = self.runs.query._replace(sort=sort, descending=event.descending)
        self.run_worker(self._sorted(), name="sort", group="sort", exclusive=True, exit_on_error=True)

    async def _sorted(self) -> None:
        try:
            await self._order()
        except WorkbenchError as problem:
            self.dashboard.complain(problem)

    @on(messages.ColumnsChanged)
    def _chosen_columns(self, event: messages.ColumnsChanged) -> None:
        event.stop()
        choice = None if event.choice is None else list(event.choice)
        self.wanted = None
        self.dashboard.memory.keep(f"columns {self._memory}", choice)
        self.runs.stale |= set(self.runs.held())  # they hold what the columns before wanted
        self.table.changed(self.runs.held())
