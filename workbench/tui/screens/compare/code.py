"""How the code of the compared runs differs from that of the first: files, and the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.text.numbers import counted, first_of
from workbench.text.patch import patch_files
from workbench.text.sanitize import clean, clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import palette_of
from workbench.views.comparison import change_cell, diff_role, lines_cell

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LINES = 5000
"""Lines of a diff that are shown; more is what `wb run diff` is for."""
FEW = 3
"""Runs that are named where the same is wrong with many."""
COLUMNS = (
    Column("path", "PATH", least=20, ideal=40, rest=True, keep=100, middle=True, sortable=False),
    Column("change", "CHANGE", least=8, ideal=9, keep=90, sortable=False),
    Column("added", "+", right=True, least=5, ideal=6, keep=80, sortable=False),
    Column("removed", "-", right=True, least=5, ideal=6, keep=70, sortable=False),
)


class Item(NamedTuple):
    """One row: a file that differs, what a run had not committed, or why there is nothing."""

    cells: tuple[Cell, ...]
    other: str = ""
    """The run that is held against the first."""
    path: str = ""
    patch: str | None = None
    """What is shown, where it is here already."""


class CompareCode(Acting, Vertical):
    """A table of files above the diff of the one under the cursor."""

    PLACES: ClassVar[tuple[str, ...]] = ()
    DEFAULT_CSS = """
    CompareCode Table { height: 40%; min-height: 6; }
    CompareCode.-large Table { display: none; }
    """

    def __init__(self, runs: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._known = runs
        self._runs: list[str] = []
        self._asked = False
        self._items: dict[str, Item] = {}
        self._groups: list[Group] = []
        self.table = Table(self, COLUMNS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """Files and text."""
        yield self.table
        yield Reading()

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A file's cells."""
        item = self._items.get(key)
        return None if item is None else item.cells

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """Code does not change: it is asked for once, beside, as it may have to come from machines."""
        if not self._asked and self._known():
            self._asked, self._runs = True, list(self._known())
            self.run_worker(self._ask(), exclusive=True, group="code", exit_on_error=True)

    async def _ask(self) -> None:
        services = self.dashboard.services
        try:
            found = await services.call("runs", "table", ids=self._runs, archived=None, columns=[])
        except WorkbenchError as problem:
            self._asked = False
            self.dashboard.complain(problem)
            return
        names = {row["id"]: clean_name(row["name"]) for row in found["rows"]}
        first = self._runs[0]
        troubles: dict[str, list[str]] = {}
        for other in self._runs[1:]:
            title = f"{names.get(first, first)} → {names.get(other, other)}"
            try:
                files = await services.call("runs", "changed_files", a=first, b=other)
            except WorkbenchError as problem:
                troubles.setdefault(problem.message, []).append(names.get(other, other))
                continue
            same = [Item((Cell("the same code", "quiet"),))]
            self._add(title, [_changed(file, other) for file in files] or same)
        for words, others in troubles.items():
            title = f"{names.get(first, first)} → {first_of(others, FEW)}"
            self._add(title, [Item((Cell(clean(words, 400), "bad", over=True),))])
        await self._ask_patches(names)

    async def _ask_patches(self, names: dict[str, str]) -> None:
        patches = []
        for run in self._runs:
            try:
                text = (await self.dashboard.services.call("runs", "git_diff", run=run)).get("text")
            except WorkbenchError as problem:
                self.dashboard.complain(problem)
                return
            if text:
                patches.append(_patch(names.get(run, run), run, text))
        if patches:
            self._add("not committed when submitted", patches)

    def _add(self, title: str, items: list[Item]) -> None:
        """A group more."""
        begin = len(self._items)
        self._items |= {str(begin + at): item for at, item in enumerate(items)}
        self._groups.append(Group(f"group {title}", title, len(items)))
        self.table.replace(list(self._items), self._groups)
        if begin == 0:
            self.table.go_to("0")

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        item = self._items.get(event.key or "")
        if item is not None:
            self.run_worker(self._show(item), exclusive=True, group="diff", exit_on_error=True)

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key in self._items:
            self.add_class("-large")
            self.query_one(Reading).focus()

    async def _show(self, item: Item) -> None:
        text = item.patch
        if text is None and item.path:
            try:
                found = await self.dashboard.services.call(
                    "runs", "diff", a=self._runs[0], b=item.other, path=item.path
                )
            except WorkbenchError as problem:
                why = clean(problem.message, 400)
                self.query_one(Reading).say(lambda: Text(why, palette_of(self.app).style("bad")))
                return
            text = found["text"]
        reading = self.query_one(Reading)
        reading.say(partial(self._coloured, text or ""))
        reading.scroll_home(animate=False)

    def _coloured(self, text: str) -> Text:
        palette, said = palette_of(self.app), Text()
        lines = text.splitlines()
        for line in lines[:LINES]:
            said.append(clean(line, 2000).replace("\t", "    ") + "\n", palette.style(_role(line)))
        if len(lines) > LINES:
            more = f"{len(lines) - LINES} more lines: wb run diff shows all\n"
            said.append(more, palette.style("warn"))
        return said

    def step_out(self) -> bool:
        """From the text back to the files."""
        if self.has_class("-large") or self.query_one(Reading).has_focus:
            self.remove_class("-large")
            self.table.focus()
            return True
        return False

    def pair(self) -> tuple[str, str]:
        """The runs whose code is looked at."""
        item = self._items.get(self.table.cursor or "")
        return self._runs[0], (item.other if item is not None else "") or self._runs[-1]


def _changed(file: dict[str, Any], other: str) -> Item:
    looks = [
        change_cell(file["change"]),
        lines_cell(file.get("added"), "+"),
        lines_cell(file.get("removed"), "-"),
    ]
    cells = (Cell(clean_name(file["path"], 1000)), *(Cell(look.text, look.role) for look in looks))
    return Item(cells, other, file["path"])


def _patch(name: str, run: str, text: str) -> Item:
    files = patch_files(text)
    looks = [
        lines_cell(sum(each), sign)
        for each, sign in (([f.added for f in files], "+"), ([f.removed for f in files], "-"))
    ]
    cells = (
        Cell(name),
        Cell(counted(len(files), "file"), "quiet"),
        *(Cell(look.text, look.role) for look in looks),
    )
    return Item(cells, run, patch=text)


def _role(line: str) -> str:
    return {"good": "added", "bad": "removed"}.get(diff_role(line), diff_role(line) or "text")
