"""The compute page: one row a machine, a problem is a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.compute import doing
from workbench.tui.screens.compute.columns import COLUMNS, ORDER, cells, problem
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.drawing import Sorting
from workbench.tui.table.table import Table
from workbench.tui.themes.palette import palette_of

EMPTY = "No machine yet.   a attaches one: a Host of ~/.ssh/config or user@host."
FITS = ("name", "state", "problem")


class ComputePage(FilteredPage):
    """The list of machines."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "compute")
    DEFAULT_CSS = "ComputePage Table { height: 1fr; }"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._targets: dict[str, dict[str, Any]] = {}
        self._active: dict[str, int] = {}
        self._sorting = Sorting("name", False)
        self._heard = False
        self.table = Table(self, COLUMNS, frozen=2, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The table, and what its rows have no room for."""
        yield self.table
        yield self._detail

    @property
    def aside(self) -> str:
        """The filter, and how many there are."""
        count = f"{len(self.table.keys)} machine{'s' if len(self.table.keys) != 1 else ''}"
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", count) if part)

    def on_mount(self) -> None:
        """The order shown, and the ages moving."""
        self.table.sorting = self._sorting
        self.table.choice = self.dashboard.memory.get("columns compute")
        self.set_interval(5.0, lambda: self.table.changed(self._targets) if self.is_on_screen else None)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A machine's cells, for the table."""
        target = self._targets.get(key)
        if target is None:
            return None
        return cells(target, self._active.get(key, 0), datetime.now(UTC), palette_of(self.app).ascii)

    def want(self, keys: Sequence[str]) -> None:
        """All machines are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """Machines are few: the list is asked for whole."""
        if not (dirty.everything or dirty.targets or dirty.runs or dirty.listed):
            return
        services = self.dashboard.services
        found = await services.call("compute", "list")
        self._heard = True
        self._active = (await services.call("runs", "active_by_target"))["runs"]
        before, self._targets = self._targets, {target["name"]: target for target in found}
        self.fill()
        self.table.changed(name for name in self._targets if name in before)
        self._tell()

    def _tell(self) -> None:
        """Say all of what is wrong with the machine under the cursor."""
        target = self._targets.get(self.table.cursor or "")
        self._detail.said = problem(target) if target is not None else ("", "")

    def fill(self) -> None:
        """The rows that fit the filter."""
        fit = [
            name
            for name, target in self._targets.items()
            if self.fits(" ".join(str(target.get(key) or "") for key in FITS))
        ]
        fit.sort(key=self._order_of, reverse=self._sorting.descending)
        if self._heard:
            self.table.empty = none_fits("No machine", self.words) or EMPTY
        self.table.replace(fit)

    def _order_of(self, name: str) -> Any:
        key: Any = ORDER.get(self._sorting.column)
        return self._active.get(name, 0) if key is None else key(self._targets[name])

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("compute", (event.key,)))

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    @on(messages.SortRequested)
    def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        self._sorting = Sorting(event.column, event.descending)
        self.table.sorting = self._sorting
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

    def refusal(self, action: str) -> str | None:
        """Why an action on a machine cannot be done now."""
        name = self.table.cursor
        if action.startswith("compute.") and action not in ("compute.attach", "compute.new"):
            if name is None:
                return "there is no machine under the cursor"
            if action == "compute.detach" and self._targets.get(name, {}).get("kind") == "local":
                return "this machine is always there"
            if action == "compute.login" and self._targets.get(name, {}).get("kind") == "local":
                return "this machine asks for no sign-in"
        return super().refusal(action)

    def do_compute_attach(self) -> None:
        """Attach a machine."""
        from workbench.tui.screens.compute.attaching import attach

        self.run_worker(attach(self.dashboard), name="attach", group="attach", exit_on_error=True)

    def do_compute_login(self) -> None:
        """Sign in to the machine under the cursor."""
        name = self.table.cursor or ""
        self.run_worker(doing.login(self.dashboard, name), name="login", group="attach", exit_on_error=True)

    async def do_compute_doctor(self) -> None:
        """Open the machine at its doctor's findings."""
        await self.dashboard.visit(Location("compute", (self.table.cursor or "",), {"tab": "doctor"}))

    async def do_compute_run(self) -> None:
        """A new run on the machine under the cursor."""
        from workbench.tui.submitting.sending import new_run

        await new_run(self.dashboard, target=self.table.cursor or "")

    async def do_compute_new(self) -> None:
        """A new run."""
        from workbench.tui.submitting.sending import new_run

        await new_run(self.dashboard)

    async def do_compute_edit(self) -> None:
        """Settings of the machine under the cursor."""
        from workbench.tui.screens.compute.settings import edit

        await edit(self.dashboard, self.table.cursor or "")

    def do_compute_detach(self) -> None:
        """Forget the machine under the cursor, after a yes."""
        work = doing.detach(self.dashboard, self._targets[self.table.cursor or ""])
        self.run_worker(work, name="detach", group="attach", exit_on_error=True)
