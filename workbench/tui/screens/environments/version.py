"""A version's page: what it is made of, what that was resolved to, on which machines it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.sanitize import clean
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.reading import Reading
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.environments.acting import EnvironmentActions
from workbench.tui.screens.environments.build_list import BuildList
from workbench.tui.screens.models.painted import look_of, painted
from workbench.tui.themes.palette import palette_of
from workbench.views import environments as look

LONGEST = 2_000_000
"""Characters of a lock that are shown."""
NO_LOCK = "Nothing is resolved of an interpreter or an image: it is what it is."
Known = Callable[[], Mapping[str, Any] | None]


class EnvironmentOverview(Reading):
    """What it is made of, and what was said of it."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    async def hear(self, dirty: Dirty) -> None:
        """It was called, tagged, described."""
        self._say()

    def _say(self) -> None:
        version = self._known()
        if version is not None and self.size.width:
            lines = look.version_lines(version, datetime.now(UTC), look_of(self))
            self.say(partial(painted, self, lines))


class EnvironmentLock(Reading):
    """Every package with its version; hashes are quiet."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    async def hear(self, dirty: Dirty) -> None:
        """A lock never changes."""
        version = self._known()
        if version is not None:
            self.say(partial(self._coloured, clean(str(version.get("lock") or NO_LOCK), LONGEST)))

    def _coloured(self, lock: str) -> Text:
        palette, said = palette_of(self.app), Text(no_wrap=True)
        for line in lock.splitlines():
            quiet = line.lstrip().startswith(("#", "--hash"))
            said.append(f"{line}\n", palette.style("quiet" if quiet else "text"))
        return said


class EnvironmentVersionPage(EnvironmentActions, TabbedPage):
    """One version; the location is environments/NAME/VERSION, NAME:VERSION or NAME@ALIAS."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "environments")
    TABS = (("overview", "Overview"), ("lock", "Lock"), ("machines", "Machines"))

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
        if tab == "lock":
            return EnvironmentLock(self.chosen_version)
        if tab == "machines":
            return BuildList(self.reference)
        return EnvironmentOverview(self.chosen_version)

    async def hear(self, dirty: Dirty) -> None:
        """The page asks for the version, then the tab that is seen hears."""
        name = self.reference.partition(":")[0].partition("@")[0]
        if not (dirty.everything or name in dirty.environments or self._version is None):
            if dirty.targets:
                await super().hear(dirty)
            return
        line = self.query_one(Detail)
        try:
            found = await self.dashboard.services.call("environments", "get", environment=self.reference)
        except WorkbenchError as problem:
            self._version = None
            line.said = (in_words(problem), "bad")
            return
        self._version = found
        line.said = (look.version_line(found), "text")
        await super().hear(dirty)
        self.dashboard.say_aside()

    def chosen_version(self) -> Mapping[str, Any] | None:
        """This one."""
        return self._version

    def command_line(self) -> str:
        """The command that shows the tab."""
        if self.tab == "machines":
            return f"wb env builds {self.reference}"
        return f"wb env show {self.reference}{' --lock' if self.tab == 'lock' else ''}"
