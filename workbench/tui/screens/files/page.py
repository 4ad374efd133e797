"""The file browser: one folder of a machine, what is done with what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import ServerError, WorkbenchError
from workbench.text import sizes
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.view import LogView
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.files.actions import BrowseActions
from workbench.tui.screens.files.columns import COLUMNS, cells, file_of, folder_of
from workbench.tui.screens.files.folder import Folder
from workbench.tui.screens.files.reading import HEAD, MachineFile, is_binary
from workbench.tui.screens.files.using import FolderUse
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.drawing import Sorting

EMPTY = "The folder is empty; . shows hidden names."


class FolderTable(MarkingTable):
    """The table of a folder: left goes to the folder above, right into the one under the cursor."""

    def do_list_left(self) -> None:
        """Scroll back, else the folder above."""
        if self._aside > 0:
            super().do_list_left()
        else:
            self.post_message(messages.Opened(self, ".."))

    def do_list_right(self) -> None:
        """Into the folder under the cursor."""
        self.do_list_open()


class FilesPage(BrowseActions, FilteredPage):
    """A folder of a machine; the location's `path` says which."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "browse")
    DEFAULT_CSS = "FilesPage FolderTable { height: 1fr; } FilesPage LogPane { height: 1fr; }"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._folder: Folder | None = None
        self._came_from: dict[str, str] = {}
        """By folder, the name the cursor was on when it was left."""
        self._wanted: Sequence[str] = ()
        self._want_more = asyncio.Event()
        self.reading = ""
        """The path of the file that is read; empty while none is."""
        self.table = FolderTable(self, COLUMNS, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The folder, and a line for what its rows have no room for."""
        yield self.table
        yield self._detail

    # Where one is

    @property
    def name_(self) -> str:
        """The machine's name."""
        return self.location.path[0]

    @property
    def folder(self) -> Folder:
        """The folder that is shown."""
        if self._folder is None:
            path = self.location.options.get("path", "~")
            self._folder = Folder(self.dashboard.services, self.name_, path)
        return self._folder

    @property
    def title(self) -> str:
        """The path, of the file that is read or the folder."""
        return self.reading or self.counting or self.folder.path

    @property
    def aside(self) -> str:
        """How much is in it, and how much room is left."""
        if self.reading or self.counting:
            return ""
        told = [f"/ {self.words}"] if self.words else []
        told.append(counted(len(self.table.keys), "entry"))
        told += [f"{len(self.table.marked)} marked"] if self.table.marked else []
        told += [f"{sizes.short(self.folder.free)} free"] if self.folder.free is not None else []
        return "   ".join(told)

    @property
    def counting(self) -> str:
        """The path of the folder whose room is counted; empty while none is."""
        return next((use.path for use in self.query(FolderUse)), "")

    def on_mount(self) -> None:
        """Entries are fetched by one task."""
        self.table.sorting = Sorting("name", False)
        self.run_worker(self._fetching(), name="entries", exit_on_error=True)

    async def show(self, location: Location) -> None:
        """Another folder, or another filter."""
        path = location.options.get("path", self.folder.path)
        self.location = location
        if path != self.folder.path:
            self.open(path)
        self.fill()

    async def hear(self, dirty: Dirty) -> None:
        """A folder is listed when it is looked at, and again after something was done there."""
        if dirty.everything:
            self.run_worker(self.look(), exclusive=True, group="list", exit_on_error=True)

    def open(self, path: str, cursor: str = "") -> None:
        """Go to another folder of the machine."""
        folder = Folder(self.dashboard.services, self.name_, path)
        before = self.folder
        folder.sort, folder.descending, folder.hidden = before.sort, before.descending, before.hidden
        self._came_from[before.path] = self.table.cursor or ""
        self._folder = folder
        self.table.unmark()
        self.table.empty = "..."
        self.table.replace([])
        work = self.look(cursor or self._came_from.get(path, ""))
        self.run_worker(work, exclusive=True, group="list", exit_on_error=True)

    async def look(self, cursor: str = "") -> None:
        """List the folder anew, the cursor on a name."""
        folder = self.folder
        try:
            await folder.list()
        except WorkbenchError as problem:
            if self._folder is folder:
                self.table.empty = problem.message
                self._detail.said = (clean_name(problem.hint or problem.message, 400), "bad")
            return
        if self._folder is not folder:
            return
        self._detail.said = ("", "")
        self.fill()
        first = self.table.keys[: self.app.size.height]
        await folder.fetch([cursor, *first] if cursor in folder.names else first)
        self.table.changed(self.table.keys)
        if cursor in self.table.keys:
            self.table.go_to(cursor)
        self._moved_to()

    def _moved_to(self) -> None:
        options = {"path": self.folder.path} | ({"text": self.words} if self.words else {})
        self.moved(self.location._replace(options=options))
        self._tell()

    def fill(self) -> None:
        """The names that fit the filter."""
        fit = [name for name in self.folder.names if self.fits(name)]
        if self.folder.listed:
            self.table.empty = none_fits("Nothing here", self.words) if self.folder.names else EMPTY
        self.table.replace(fit)

    async def _filtered(self, text: str) -> None:
        options = {"path": self.folder.path} | ({"text": text} if text.strip() else {})
        self.location = self.location._replace(options=options)
        self.fill()
        self.moved(self.location)

    # What the table asks and says

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells, once its entry is here."""
        entry = self.folder.entry(key)
        return None if entry is None else cells(entry, datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """Entries that are about to be seen."""
        self._wanted = keys
        self._want_more.set()

    async def _fetching(self) -> None:
        while True:
            await self._want_more.wait()
            self._want_more.clear()
            try:
                self.table.changed(await self.folder.fetch(self._wanted))
            except ServerError:
                continue  # the header tells of it; all is asked again when it is back
            except WorkbenchError as problem:
                self._detail.said = (clean_name(problem.message, 400), "bad")
                continue
            self._tell()

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key == "..":
            self.do_browse_up()
            return
        entry = self.folder.entry(event.key)
        if entry is None:
            return
        if folder_of(entry):
            self.open(self.folder.place(event.key))
        elif not file_of(entry):
            kind = "a broken link" if entry["kind"] == "link" else f"a {entry['kind']}"
            told = f"{clean_name(event.key, 60)} is {kind}: there is nothing to read"
            self.app.notify(told, severity="warning")
        else:
            await self._read(event.key)

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    def _tell(self) -> None:
        entry = self.folder.entry(self.table.cursor or "")
        if entry is not None and entry["kind"] == "link":
            target = clean_name(str(entry.get("target")), 400)
            said = f"{clean_name(str(entry['name']), 100)} leads to {target}"
            self._detail.said = (said if entry.get("leads") else f"{said}: nothing is there", "dim")
        else:
            self._detail.said = ("", "")

    @on(messages.SortRequested)
    def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        self.folder.sort, self.folder.descending = event.column, event.descending
        self.table.sorting = Sorting(event.column, event.descending)
        work = self.look(self.table.cursor or "")
        self.run_worker(work, exclusive=True, group="list", exit_on_error=True)

    # Reading

    async def _read(self, name: str) -> None:
        path = self.folder.place(name)
        source = MachineFile(self.dashboard.services, self.name_, path)
        try:
            size = (await source.extent()).size
            head = await source.read(0, min(HEAD, size)) if size else b""
        except WorkbenchError as problem:
            self.dashboard.complain(problem)
            return
        if is_binary(head):
            told = f"{clean_name(name, 60)} is no text ({sizes.short(size)}): d fetches it"
            self.app.notify(told, timeout=4)
            return
        pane = LogPane(source, follow=False)
        self.reading = path
        self.table.display = self._detail.display = False
        await self.mount(pane)
        pane.view.focus()
        self.dashboard.say_aside()

    def on_log_view_pager_wanted(self, message: LogView.PagerWanted) -> None:
        """The file that is read, in another program."""
        message.stop()
        self.do_browse_pager()

    def step_out(self) -> bool:
        """What is open closes first: a search, the file that is read, the count of the room, the filter."""
        panes, uses = list(self.query(LogPane)), list(self.query(FolderUse))
        if panes and panes[0].step_out():
            return True
        if uses and uses[0].step_out():
            self.dashboard.say_aside()
            return True
        for widget in (*panes, *uses):
            widget.remove()
            self.reading = ""
            self.table.display = self._detail.display = True
            self.table.focus()
            self.call_after_refresh(self.dashboard.say_aside)
            return True
        return super().step_out()
