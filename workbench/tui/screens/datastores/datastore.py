"""A datastore's page: a folder of it at a time."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.datastores.acting import DatastoreActions
from workbench.tui.screens.datastores.columns import ITEMS, item_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views import data as look


class DatastorePage(DatastoreActions, FilteredPage):
    """One datastore; the location is datastores/NAME, its `path` the folder that is seen."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "datastores")
    HINT = "part of a name"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._datastore: Mapping[str, Any] | None = None
        self._listed: str | None = None
        """The folder whose content is here."""
        self._items: dict[str, Mapping[str, Any] | None] = {}
        self._left_out = 0
        self.table = Table(self, ITEMS, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The folder, and what there is to say of it."""
        yield self.table
        yield self._detail

    @property
    def name_(self) -> str:
        """The datastore's name."""
        return self.location.path[0]

    @property
    def folder(self) -> str:
        """The folder, "" for the outermost."""
        return self.location.options.get("path", "").strip("/")

    @property
    def title(self) -> str:
        """Name and folder."""
        return f"{self.name_}/{self.folder}" if self.folder else self.name_

    @property
    def aside(self) -> str:
        """The filter, and how much is in the folder."""
        count = counted(len([key for key in self.table.keys if key != ".."]), "entry")
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", count) if part)

    async def show(self, location: Location) -> None:
        """Another folder, or another filter."""
        self.location = location
        if self._listed is not None and self._listed != self.folder:
            self._look()
        self.fill()

    async def hear(self, dirty: Dirty) -> None:
        """A folder is listed when one comes and when one asks."""
        if dirty.everything or self.name_ in dirty.datastores:
            try:
                self._datastore = await self.dashboard.services.call("datastores", "get", name=self.name_)
            except WorkbenchError as problem:
                self._fail(problem)
                return
            self._look()

    def _look(self) -> None:
        self.run_worker(self._list(), exclusive=True, group="list", exit_on_error=True)

    async def look_at(self, datastore: Mapping[str, Any]) -> None:
        """List the folder anew."""
        await self._list()

    async def _list(self, cursor: str = "") -> None:
        folder = self.folder
        self._items, self._listed = {}, folder
        self.table.empty = "looking ..."
        self.table.replace([])
        try:
            found = await self.dashboard.services.call("datastores", "browse", name=self.name_, path=folder)
        except WorkbenchError as problem:
            self._fail(problem)
            return
        if self._listed != folder:
            return
        items: dict[str, Mapping[str, Any] | None] = {"..": None} if folder else {}
        items |= {f"{name}/": None for name in found["folders"]}
        items |= {str(item["path"]).rpartition("/")[2]: item for item in found["items"]}
        self._items, self._left_out = items, int(found.get("left_out") or 0)
        self.fill()
        self.table.changed(items)
        if cursor:
            self.table.go_to(cursor)
        self._tell()
        self.dashboard.say_aside()

    def _fail(self, problem: WorkbenchError) -> None:
        self.table.empty = clean(f"{problem.message}\n\n{problem.hint}", 600)
        self.table.replace([])
        self._detail.said = (clean_name(problem.message, 400), "bad")

    def _tell(self) -> None:
        if self._datastore is None:
            return
        size = sum(int((item or {}).get("size") or 0) for item in self._items.values())
        parts = [look.place(self._datastore), f"{sizes.short(size)} in this folder"]
        parts += [f"{counted(self._left_out, 'key')} left out: not paths"] if self._left_out else []
        self._detail.said = ("   ".join(parts), "warn" if self._left_out else "dim")

    def fill(self) -> None:
        """The names that fit."""
        if self._items or self._listed is None:
            self.table.empty = none_fits("Nothing here", self.words) or self.table.empty
        else:
            self.table.empty = f"Nothing is there.\n\nwb datastore upload FOLDER {self.name_}"
        self.table.replace([name for name in self._items if name == ".." or self.fits(name)])

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A file's or a folder's cells."""
        return item_cells(key, self._items[key], datetime.now(UTC)) if key in self._items else None

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key == "..":
            self.step_out()
        elif event.key.endswith("/"):
            await self._go(f"{self.folder}/{event.key}".strip("/"))
        else:
            path = f"{self.folder}/{event.key}".strip("/")
            said = shlex.quote(clean_name(path, 300))
            self.app.notify(f"wb datastore download . {self.name_} {said}", timeout=5)

    async def _go(self, folder: str, cursor: str = "") -> None:
        location = self.location._replace(options={"path": folder} if folder else {})
        self.location = location
        self.moved(location)
        self.run_worker(self._list(cursor), exclusive=True, group="list", exit_on_error=True)

    def step_out(self) -> bool:
        """The filter goes first, then the folder above."""
        if super().step_out():
            return True
        if not self.folder:
            return False
        above, _, left = self.folder.rpartition("/")
        self.run_worker(self._go(above, f"{left}/"), group="out", exit_on_error=True)
        return True

    async def _filtered(self, text: str) -> None:
        options = {key: said for key, said in self.location.options.items() if key != "text"}
        location = self.location._replace(options=options | ({"text": text} if text.strip() else {}))
        await self.show(location)
        self.moved(location)

    def chosen_datastore(self) -> Mapping[str, Any] | None:
        """This one."""
        return self._datastore

    def chosen_id(self) -> str | None:
        """datastore:NAME/PATH of what the cursor is on."""
        here = self.table.cursor or ""
        below = "" if here == ".." else here.strip("/")
        path = "/".join(part for part in (self.folder, below) if part)
        return f"datastore:{self.name_}/{path}"

    def command_line(self) -> str:
        """The command that lists the folder."""
        # Whoever writes to a datastore chooses names, and this line is for a shell.
        folder = [shlex.quote(clean_name(self.folder, 1000))] if self.folder else []
        return " ".join([f"wb datastore ls {self.name_}", *folder])
