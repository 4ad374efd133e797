"""The page of datasets: each with its newest version, where that is, who read it last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.named_list import NamedListPage
from workbench.tui.screens.data.acting import DataActions
from workbench.tui.screens.data.columns import DATASETS, dataset_cells
from workbench.tui.table.cell import Cell
from workbench.views import data as look

COMMAND = "wb data register NAME PATH"
EMPTY = f"No datasets yet.   n registers one: a reference, nothing is copied.\n\n{COMMAND}     (Y copies it)"


class DatasetsPage(DataActions, NamedListPage):
    """All datasets of the workspace; what is done with a version is done with a dataset's newest."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "tabs", "data")
    THING = "dataset"
    COLUMNS = DATASETS
    EMPTY = EMPTY
    HINT = "words of a name, a tag, a description, a place"
    WHOLE = True

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._used: Mapping[str, Mapping[str, Any]] = {}

    async def hear(self, dirty: Dirty) -> None:
        """They come, go, are looked at and read."""
        if not (dirty.everything or dirty.data or dirty.listed):
            return
        services = self.dashboard.services
        found = await services.call("datasets", "list")
        self._used = await services.call("datasets", "last_used")
        self.take(found)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A dataset's cells."""
        found = self.named.get(key)
        return None if found is None else dataset_cells(found, self._used.get(key), datetime.now(UTC))

    def tell(self) -> None:
        """What is said of it, and where it is."""
        version = self.chosen_version()
        if version is None:
            self.detail.said = ("", "")
            return
        used = self._used.get(str(version["name"]))
        parts = [clean_name(str(version.get("description") or ""), 200)]
        if used:
            parts.append(f"read last by {clean_name(str(used['run_name']), 60)} (version {used['version']})")
        parts.append(look.source(version, 2))
        parts += [f"also {look.locations(version)}"] if version.get("locations") else []
        self.detail.said = ("   ".join(part for part in parts if part), "dim")

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The newest of the one under the cursor."""
        found = self.named.get(self.table.cursor or "")
        return None if found is None else found["latest"]

    def command_line(self) -> str:
        """The command that lists them, or makes the first."""
        return "wb data ls" if self.named else COMMAND

    def said(self, one: Mapping[str, Any]) -> str:
        """Its name, kind, tags, place and description."""
        latest = one["latest"]
        tags = " ".join(f"{key} {value or ''}" for key, value in (latest.get("tags") or {}).items())
        places = f"{look.source(latest, 20)} {look.locations(latest)}"
        return f"{one['name']} {latest['kind']} {tags} {places} {latest.get('description') or ''}"
