"""The files a run kept: look at one, fetch one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text import sizes, times
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.here import here
from workbench.tui.leaving import viewer
from workbench.tui.model.dirty import Dirty
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.columns import Column

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

COLUMNS = (
    Column("path", "PATH", least=20, ideal=40, rest=True, keep=100, middle=True, sortable=False),
    Column("size", "SIZE", right=True, least=6, ideal=9, keep=90, sortable=False),
    Column("modified", "MODIFIED", least=8, ideal=12, keep=60, sortable=False),
    Column("here", "HERE", least=4, ideal=4, keep=50, sortable=False, help="whether it was fetched already"),
)
EMPTY = "No file yet: a run keeps what it writes in outputs/ and logs/."
VIEWED = 64 << 20
"""Bytes of a file that is fetched only to be looked at."""


class RunFiles(Acting, Vertical):
    """The table of files."""

    PLACES: ClassVar[tuple[str, ...]] = ("files",)

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._files: dict[str, Mapping[str, Any]] = {}
        self.table = MarkingTable(self, COLUMNS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The table."""
        yield self.table

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A file's cells."""
        file = self._files.get(key)
        if file is None:
            return None
        when = times.local(times.parse(file.get("modified")), datetime.now(UTC))
        here = bool(file.get("collected"))
        return [
            Cell(clean_name(key, 1000)),
            Cell(sizes.short(file["size"])),
            Cell(when, "quiet"),
            Cell("yes" if here else "no", "good" if here else "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """The list is asked for whole, beside: a machine may be slow. Not for each point that is measured."""
        if not (dirty.everything or dirty.runs):
            return
        self.run_worker(self._ask(), exclusive=True, group="files", exit_on_error=True)

    async def _ask(self) -> None:
        try:
            found = await self.dashboard.services.call("runs", "files", run=self._reference)
        except WorkbenchError as problem:
            self.dashboard.complain(problem)
            return
        before, self._files = self._files, {file["path"]: file for file in found}
        self.table.empty = EMPTY
        self.table.replace(sorted(self._files))
        self.table.changed(key for key, file in self._files.items() if before.get(key) != file)

    def refusal(self, action: str) -> str | None:
        """Nothing can be done without a file."""
        if action.startswith("files.") and not self.table.chosen:
            return "there is no file under the cursor"
        return super().refusal(action)

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.do_files_view()

    async def do_files_view(self) -> None:
        """Fetch the file under the cursor and show it with $PAGER."""
        path = self.table.cursor or ""
        if int(self._files[path]["size"]) > VIEWED:
            self.app.notify(f"{sizes.short(self._files[path]['size'])}: d fetches it", severity="warning")
            return
        self.run_worker(self._view(path), exclusive=True, group="view", exit_on_error=True)

    async def _view(self, path: str) -> None:
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            place = await self._fetched([path], Path(folder))
            if place:
                viewer(self.app, place[0])

    async def do_files_fetch(self) -> None:
        """Save the chosen files in the directory the dashboard was started in."""
        chosen = list(self.table.chosen)

        async def work() -> None:
            to = here()
            places = await self._fetched(chosen, to)
            if places:
                words = clean_name(str(places[0])) if len(places) == 1 else f"{len(places)} files"
                self.app.notify(f"{words} saved in {to}", markup=False)
                self.table.unmark()

        self.run_worker(work(), group="fetch", exit_on_error=True)

    async def _fetched(self, paths: Sequence[str], folder: Path) -> list[Path]:
        """Files saved in a folder under their own names; none of an existing file is replaced."""
        last = [-1]

        def progress(name: str, done: int, total: int) -> None:
            share = 10 * done // max(1, total)
            if total > 1 << 20 and share != last[0]:
                last[0] = share
                said = f"{clean_name(name)} {share * 10}%"
                self.app.call_from_thread(self.app.notify, said, timeout=1, markup=False)

        def thread() -> list[Path]:
            saved = []
            with self.dashboard.open_workspace() as workspace:
                for path in paths:
                    to = free_name(folder / Path(path).name)
                    saved.append(workspace.download(self._reference, path, to, progress))
            return saved

        try:
            return await in_side_thread(thread)
        except WorkbenchError as problem:
            self.dashboard.complain(problem)
            return []


def file_name(name: str, ending: str) -> str:
    """A name that came from elsewhere as one of a file, which leads into no other folder."""
    return clean_name(name, 100).replace("/", "_").lstrip(".") + ending


def free_name(place: Path) -> Path:
    """place, or with a number where that exists already."""
    number = 1
    found = place
    while found.exists():
        found = place.with_name(f"{place.stem}-{number}{place.suffix}")
        number += 1
    return found
