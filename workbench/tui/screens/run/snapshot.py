"""The code a run ran with: the list of its files, saved as a zip on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import NotFound, WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text import sizes
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.here import here
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.run.files import file_name, free_name
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

COLUMNS = (
    Column("path", "PATH", least=20, ideal=40, rest=True, keep=100, middle=True, sortable=False),
    Column("size", "SIZE", right=True, least=6, ideal=9, keep=90, sortable=False),
    Column("mode", "MODE", least=4, ideal=6, keep=40, sortable=False),
    Column("hash", "SHA256", least=8, ideal=12, keep=30, sortable=False),
)


class RunSnapshot(Acting, Vertical):
    """The table of a snapshot's files."""

    PLACES: ClassVar[tuple[str, ...]] = ("snapshot",)

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._entries: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, COLUMNS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The table."""
        yield self.table

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A file's cells."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        return [
            Cell(clean_name(key, 1000)),
            Cell(sizes.short(entry.get("size") or 0)),
            Cell(f"{entry['mode']:o}" if isinstance(entry.get("mode"), int) else "-", "quiet"),
            Cell(clean_name(str(entry.get("sha256") or "-"))[:12], "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """A snapshot never changes: it is asked for once."""
        if self._entries:
            return
        try:
            found = await self.dashboard.services.call("runs", "snapshot", run=self._reference)
        except NotFound as problem:
            self.table.empty = problem.message
            return
        self._entries = {entry["path"]: entry for entry in found}
        self.table.empty = "It ran without code of its own."
        self.table.replace(list(self._entries))

    def refusal(self, action: str) -> str | None:
        """Nothing can be saved where there is nothing."""
        if action == "snapshot.save" and not self._entries:
            return "this run has no snapshot"
        return super().refusal(action)

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        self.app.notify("d saves the whole snapshot as a zip", timeout=3)

    def do_snapshot_save(self) -> None:
        """Save it in the directory the dashboard was started in."""

        def thread() -> Path:
            with self.dashboard.open_workspace() as workspace:
                name = workspace.call("runs", "get", run=self._reference)["name"]
                to = free_name(here() / file_name(name, ".zip"))
                return workspace.save_snapshot(self._reference, to)

        async def work() -> None:
            try:
                place = await in_side_thread(thread)
            except WorkbenchError as problem:
                self.dashboard.complain(problem)
                return
            self.app.notify(f"{clean_name(str(place))} saved", markup=False)

        self.run_worker(work(), exclusive=True, group="save", exit_on_error=True)
