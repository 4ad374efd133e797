"""Pages with tabs: what a tab holds is made when it is first looked at."""

from __future__ import annotations

import asyncio
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

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._choosing = asyncio.Lock()
        self._wanted: Location | None = None
        self._whole: set[str] = set()

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
        return self._tab_of(self.location)

    def _tab_of(self, location: Location) -> str:
        wanted = location.options.get("tab", "")
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
            widget.id = name = f"tab-{self.tab}"
            await holder.mount(widget)
            self._whole.add(name)
        self.missed_everything()

    def focus_content(self) -> None:
        """The focus goes into the tab, to its list where it has one."""
        seen = self.seen
        inner = focusable(seen) if seen is not None else []
        lists = [widget for widget in inner if isinstance(widget, TableView)]
        whole = [seen] if seen is not None and seen.focusable else []
        (whole or lists or inner or [self])[0].focus()

    async def hear(self, dirty: Dirty) -> None:
        """The tab that is seen hears, once it is there with all that is in it: then it is told everything."""
        seen = self.seen
        if seen is not None and seen.id in self._whole and hasattr(seen, "hear"):
            await cast(Tab, seen).hear(dirty)

    async def choose(self, tab: str) -> None:
        """Go to another tab of the place; one that is chosen meanwhile comes after it, or in its place."""
        now = self._wanted or self.location
        options = {key: value for key, value in now.options.items() if key != "tab"}
        if tab != self.TABS[0][0]:
            options["tab"] = tab
        location = self._wanted = now._replace(options=options)
        async with self._choosing:  # one after another: each makes its tab whole, and gives it the focus
            if self._wanted is not location:
                return
            await self.show(location)
            self.moved(location)
            self.focus_content()
            self._wanted = None if self._wanted is location else self._wanted
        await self.dashboard.fill(self)

    async def do_tabs_next(self) -> None:
        """The tab to the right."""
        await self._step(1)

    async def do_tabs_previous(self) -> None:
        """The tab to the left."""
        await self._step(-1)

    async def _step(self, by: int) -> None:
        ids = [id for id, _ in self.TABS]
        now = self._tab_of(self._wanted or self.location)
        await self.choose(ids[(ids.index(now) + by) % len(ids)])
