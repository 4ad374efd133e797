"""Pages that stand beside one another under one tab of the header: what runs need, and where it is kept."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.tui.frame.tabs import Tabs
from workbench.tui.places.filtered import FilteredPage

SHELVES = (
    ("data", "Datasets"),
    ("datastores", "Datastores"),
    ("environments", "Environments"),
    ("builds", "Builds"),
)
"""Their nouns and titles."""


class ShelfPage(FilteredPage):
    """One of them; each is a place of its own, and the tabs lead from one to the other."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "tabs")

    def head(self) -> ComposeResult:
        """The line of tabs."""
        tabs = Tabs(SHELVES, "app.visit")
        tabs.chosen = self.location.noun
        yield tabs

    def words_aside(self, *told: str) -> str:
        """What stands at the right of the breadcrumbs: the filter first."""
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", *told) if part)

    async def do_tabs_next(self) -> None:
        """The one to the right."""
        await self._beside(1)

    async def do_tabs_previous(self) -> None:
        """The one to the left."""
        await self._beside(-1)

    async def _beside(self, by: int) -> None:
        nouns = [noun for noun, _ in SHELVES]
        at = (nouns.index(self.location.noun) + by) % len(nouns)
        await self.dashboard.visit(Location(nouns[at]))
