"""A model's versions, their metrics beside the champion's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.text.location import Location
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.columns import MOST_METRICS, version_cells, version_columns
from workbench.tui.screens.models.known import Known
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views import models as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

EMPTY = "No versions any more: all were removed."


class ModelVersions(Vertical):
    """The list, and what its rows have no room for."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known
        self._metrics: list[str] = []
        self.table = Table(self, version_columns([]), frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """Versions come, go and are measured."""
        metrics = self._known.metrics(MOST_METRICS)
        if metrics != self._metrics:
            self._metrics = metrics
            self.table.columns = version_columns(metrics)
        self.table.empty = EMPTY
        keys = [str(version["version"]) for version in self._known.versions]
        self.table.replace(keys)
        self.table.changed(keys)
        self._tell()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A version's cells."""
        version = self._known.version(int(key))
        if version is None:
            return None
        return version_cells(version, self._metrics, self._known.champion, datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @property
    def chosen(self) -> str | None:
        """The number of the version under the cursor."""
        return self.table.cursor

    def go_to(self, number: str) -> None:
        """Put the cursor on a version."""
        self.table.go_to(number)

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        version = None if self.table.cursor is None else self._known.version(int(self.table.cursor))
        if version is None:
            self._detail.said = ("", "")
        elif version.get("runs_code"):
            self._detail.said = (f"{look.lineage_of(version)}   ! {look.RUNS_CODE}", "warn")
        else:
            self._detail.said = (look.lineage_of(version), "dim")

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        name = str(self._known.model["name"])
        await cast("Dashboard", self.app).visit(Location("models", (name, event.key)))
