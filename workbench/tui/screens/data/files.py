"""What a version refers to, as folders one goes into: as it was when somebody looked, else as it is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import NotFound, WorkbenchError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.columns import FILES, file_cells
from workbench.tui.screens.data.tree import Tree
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

MOST = 100_000
"""Files that are listed; more is what `wb data files` is for."""
EMPTY = "No files are there."


class DatasetTree(Vertical):
    """One folder of it at a time."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._known = known
        self._tree: Tree | None = None
        self._seen: tuple[Any, ...] = ()
        """Which version was looked at, and by which manifest."""
        self._now = False
        self._more = 0
        self.table = Table(self, FILES, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The folder, and which one it is."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """A version never changes; that somebody looked is worth a look."""
        version = self._known()
        if version is None:
            return
        manifest = (version.get("fingerprint") or {}).get("manifest")
        seen = (version["name"], version["version"], manifest)
        if seen != self._seen:
            self._seen = seen
            self.run_worker(self._ask(version, manifest), exclusive=True, group="files", exit_on_error=True)

    async def _ask(self, version: Mapping[str, Any], manifest: str | None) -> None:
        services = cast("Dashboard", self.app).services
        named = f"{version['name']}:{version['version']}"
        try:
            entries = await self._entries(services, named, manifest)
        except WorkbenchError as problem:
            self._seen = ()
            self.table.empty = clean(f"{problem.message}\n\n{problem.hint}", 600)
            self.table.replace([])
            return
        self._more = max(0, len(entries) - MOST)
        paths = (version.get("source") or {}).get("paths") or [""]
        alone = str(paths[0]).rstrip("/").rpartition("/")[2] or str(version["name"])  # it is one file
        self._tree = Tree([(str(row[0]) or alone, int(row[1])) for row in entries[:MOST]])
        self._fill()

    async def _entries(self, services: Any, named: str, manifest: str | None) -> list[Any]:
        self._now = manifest is None
        if manifest is not None:
            try:
                found: list[Any] = (await services.call("datasets", "manifest", dataset=named))["entries"]
                return found
            except NotFound:  # the list was pruned
                self._now = True
        entries: list[Any] = []
        self.table.empty = "looking where they lie ..."
        async with aclosing(services.items("datasets", "files", dataset=named)) as pages:
            async for page in pages:
                entries += page.get("entries") or []
        return entries

    def _fill(self, cursor: str = "") -> None:
        if self._tree is None:
            return
        self.table.empty = EMPTY
        keys = [*([".."] if self._tree.folder else []), *self._tree.names]
        self.table.replace(keys)
        self.table.changed(keys)
        if cursor:
            self.table.go_to(cursor)
        elif keys:
            self.table.go_to(keys[0])
        self._tell()

    def _tell(self) -> None:
        if self._tree is None:
            return
        count, size = self._tree.total
        how = "as they are now" if self._now else "as somebody saw them last; v looks again"
        where = f"{clean_name(self._tree.folder, 400)}/   " if self._tree.folder else ""
        more = f"   and {self._more} more: wb data files lists all" if self._more else ""
        self._detail.said = (f"{where}{counted(count, 'file')}, {sizes.short(size)}   {how}{more}", "dim")

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A file's or a folder's cells."""
        if self._tree is None:
            return None
        if key == "..":
            return [Cell("..", "quiet"), Cell(""), Cell("")]
        files, size = self._tree.entry(key)
        return file_cells(key, files, size)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key == "..":
            self.step_out()
        elif self._tree is not None and event.key.endswith("/"):
            self._tree.enter(event.key)
            self._fill()
        else:
            self.app.notify("d saves all of the version's files in this directory", timeout=3)

    def step_out(self) -> bool:
        """To the folder above."""
        if self._tree is None or not self._tree.folder:
            return False
        self._fill(self._tree.leave())
        return True
