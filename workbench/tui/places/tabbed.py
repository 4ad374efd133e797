"""Pages with tabs: what a tab holds is made when it is first looked at."""

from __future__ import annotations

from typing import ClassVar, Protocol, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from workbench.text.location import Location
from workbench.tui.frame.tabs import Tabs
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.page import Page, focusable
from workbench.tui.table.view import TableView


class Tab(Protocol):
    """What a tab's widget may have: hear is called with the news while it is seen, all of them at first."""

    async def hear(self, dirty: Dirty) -> None:
        """Take in what changed."""


class TabbedPage(Page):
    """A page of which one part is seen at a time."""

    TABS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Id and title of each, the first the usual one."""
    DEFAULT_CSS = "TabbedPage > #tab { height: 1fr; width: 100%; }"

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        raise NotImplementedError

    def head(self) -> ComposeResult:
        """What stands above the tabs."""
        yield from ()

    def compose(self) -> ComposeResult:
        """Head, tabs, and the tab that is seen."""
        yield from self.head()
        yield Tabs(self.TABS, "app.tab")
        yield Container(id="tab")

    @property
    def tab(self) -> str:
        """The tab that is seen."""
        wanted = self.location.options.get("tab", "")
        return wanted if wanted in dict(self.TABS) else self.TABS[0][0]

    @property
    def seen(self) -> Widget | None:
        """The widget of the tab that is seen, once it was made."""
        return next(iter(self.query(f"#tab > #tab-{self.tab}")), None)

    async def show(self, location: Location) -> None:
        """Look at the tab a location chooses."""
        await super().show(location)
        self.query_one(Tabs).chosen = self.tab
        holder = self.query_one("#tab", Container)
        for child in holder.children:
            child.display = child.id == f"tab-{self.tab}"
        if self.seen is None:
            widget = self.make(self.tab)
            widget.id = f"tab-{self.tab}"
            await holder.mount(widget)
        self.missed_everything()

    def focus_content(self) -> None:
        """The focus goes into the tab, to its list where it has one."""
        seen = self.seen
        inner = focusable(seen) if seen is not None else []
        lists = [widget for widget in inner if isinstance(widget, TableView)]
        whole = [seen] if seen is not None and seen.focusable else []
        (whole or lists or inner or [self])[0].focus()

    async def hear(self, dirty: Dirty) -> None:
        """The tab that is seen hears."""
        seen = self.seen
        if seen is not None and hasattr(seen, "hear"):
            await cast(Tab, seen).hear(dirty)

    async def choose(self, tab: str) -> None:
        """Go to another tab of the place."""
        options = {key: value for key, value in self.location.options.items() if key != "tab"}
        if tab != self.TABS[0][0]:
            options["tab"] = tab
        location = self.location._replace(options=options)
        await self.show(location)
        self.moved(location)
        self.focus_content()
        await self.dashboard.fill(self)

    async def do_tabs_next(self) -> None:
        """The tab to the right."""
        await self._step(1)

    async def do_tabs_previous(self) -> None:
        """The tab to the left."""
        await self._step(-1)

    async def _step(self, by: int) -> None:
        ids = [id for id, _ in self.TABS]
        await self.choose(ids[(ids.index(self.tab) + by) % len(ids)])
