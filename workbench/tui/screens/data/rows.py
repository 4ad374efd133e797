"""The first rows of a table, behind all its steps, read where it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.columns import row_cells, row_columns
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

ROWS = 200
"""Rows that are shown."""
NO_TABLE = "A dataset of files, no table.   The Files tab lists them; --table csv registers a table of them."


class DatasetRows(Vertical):
    """The rows, and how many they are."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._known = known
        self._asked = ""
        self._rows: list[Sequence[Any]] = []
        self.table = Table(self, (), frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """A version never changes: its rows are read once, or again where that went wrong."""
        version = self._known()
        if version is None:
            return
        if version["kind"] != "tabular":
            self.table.empty = NO_TABLE
            self.table.replace([])
            return
        named = f"{version['name']}:{version['version']}"
        if named != self._asked:
            self._asked = named
            self.table.empty = "reading where it lies ..."
            self.table.replace([])
            self.run_worker(self._ask(named), exclusive=True, group="rows", exit_on_error=True)

    async def _ask(self, named: str) -> None:
        services = cast("Dashboard", self.app).services
        try:
            found = await services.call("datasets", "preview", dataset=named, rows=ROWS)
        except WorkbenchError as problem:
            self._asked = ""
            self.table.empty = clean(f"{problem.message}\n\n{problem.hint}", 600)
            self.table.refresh()
            return
        self._rows = found["rows"]
        self.table.columns = row_columns(found["columns"])
        self.table.empty = "The table has no rows."
        self.table.replace([str(number) for number in range(len(self._rows))])
        types = ", ".join(f"{column['name']} {column['type']}" for column in found["columns"][:20])
        first = "the first " if found["cut"] or len(self._rows) == ROWS else ""
        self._detail.said = (clean(f"{first}{counted(len(self._rows), 'row')}   {types}", 600), "dim")

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's values."""
        return row_cells(self._rows[int(key)]) if int(key) < len(self._rows) else None

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""
