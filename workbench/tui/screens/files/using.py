"""What takes the room in a folder of a machine: counted while one looks, the largest first."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.screens.files.columns import USE_COLUMNS, use_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.themes.palette import palette_of
from workbench.views.machine_files import use_notes

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class FolderUse(Vertical):
    """The table of a folder's use; Enter goes into a folder, stepping out goes back."""

    DEFAULT_CSS = "FolderUse { height: 1fr; } FolderUse Table { height: 1fr; }"

    def __init__(self, target: str, path: str) -> None:
        super().__init__()
        self._target = target
        self._paths = [path]
        self._entries: dict[str, Mapping[str, Any]] = {}
        self._total = 0
        self.table = Table(self, USE_COLUMNS, frozen=0, empty="counting ...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The table, and what it comes to."""
        yield self.table
        yield self._detail

    @property
    def path(self) -> str:
        """The folder that is counted."""
        return self._paths[-1]

    def on_mount(self) -> None:
        """Count at once."""
        self._count()

    def step_out(self) -> bool:
        """Back to the folder one came from; whether there was one."""
        if len(self._paths) == 1:
            return False
        self._paths.pop()
        self._count()
        return True

    def _count(self) -> None:
        self._entries, self._total = {}, 0
        self.table.empty = "counting ..."
        self.table.replace([])
        self.run_worker(self._counting(), exclusive=True, group="count", exit_on_error=True)

    async def _counting(self) -> None:
        services = cast("Dashboard", self.app).services
        asked = {"target": self._target, "path": self.path}
        try:
            async with aclosing(services.items("files", "usage", **asked)) as stages:
                async for use in stages:
                    self._show(use)
        except WorkbenchError as problem:
            self._detail.said = (clean_name(problem.message, 400), "bad")
            self.table.empty = ""
            return
        self.table.empty = "There is nothing in it."

    def _show(self, use: Mapping[str, Any]) -> None:
        self._entries = {entry["name"]: entry for entry in use["entries"]}
        self._total = use["total"]
        self.table.replace(list(self._entries))
        self.table.changed(self._entries)
        ended = "elsewhere" in use
        told = f"{sizes.short(use['total'])} in {counted(use['files'], 'file')}"
        notes = "; ".join(use_notes(use))
        self._detail.said = (
            f"{told}{'' if ended else ' so far ...'}{f'; {notes}' if notes else ''}",
            "warn" if notes else "" if ended else "waiting",
        )

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        most = max(int(other["bytes"]) for other in self._entries.values())
        return use_cells(entry, self._total, most, palette_of(self.app).ascii)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if self._entries[event.key]["kind"] == "dir":
            self._paths.append(posixpath.join(self.path, event.key))
            self._count()
        else:
            self.app.notify("only folders have something in them", timeout=3)
