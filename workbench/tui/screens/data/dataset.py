"""A dataset's page: its versions, the newest first, archived ones among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import NotFound
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.acting import DataActions
from workbench.tui.screens.data.columns import VERSIONS, version_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views import data as look


class DatasetPage(DataActions):
    """One dataset; the location is data/NAME."""

    PLACES: ClassVar[tuple[str, ...]] = ("data",)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._versions: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, VERSIONS, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The list, and what its rows have no room for."""
        yield self.table
        yield self._detail

    @property
    def name_(self) -> str:
        """The dataset's name."""
        return self.location.path[0]

    @property
    def aside(self) -> str:
        """How many versions there are."""
        return counted(len(self._versions), "version")

    async def hear(self, dirty: Dirty) -> None:
        """Versions come, go and are looked at."""
        if not (dirty.everything or self.name_ in dirty.data or not self._versions):
            return
        try:
            found = await self.dashboard.services.call("datasets", "versions", name=self.name_, archived=True)
        except NotFound as problem:
            found, self.table.empty = [], f"{problem.message}\n\n{problem.hint}"
        self._versions = {str(version["version"]): version for version in found}
        self.table.replace(list(self._versions))
        self.table.changed(self._versions)
        self._tell()
        self.dashboard.say_aside()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A version's cells."""
        found = self._versions.get(key)
        return None if found is None else version_cells(found, datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        version = self.chosen_version()
        if version is None:
            self._detail.said = ("", "")
            return
        parts = [clean_name(str(version.get("description") or ""), 200), look.source(version, 2)]
        parts += [f"also {look.locations(version)}"] if version.get("locations") else []
        parts.append(look.read_as(version))
        self._detail.said = ("   ".join(part for part in parts if part), "dim")

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("data", (self.name_, event.key)))

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the version that was looked at."""
        self.table.go_to(inside.path[-1].rpartition(":")[2])

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The one under the cursor."""
        return self._versions.get(self.table.cursor or "")

    def command_line(self) -> str:
        """The command that lists them."""
        return f"wb data versions {self.name_}"
