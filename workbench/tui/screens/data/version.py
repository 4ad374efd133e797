"""A version's page: what it is, its files, its rows, its profile, where it came from and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.data.acting import DataActions
from workbench.views import data as look

COMMANDS = {"overview": "show", "rows": "preview"}
"""The command of a tab, where it is not called as the tab is."""


class DatasetVersionPage(DataActions, TabbedPage):
    """One version; the location is data/NAME/VERSION or data/NAME:VERSION."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "data")
    TABS = (
        ("overview", "Overview"),
        ("files", "Files"),
        ("rows", "Rows"),
        ("profile", "Profile"),
        ("lineage", "Lineage"),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._version: Mapping[str, Any] | None = None

    def head(self) -> ComposeResult:
        """The version in a line."""
        yield Detail()

    @property
    def reference(self) -> str:
        """NAME:VERSION, as the location says it."""
        return ":".join(self.location.path[:2])

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        if tab == "files":
            from workbench.tui.screens.data.files import DatasetTree

            return DatasetTree(self.chosen_version)
        if tab == "rows":
            from workbench.tui.screens.data.rows import DatasetRows

            return DatasetRows(self.chosen_version)
        if tab == "profile":
            from workbench.tui.screens.data.profile import DatasetProfile

            return DatasetProfile(self.chosen_version)
        if tab == "lineage":
            from workbench.tui.screens.data.lineage import DatasetLineage

            return DatasetLineage(self.chosen_version)
        from workbench.tui.screens.data.overview import DatasetOverview

        return DatasetOverview(self.chosen_version)

    async def hear(self, dirty: Dirty) -> None:
        """The page asks for the version, then the tab that is seen hears."""
        name = self.reference.partition(":")[0].partition("@")[0]
        if not (dirty.everything or name in dirty.data or dirty.listed or self._version is None):
            return
        line = self.query_one(Detail)
        try:
            self._version = await self.dashboard.services.call("datasets", "get", dataset=self.reference)
        except WorkbenchError as problem:
            self._version = None
            line.said = (in_words(problem), "bad")
            return
        line.said = (look.version_line(self._version), "text")
        await super().hear(dirty)
        self.dashboard.say_aside()

    def chosen_version(self) -> Mapping[str, Any] | None:
        """This one."""
        return self._version

    def command_line(self) -> str:
        """The command that shows the tab."""
        return f"wb data {COMMANDS.get(self.tab, self.tab)} {self.reference}"

    def step_out(self) -> bool:
        """A folder that is open closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())
