"""A version's page: what it is, where it came from, its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult

from workbench.errors import NotFound
from workbench.text.location import Location
from workbench.tui.frame.reading import Reading
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.acting import ModelActions
from workbench.tui.screens.models.painted import look_of, painted
from workbench.views import models as look
from workbench.views.model_page import version_lines


class VersionPage(ModelActions):
    """One version; the location is models/NAME/VERSION or models/NAME:VERSION."""

    PLACES: ClassVar[tuple[str, ...]] = ("models",)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._version: Mapping[str, Any] | None = None
        self._details: Mapping[str, Any] = {}
        self._files: Sequence[Mapping[str, Any]] = ()
        self._evaluations: Sequence[Mapping[str, Any]] = ()
        self._text = Reading()

    def compose(self) -> ComposeResult:
        """The text."""
        yield self._text

    @property
    def reference(self) -> str:
        """NAME:VERSION, as the location says it."""
        return ":".join(self.location.path[:2])

    async def hear(self, dirty: Dirty) -> None:
        """Its tags, aliases and metrics may change; its files do not."""
        name = self.reference.partition(":")[0]
        if not (dirty.everything or name in dirty.models or self._version is None):
            return
        services = self.dashboard.services
        try:
            self._version = await services.call("models", "version", model=self.reference)
        except NotFound as problem:
            self._version = None
            self._text.say(in_words(problem))
            return
        if not self._files:
            self._details = await services.call("models", "details", model=self.reference)
            self._files = await services.call("models", "files", model=self.reference)
        self._evaluations = await services.call("models", "evaluations", model=self.reference)
        self._say()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    def _say(self) -> None:
        if self._version is not None and self.size.width:
            lines = version_lines(
                self._version,
                self._details,
                self._files,
                datetime.now(UTC),
                look_of(self._text),
                self._evaluations,
            )
            self._text.say(partial(painted, self._text, lines))

    def chosen_model(self) -> str | None:
        """Its model."""
        return None if self._version is None else str(self._version["name"])

    def chosen_version(self) -> Mapping[str, Any] | None:
        """This one."""
        return self._version

    def chosen_id(self) -> str | None:
        """NAME:VERSION."""
        return self.reference if self._version is None else look.reference(self._version)

    def command_line(self) -> str:
        """The command that shows the same."""
        return f"wb model show {self.reference}"
