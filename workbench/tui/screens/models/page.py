"""The page of models: each with its champion, its newest version, its gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.models.acting import ModelActions
from workbench.tui.screens.models.columns import MODELS, model_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table

EMPTY = "No models yet.   p on a run registers what it wrote as one.\n\nwb model register NAME --run RUN"


class ModelsPage(ModelActions, FilteredPage):
    """All models of the workspace; what is done with a version is done with a model's newest."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "models")
    HINT = "words of a name, an alias, a tag"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._models: dict[str, Mapping[str, Any]] = {}
        self._newest: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, MODELS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.table

    @property
    def aside(self) -> str:
        """The filter, and how many there are."""
        count = counted(len(self.table.keys), "model")
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", count) if part)

    async def hear(self, dirty: Dirty) -> None:
        """They come, go and are promoted."""
        if not (dirty.everything or dirty.models):
            return
        services = self.dashboard.services
        found = await services.call("models", "list")
        newest = await services.call("models", "versions", latest=True, limit=10_000)
        self._models = {str(model["name"]): model for model in found}
        self._newest = {str(version["name"]): version for version in newest}
        self.table.empty = EMPTY
        self.fill()
        self.table.changed(self._models)
        self.dashboard.say_aside()

    def fill(self) -> None:
        """The ones that fit."""
        self.table.replace([name for name, model in self._models.items() if self.fits(_said(model))])

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A model's cells."""
        model = self._models.get(key)
        return None if model is None else model_cells(model, datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("models", (event.key,)))

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the one that was looked at."""
        if inside.path:
            self.table.go_to(inside.path[0].partition(":")[0])

    def chosen_model(self) -> str | None:
        """The one under the cursor."""
        return self.table.cursor

    def chosen_version(self) -> Mapping[str, Any] | None:
        """Its newest version."""
        return self._newest.get(self.table.cursor or "")

    def chosen_id(self) -> str | None:
        """Its name."""
        return self.table.cursor

    def command_line(self) -> str:
        """The command that lists them."""
        return "wb model ls"


def _said(model: Mapping[str, Any]) -> str:
    tags = " ".join(f"{key} {value or ''}" for key, value in (model.get("tags") or {}).items())
    aliases = " ".join(model.get("aliases") or {})
    return f"{model['name']} {aliases} {tags} {model.get('description') or ''}"
