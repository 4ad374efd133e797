"""An environment's page: its versions, the newest first, archived ones among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import NotFound, WorkbenchError
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.environments.acting import EnvironmentActions
from workbench.tui.screens.environments.columns import VERSIONS, version_cells
from workbench.tui.screens.environments.known_builds import KnownBuilds
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.views import environments as look


class EnvironmentPage(EnvironmentActions):
    """One environment; the location is environments/NAME."""

    PLACES: ClassVar[tuple[str, ...]] = ("environments",)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._versions: dict[str, Mapping[str, Any]] = {}
        self._builds = KnownBuilds(self, self._machines_said, self._machines_refused, self.name_)
        self.table = MarkingTable(self, VERSIONS, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The list, and what its rows have no room for."""
        yield self.table
        yield self._detail

    @property
    def name_(self) -> str:
        """The environment's name."""
        return self.location.path[0]

    @property
    def aside(self) -> str:
        """How many versions there are, and how many are marked."""
        marked = f"{len(self.table.marked)} marked   " if self.table.marked else ""
        return marked + counted(len(self._versions), "version")

    async def hear(self, dirty: Dirty) -> None:
        """Versions come, are called, and go into archives."""
        if not (dirty.everything or self.name_ in dirty.environments or not self._versions):
            if dirty.targets:
                self._builds.ask(dirty.targets)
            return
        services = self.dashboard.services
        try:
            found = await services.call("environments", "list", name=self.name_, archived=True)
        except NotFound as problem:
            found, self.table.empty = [], f"{problem.message}\n\n{problem.hint}"
        self._versions = {str(version["version"]): version for version in found}
        self.table.replace(list(self._versions))
        self.table.changed(self._versions)
        self._tell()
        self.dashboard.say_aside()
        if self._versions:
            self._builds.ask()

    def _machines_said(self) -> None:
        self.table.changed(self._versions)

    def _machines_refused(self, problem: WorkbenchError) -> None:
        self.dashboard.complain(problem)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A version's cells."""
        found = self._versions.get(key)
        if found is None:
            return None
        return version_cells(found, self._builds.of(self.name_, int(key)), datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    def _tell(self) -> None:
        version = self.chosen_version()
        if version is None:
            self._detail.said = ("", "")
            return
        parts = (clean_name(str(version.get("description") or ""), 200), look.made_of(version))
        self._detail.said = ("   ".join(part for part in parts if part), "dim")

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("environments", (self.name_, event.key)))

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the version that was looked at."""
        self.table.go_to(inside.path[-1].rpartition(":")[2])

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The one under the cursor."""
        return self._versions.get(self.table.cursor or "")

    def chosen_pair(self) -> tuple[str, str] | None:
        """The two that are marked; else the one under the cursor and the one before it in the list."""
        marked = [int(key) for key in self.table.marked]
        if len(marked) == 2:
            return f"{self.name_}:{min(marked)}", f"{self.name_}:{max(marked)}"
        numbers = sorted(int(key) for key in self._versions)
        here = int(self.table.cursor or 0)
        before = [number for number in numbers if number < here]
        return (f"{self.name_}:{before[-1]}", f"{self.name_}:{here}") if before else None

    def command_line(self) -> str:
        """The command that lists them."""
        return f"wb env ls {self.name_}"
