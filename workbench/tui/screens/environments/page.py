"""The page of environments: each with its newest version, and where it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.named_list import NamedListPage
from workbench.tui.screens.environments.acting import EnvironmentActions
from workbench.tui.screens.environments.columns import ENVIRONMENTS, environment_cells
from workbench.tui.screens.environments.known_builds import KnownBuilds
from workbench.tui.table.cell import Cell
from workbench.views import environments as look

COMMAND = "wb env register requirements.txt"
EMPTY = (
    "No environments yet.   n makes one; so does a run with --env requirements.txt.\n\n"
    f"{COMMAND}     (Y copies it)"
)


class EnvironmentsPage(EnvironmentActions, NamedListPage):
    """All environments of the workspace; what is done with a version is done with the newest."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "tabs", "environments")
    THING = "environment"
    COLUMNS = ENVIRONMENTS
    EMPTY = EMPTY
    HINT = "words of a name, a package, a tag"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._builds = KnownBuilds(self, self._machines_said, self._machines_refused)

    async def hear(self, dirty: Dirty) -> None:
        """They come, are called, and go into archives."""
        if not (dirty.everything or dirty.environments or dirty.targets):
            return
        if dirty.everything or dirty.environments:
            self.take(await self.dashboard.services.call("environments", "list"))
            self._builds.ask()
        else:
            self._builds.ask(dirty.targets)

    def _machines_said(self) -> None:
        self.table.changed(self.named)

    def _machines_refused(self, problem: WorkbenchError) -> None:
        self.dashboard.complain(problem)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """An environment's cells."""
        found = self.named.get(key)
        return None if found is None else environment_cells(found, self._builds.of(key), datetime.now(UTC))

    def tell(self) -> None:
        """What is said of it, and where it is."""
        version = self.chosen_version()
        if version is None:
            self.detail.said = ("", "")
            return
        parts = (clean_name(str(version.get("description") or ""), 200), look.made_of(version))
        self.detail.said = ("   ".join(part for part in parts if part), "dim")

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The newest of the one under the cursor."""
        return self.named.get(self.table.cursor or "")

    def command_line(self) -> str:
        """The command that lists them, or makes the first."""
        return "wb env ls" if self.named else COMMAND

    def said(self, one: Mapping[str, Any]) -> str:
        """Its name, kind, tags, place and description."""
        tags = " ".join(f"{key} {value or ''}" for key, value in (one.get("tags") or {}).items())
        said = f"{look.made_of(one)} {tags} {one.get('description') or ''}"
        return f"{one['name']} {look.kind(one)} {said}"
