"""A model's page: versions against the champion, their metrics as curves, who promoted what, the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from workbench.errors import NotFound
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.models.acting import ModelActions
from workbench.tui.screens.models.known import Known
from workbench.views import models as look

LIMIT = 1000
"""Versions that are listed; the newest."""


class ModelPage(ModelActions, TabbedPage):
    """One model."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "models")
    TABS = (
        ("versions", "Versions"),
        ("metrics", "Metrics"),
        ("history", "History"),
        ("gate", "Gate"),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.known = Known()

    def head(self) -> ComposeResult:
        """The model in a line."""
        yield Detail()

    @property
    def name_(self) -> str:
        """The model's name."""
        return self.location.path[0]

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        if tab == "metrics":
            from workbench.tui.screens.models.metrics import ModelMetrics

            return ModelMetrics(self.known)
        if tab == "history":
            from workbench.tui.screens.models.history import ModelHistory

            return ModelHistory(self.name_)
        if tab == "gate":
            from workbench.tui.screens.models.gate import ModelGate

            return ModelGate(self.known)
        from workbench.tui.screens.models.versions import ModelVersions

        return ModelVersions(self.known)

    async def hear(self, dirty: Dirty) -> None:
        """The page asks for the model and its versions, then the tab that is seen hears."""
        if not (dirty.everything or self.name_ in dirty.models or not self.known.model):
            return
        services = self.dashboard.services
        line = self.query_one(Detail)
        try:
            await self.known.ask(services, self.name_, LIMIT)
        except NotFound as problem:
            line.said = (in_words(problem), "bad")
            return
        line.said = (self._line(), "text")
        await super().hear(dirty)
        self.dashboard.say_aside()

    def _line(self) -> str:
        model = self.known.model
        aliases = look.aliases_of_model(model) or "no version has an alias"
        rules = len(model.get("gate") or [])
        gate = f"gate of {rules} rule{'' if rules == 1 else 's'}" if rules else "no gate"
        few = "" if len(self.known.versions) == model.get("versions") else " in those"
        return f"{aliases}   {gate}   {look.total(self.known.versions)}{few}"

    @property
    def aside(self) -> str:
        """How many versions there are."""
        count, listed = int(self.known.model.get("versions") or 0), len(self.known.versions)
        newest = f"the newest {listed:,} of " if 0 < listed < count else ""
        return f"{newest}{counted(count, 'version')}"

    def chosen_model(self) -> str | None:
        """This one."""
        return self.name_ if self.known.model else None

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The version under the cursor, else the newest."""
        key = getattr(self.seen, "chosen", None)
        if key is not None:
            return self.known.version(int(key))
        return self.known.versions[0] if self.known.versions else None

    def chosen_id(self) -> str | None:
        """NAME:VERSION of the version under the cursor."""
        version = self.chosen_version()
        return self.name_ if version is None else look.reference(version)

    def command_line(self) -> str:
        """The command that shows the tab."""
        return f"wb model {'history' if self.tab == 'history' else 'show'} {self.name_}"

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the version that was looked at."""
        number = inside.path[-1].rpartition(":")[2]
        go_to = getattr(self.seen, "go_to", None)
        if number.isdigit() and go_to is not None:
            go_to(number)
