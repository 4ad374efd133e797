"""The compute page: the fleet, one row a machine, a GPU a cell, a problem a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text import narrowing
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.machines import Looking
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.compute import columns as look
from workbench.tui.screens.compute.actions import MachineActions
from workbench.tui.screens.compute.columns import ORDER, Setting, cells, columns, in_order, problem
from workbench.tui.screens.compute.free_line import FreeLine
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.drawing import Sorting
from workbench.tui.themes.palette import palette_of
from workbench.views import fleet, fleet_filter
from workbench.views import gpus as gpu_look
from workbench.views.fleet import Row
from workbench.views.gpus import Measure

EMPTY = "No machine yet.   a attaches one: a Host of ~/.ssh/config or user@host."
FITS = ("name", "state", "problem")
SETTLE = 5.0
"""Seconds between two looks at which machines fit a filter on figures: rows are read, not chased."""


class ComputePage(MachineActions, FilteredPage):
    """The list of machines."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "compute")
    HINT = fleet_filter.HINT
    DEFAULT_CSS = "ComputePage MarkingTable { height: 1fr; }"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._targets: dict[str, dict[str, Any]] = {}
        self._active: dict[str, int] = {}
        self._bare: dict[str, Row] = {}
        self._remembered: set[str] = set()
        self._sorting = Sorting("name", False)
        self._terms: Sequence[narrowing.Term] = ()
        self._heard = False
        self._wrong = ""
        self._sums = ""
        self.measure = Measure.UTILISATION
        self.table = MarkingTable(self, columns(self.measure, look.SENTENCE), frozen=2, empty="...")
        self._detail = Detail()
        self._free = FreeLine()

    def compose(self) -> ComposeResult:
        """The table, what its rows have no room for, and where a run would start at once."""
        yield self.table
        yield self._detail
        yield self._free

    @property
    def looking(self) -> Looking | None:
        """All machines, as often as one can read them."""
        return Looking("visible")

    @property
    def aside(self) -> str:
        """The filter and the fleet in figures, as much of them as there is room for."""
        count = f"{len(self.table.keys)} machine{'s' if len(self.table.keys) != 1 else ''}"
        parts = [f"/ {self.words}"] if self.words else []
        parts += [f"{len(self.table.marked)} marked"] if self.table.marked else []
        if not self.dashboard.machines.views:
            return "   ".join([*parts, count])
        room = max(20, self.app.size.width - 12)
        for told in ([*parts, f"{count}  {self._sums}"], [*parts, self._sums], [*parts, count]):
            text = "   ".join(told)
            if len(text) <= room:
                break
        return text

    def on_mount(self) -> None:
        """The order and the columns as they were left, and the ages moving."""
        memory = self.dashboard.memory
        column, descending = (*memory.get("order compute", ()), "name", False)[:2]
        self._sorting = Sorting(str(column) if column in ORDER else "name", bool(descending))
        self.table.sorting = self._sorting
        self.table.choice = memory.get("columns compute")
        measure = memory.get("measure compute")
        self.measure = Measure(measure) if measure in list(Measure) else self.measure
        self.set_interval(1.0, self._grow_older)
        self.set_interval(SETTLE, self._settle)

    def on_resize(self) -> None:
        """What is wrong has its own column where there is room for it."""
        self._lay_out()

    def _lay_out(self) -> None:
        wanted = columns(self.measure, self.size.width)
        if wanted != self.table.columns:
            self.table.columns = wanted

    def _grow_older(self) -> None:
        if self.is_on_screen:
            self.table.renewed(name for name in self._targets if self.row(name).stale)

    def _settle(self) -> None:
        """Which machines fit a filter on figures changes with them, slowly, so that rows can be read."""
        if self.is_on_screen and self._heard and any(term.name for term in self._terms):
            self.fill()

    # Rows

    def row(self, name: str) -> Row:
        """A machine's figures, of its view where there is one."""
        found = self.dashboard.machines.row(name)
        if found is not None:
            return found
        if name not in self._bare:
            bare = fleet.row(self._targets.get(name, {}), None)
            self._bare[name] = bare._replace(runs=self._active.get(name, 0))
        return self._bare[name]

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A machine's cells, for the table."""
        target = self._targets.get(key)
        if target is None:
            return None
        machines = self.dashboard.machines
        setting = Setting(
            datetime.now(UTC),
            palette_of(self.app).ascii,
            self.measure,
            sentence="problem" in self.table.shown,
        )
        age = machines.age(key)
        trail = machines.trail(key).values
        return cells(target, self.row(key), self._problem(key), age, trail, setting)

    def _problem(self, name: str) -> Cell:
        machines = self.dashboard.machines
        view, age = machines.views.get(name), machines.age(name)
        return problem(self._targets[name], view, age, datetime.now(UTC), self.row(name).gpus if view else ())

    def want(self, keys: Sequence[str]) -> None:
        """Rows that come into sight: what they did before one looked is got once."""
        views = self.dashboard.machines.views
        wanted = [name for name in keys if name in views and name not in self._remembered]
        if wanted:
            self._remembered.update(wanted)
            self.run_worker(self._remember(wanted), name="trails", group="trails", exit_on_error=True)

    async def _remember(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                await self.dashboard.machines.remember(name)
            except WorkbenchError:
                continue  # what comes from now on is shown alone
            self.table.changed((name,))

    async def hear(self, dirty: Dirty) -> None:
        """Which machines there are is asked for whole; how they do comes by itself."""
        if dirty.everything or dirty.targets or dirty.runs or dirty.listed:
            services = self.dashboard.services
            found = await services.call("compute", "list")
            self._heard = True
            self._active = (await services.call("runs", "active_by_target"))["runs"]
            self._targets = {target["name"]: target for target in found}
            self._bare.clear()
            self.fill()
            self.table.changed(self._targets)
        elif dirty.watched:
            self._bare.clear()
            self.table.renewed(dirty.watched)
            self._sum_up()
        else:
            return
        self.want(self.table.keys[: self.app.size.height])
        self._tell()

    def _tell(self) -> None:
        """Say all of what is wrong with the machine under the cursor."""
        name = self.table.cursor
        said = self._problem(name) if name in self._targets and name is not None else Cell("")
        said = Cell(self._wrong, "warn") if self._wrong else said
        what = fleet.advice(self.dashboard.machines.views.get(name or ""), said.text) if said.text else ""
        self._detail.said = (f"{said.text}   {what}".rstrip(), said.role)

    def _sum_up(self) -> None:
        """The fleet in figures, for as long as nothing new is heard: a key does not count all GPUs."""
        rows = [self.row(name) for name in self.table.keys]
        self._sums = fleet.summary(fleet.totals(rows))
        self._free.free = tuple(fleet.free_now(rows))

    def fill(self) -> None:
        """The rows that fit the filter, in the order chosen."""
        try:
            self._terms = narrowing.parse(self.words, fleet_filter.TERMS)
            self._wrong = ""
        except ValueError as wrong:  # said below the list; the rows stay as they are
            self._wrong = clean_name(str(wrong))
            self._tell()
            return
        fit = [
            name for name in self._targets if fleet_filter.fits(self._terms, self.row(name), self._said(name))
        ]
        key: Any = ORDER.get(self._sorting.column, ORDER["name"])
        keys = {name: key(self.row(name)) for name in fit}
        if self._heard:
            self.table.empty = none_fits("No machine", self.words) or EMPTY
        self.table.replace(in_order(fit, keys, self._sorting.descending))
        self._sum_up()

    def _said(self, name: str) -> str:
        target = self._targets[name]
        words = [str(target.get(key) or "") for key in FITS]
        return " ".join([*words, self._problem(name).text, *gpu_look.kinds(self.row(name).gpus)]).lower()

    def target(self, name: str) -> Mapping[str, Any]:
        """A machine's target."""
        return self._targets.get(name, {})

    # What the table says

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("compute", (event.key,)))

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    @on(messages.SortRequested)
    def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        self._sorting = Sorting(event.column, event.descending)
        self.table.sorting = self._sorting
        self.dashboard.memory.keep("order compute", [event.column, event.descending])
        self.fill()

    @on(messages.ColumnsChanged)
    def _chosen_columns(self, event: messages.ColumnsChanged) -> None:
        event.stop()
        choice = None if event.choice is None else list(event.choice)
        self.dashboard.memory.keep("columns compute", choice)

    # Doing

    def chosen_id(self) -> str | None:
        """The machine's name under the cursor."""
        return self.table.cursor

    def chosen_machines(self) -> Sequence[str]:
        """The machines that are marked, else the one under the cursor."""
        return self.table.chosen

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine under the cursor."""
        name = self.table.cursor
        return None if name is None else (["ssh", name], name)

    def do_compute_measure(self) -> None:
        """Have the GPUs' cells stand for something else."""
        every = list(Measure)
        self.measure = every[(every.index(self.measure) + 1) % len(every)]
        self.dashboard.memory.keep("measure compute", self.measure.value)
        self._lay_out()
        self.table.changed(self._targets)
        self.app.notify(f"GPU cells show {clean_name(self.measure.word)}", timeout=2)
