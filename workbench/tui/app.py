"""The dashboard's app: it wires the frame, the pages, the feed and the actions of the whole."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Container
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.screen import Screen

from workbench.errors import ServerError, WorkbenchError
from workbench.home import Home
from workbench.text.location import Location, parse
from workbench.text.sanitize import clean_name
from workbench.text.terminals import draws_ascii_alone
from workbench.text.times import parse as times_of
from workbench.text.times import rfc3339
from workbench.tui.actions.keymap import checked
from workbench.tui.actions.typing_ahead import HoldingKeys, TypingAhead
from workbench.tui.frame.crumbs import Crumbs
from workbench.tui.frame.footer import Footer
from workbench.tui.frame.header import Header, Summary
from workbench.tui.frame.screen import PageScreen
from workbench.tui.leaving import write_report
from workbench.tui.model.away import Away, since, summary
from workbench.tui.model.calling import Calls
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.feed import Feed, ServerState, Services
from workbench.tui.model.keys_first import KeysFirst
from workbench.tui.model.link_speed import flush_seconds
from workbench.tui.model.machines import Machines
from workbench.tui.model.memory import Memory
from workbench.tui.model.undo import Undo
from workbench.tui.places.history import History, same_place
from workbench.tui.places.page import Page
from workbench.tui.places.pages import kind_of, make_page, settled
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.themes import plain
from workbench.tui.themes.folders import folders
from workbench.tui.themes.palette import Looks
from workbench.tui.themes.wardrobe import Wardrobe, remembered_as, usual
from workbench.tui.whole import WholeActions

if TYPE_CHECKING:
    from workbench.tui.tour.steps import Seen, Tour
    from workbench.workspace import Workspace


def _providers() -> Any:
    from workbench.tui.actions.palette import Actions

    return Actions


WAIT = 0.05
"""Seconds the first frame waits for what it shows: the answers come with it more often than not."""
UNDER = {
    "experiments": "runs", "queue": "compute", "forwards": "compute", "compare": "runs",
    "datastores": "data", "environments": "data", "builds": "data",
}  # fmt: skip
"""Places that stand under the tab of another."""
MOUNTED = 12
"""Pages that stay mounted; the one seen longest ago goes first."""


class Dashboard(HoldingKeys, WholeActions):
    """Everything on the screen. Services are asked through the workspace's asyncio client."""

    BINDINGS: ClassVar[list[Any]] = [Binding("ctrl+q", "quit", show=False, priority=True)]
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[Any] = {_providers}
    CSS = (
        """
    Screen { layout: vertical; }
    #body { height: 1fr; width: 100%; }
    ToastRack { margin: 0 0 2 0; }
    """
        + plain.CSS
    )

    def __init__(
        self,
        services: Services,
        home: Home,
        location: Location | None = None,
        *,
        workspace: str = "default",
        theme: str = "",
        keys: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        tour: Tour | None = None,
        bell: bool = False,
    ) -> None:
        super().__init__()
        self._rings = bell
        self._calls = Calls()
        self._tour = tour
        self.services = services
        self._header, self._crumbs, self._footer = Header(), Crumbs(), Footer()
        self.home = home
        self.environ = os.environ if environ is None else environ
        self.chosen_keys, self._wrong_keys = checked(keys or {})
        self.workspace_name = workspace
        self.memory = Memory(home, workspace)
        self.undo = Undo()
        self.ahead = TypingAhead(self)
        self._filled = asyncio.Event()
        self.away = Away()
        """What happened since the dashboard was left the last time."""
        self._plain = draws_ascii_alone(self.environ)
        self._broken = False
        self.wardrobe = Wardrobe(self, folders(home, self.environ), self._wrong_theme, self.environ)
        self.wardrobe.open(theme or self.memory.get(remembered_as(self.environ), "") or usual(self.environ))
        self.places = History(settled(location or Location("runs")))
        self._pages: list[Page] = []
        self._going = asyncio.Lock()
        self.flush = flush_seconds(self.environ)
        self._keys_first = KeysFirst()
        self._feed = Feed(
            services, self._news, self._server_is, self.flush, self._hear, self._keys_first.turn
        )
        self.machines = Machines(services, lambda names: self.tell(Dirty(watched=names)))
        """How the machines do, while a page looks at them."""
        self.server = ServerState.STARTING

    def get_default_screen(self) -> Screen[Any]:
        """The screen all of it stands on."""
        return PageScreen(id="_default")

    def compose(self) -> ComposeResult:
        """The frame; the first page is mounted into it at once."""
        self._header.workspace = self.workspace_name
        yield self._header
        yield self._crumbs
        yield Container(id="body")
        if self._tour is not None:
            from workbench.tui.tour.line import TourLine

            yield TourLine(self._tour)
        yield self._footer

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody types: news wait for it."""
        if isinstance(event, (events.Key, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp)):
            self._keys_first.pressed()
        await super().on_event(event)

    async def on_mount(self) -> None:
        """Show the first place, then start to listen."""
        self.theme_changed_signal.subscribe(self, lambda _: self._look_plain())
        self.wardrobe.begin()
        self._look_plain()
        self.set_keymap(self.chosen_keys)
        for wrong in self._wrong_keys:
            self.notify(wrong, title="keys in the settings", severity="warning")
        async with self._going:
            (await self._shown()).focus_content()
        # Textual draws all anew after `suspend`, but not after a stop and fg.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.run_worker(self._feed.run(), name="feed", exit_on_error=True)
        self.run_worker(self.machines.run(), name="machines", exit_on_error=True)
        self.run_worker(self.wardrobe.watch(), name="themes", exit_on_error=True)
        self.set_interval(60.0, self._note_time)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, 128 + number)
        try:
            await asyncio.wait_for(self._filled.wait(), WAIT)
        except TimeoutError:
            pass  # the frame comes first, then

    def _note_time(self) -> None:
        self.memory.keep("left", rfc3339(datetime.now(UTC)))

    def on_unmount(self) -> None:
        """Remember when it was left."""
        self._note_time()

    async def _look_back(self) -> None:
        """Say what happened while nobody looked, and keep it for the activity page."""
        left = times_of(self.memory.get("left"))
        self._note_time()
        try:
            self.away = await since(self.services, left, datetime.now(UTC))
        except WorkbenchError:
            return  # the server says so itself
        if self.away:
            self.tell(Dirty(everything=True))
            self.notify(f"{summary(self.away)}   (7 shows them)", title="while you were away", timeout=10)

    @property
    def guided(self) -> bool:
        """Whether the demo's tour leads through it."""
        return self._tour is not None

    def _look_plain(self) -> None:
        """Borders and bars follow what the terminal or the theme wants of signs."""
        self.set_class(self.looks.ascii, plain.CLASS)
        plain.draw_scroll_bars(self.looks.ascii)

    @property
    def looks(self) -> Looks:
        """What the theme chose beyond colours."""
        found = self.wardrobe.looks(self.theme)
        return found._replace(ascii=True) if self._plain else found

    def _wrong_theme(self, words: str) -> None:
        self.notify(clean_name(words, 400), title="a theme", severity="warning", timeout=10, markup=False)

    @property
    def page(self) -> Page | None:
        """The page that is seen."""
        return next((page for page in self._pages if page.display), None)

    def action_command_palette(self) -> None:
        """Textual's own, in words that every terminal can draw."""
        from textual.command import CommandPalette

        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder="any action", id="--command-palette"))

    # Places

    async def visit(self, location: Location) -> None:
        """Go to a place; says so where no screen shows it yet."""
        try:
            self._page_for(location := settled(location))
        except LookupError as problem:
            self.notify(str(problem), severity="warning")
            return
        await self.arrive(location)

    def _page_for(self, location: Location) -> Page:
        for page in self._pages:
            if same_place(page.location, location):
                return page
        return make_page(location)

    async def arrive(self, going: Location | None = None) -> None:
        """Show the place one goes to, or the current one; what it is about comes when it comes."""
        async with self._going:
            if going is not None:
                self.places.go(going)
            page = await self._shown()
        page.focus_content()
        self.run_worker(self.fill(page), name="arrive", group="arrive", exit_on_error=True)

    async def fill(self, page: Page) -> None:
        """Have a page look at what it has missed."""
        await self._told(page, Dirty(), seen=True)
        if self.page is page:
            self.say_aside()
            if self.screen_stack[0].focused is None:
                page.focus_content()

    async def _shown(self) -> Page:
        """The page of the current place, mounted and seen."""
        try:
            page = self._page_for(self.places.current)
        except LookupError as problem:
            self.notify(str(problem), severity="warning")
            self.places.update(Location("runs"))
            page = self._page_for(Location("runs"))
        for other in self._pages:
            other.display = other is page
        if page in self._pages:
            self._pages.remove(page)
        else:
            await self.query_one("#body").mount(page)
        self._pages.append(page)
        while len(self._pages) > MOUNTED:
            await self._pages.pop(0).remove()
        await page.show(self.places.current)
        self.moved(page.location)
        return page

    def moved(self, location: Location) -> None:
        """The page seen chose a tab or a filter: the breadcrumbs and the history say so."""
        self.places.update(location)
        self._header.noun = UNDER.get(location.noun, location.noun)
        self._crumbs.location = location
        self.machines.look(self.page.looking if self.page is not None else None)
        self._header.gpus = self.machines.gpus()
        self.say_aside()

    def say_aside(self) -> None:
        """Bring the page's word at the right of the breadcrumbs and the footer up to date."""
        if not self.is_running:
            return  # it is being left: what would say it is gone
        page = self.page
        crumbs = self._crumbs
        crumbs.aside, crumbs.title = (page.aside, page.title) if page is not None else ("", "")
        self._footer.look_again()
        for line in self.query("TourLine"):
            line.look(self._seen())  # type: ignore[attr-defined]

    def _seen(self) -> Seen:
        """What is shown, for the tour."""
        from workbench.tui.tour.steps import Seen

        place, summary = self.places.current, self._header.summary
        runs = (summary.running or 0) + summary.waiting
        promoted = self._tour is not None and self._tour.promoted
        return Seen(kind_of(place) or "", place.options.get("tab", ""), runs, promoted)

    def _hear(self, event: Mapping[str, Any]) -> None:
        """One event of the server's, as it comes: what calls for attention, and what the tour waits for."""
        self._calls.add(event)
        if self._tour is not None:
            self._tour.hear(event)

    async def action_visit(self, text: str) -> None:
        """Go where a text says; from clicks and the prompt."""
        try:
            await self.visit(parse(text))
        except ValueError as problem:
            self.notify(str(problem), severity="warning")

    def action_tab(self, tab: str) -> None:
        """A click on the title of a tab of the page that is seen."""
        if isinstance(self.page, TabbedPage):
            self.run_worker(self.page.choose(tab), name="tab", group="arrive", exit_on_error=True)

    # News

    async def _news(self, dirty: Dirty) -> None:
        seen = self.page
        told = [self._told(page, dirty, page is seen) for page in self._pages]
        summarised = [self._summarise()] if dirty.everything or dirty.runs or dirty.targets else []
        await asyncio.gather(*told, *summarised)
        if not self.is_running:
            return  # it was left while they were told
        if dirty.watched:
            self._header.gpus = self.machines.gpus()
        self.say_aside()
        self.call_out(self._calls.take(), ring=self._rings)
        if self.screen_stack[0].focused is None and seen is not None and self.page is seen:
            seen.focus_content()
        if not self._filled.is_set():
            self._filled.set()
            self.run_worker(self._look_back(), name="away", exit_on_error=True)

    async def _told(self, page: Page, dirty: Dirty, seen: bool) -> None:
        """Hand news to a page; what cannot be had now is asked for again when the server is back."""
        try:
            await page.news(dirty, seen)
        except ServerError:
            page.missed_everything()
        except WorkbenchError as problem:
            self.complain(problem)
        except (NoMatches, NoScreen):
            if (
                page.is_attached and self.is_running
            ):  # else it was left for good while it waited for an answer
                raise

    async def _summarise(self) -> None:
        try:
            found = await self.services.call("workspace", "summary")
        except WorkbenchError as problem:
            self.complain(problem)
            return
        known = {name: found[name] for name in Summary._fields if name in found}
        self._header.summary = Summary(**known)  # a newer server may tell more

    def _server_is(self, state: ServerState, why: str) -> None:
        self.server = state
        self._header.server = (state, why)

    def open_workspace(self) -> Workspace:
        """The workspace for what is done in a thread: sending a tree, saving a file. To be closed."""
        from workbench.workspace import Workspace

        return Workspace.open(self.workspace_name, home=self.home)

    def tell(self, dirty: Dirty) -> None:
        """Have pages look again at what this face itself changed."""
        self._feed.tell(dirty)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """None of Textual's own: everything is in the action table."""
        return ()

    def _fatal_error(self) -> None:
        """A fault of ours, the first: leave the terminal readable, a line, a hint, and a report."""
        if not self._broken:
            self._broken = True
            self.panic(write_report(self.home))
