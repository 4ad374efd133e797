"""The page of what is built on machines, of whatever environment."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from workbench.text import sizes
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.shelf import ShelfPage
from workbench.tui.screens.environments.build_list import COMMAND, BuildList


class BuildsPage(ShelfPage):
    """Builds on all machines that are connected."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "tabs")
    HINT = "words of a name, a machine, a state"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.listing = BuildList()

    def compose(self) -> ComposeResult:
        """Tabs and the list."""
        yield from self.head()
        yield self.listing

    @property
    def aside(self) -> str:
        """The filter, how many there are, and their room."""
        shown = [self.listing.builds[key] for key in self.listing.table.keys if key in self.listing.builds]
        total = sum(int(one.get("bytes") or 0) for one in shown)
        marked = f"{len(self.listing.table.marked)} marked" if self.listing.table.marked else ""
        return self.words_aside(marked, counted(len(shown), "build"), sizes.short(total) if shown else "")

    async def hear(self, dirty: Dirty) -> None:
        """The list hears."""
        await self.listing.hear(dirty)

    def fill(self) -> None:
        """Those that fit."""
        if self.listing.builds:
            self.listing.fill()

    def focus_content(self) -> None:
        """The table."""
        self.listing.table.focus()

    def chosen_id(self) -> str | None:
        """NAME:VERSION of the one under the cursor, else its key."""
        one = self.listing.build
        if one is None:
            return None
        known = one.get("name") and one.get("version") is not None
        return f"{one['name']}:{one['version']}" if known else str(one["key"])

    def command_line(self) -> str:
        """The command that lists them."""
        return "wb env builds" if self.listing.builds else COMMAND
