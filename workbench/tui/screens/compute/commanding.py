"""One command on several machines: how it stands on each above, what the one under the cursor says below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.states import ACTIVITY
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.line import Line, Piece
from workbench.tui.frame.prompt import ask
from workbench.tui.logs.pane import LogPane
from workbench.tui.screens.compute.command_log import CommandLog
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.tui.themes.palette import palette_of
from workbench.views import command_results
from workbench.workspace.many_commands import Said, run_on

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

REMEMBERED = "command on machines"
COLUMNS = (
    Column("state", "STATE", least=13, ideal=14, keep=95, sortable=False),
    Column("name", "MACHINE", least=8, ideal=16, most=24, keep=100, middle=True, sortable=False),
    Column("last", "LAST LINE", least=16, ideal=40, rest=True, keep=80, sortable=False),
)


async def command_on(app: Dashboard, names: Sequence[str]) -> None:
    """Ask for a command line and run it on machines."""
    where = clean_name(names[0]) if len(names) == 1 else f"{len(names)} machines"

    async def done(text: str) -> None:
        if text.strip():
            app.memory.keep(REMEMBERED, text.strip())
            app.push_screen(CommandScreen(names, text.strip()))

    before = str(app.memory.get(REMEMBERED, ""))
    await ask(app, "$", done, words=[before] if before else [], hint=f"a shell line to run on {where}")


class Title(Line):
    """What is run, and how it went."""

    told = ""
    summary = ""

    def left(self, cells: int) -> Sequence[Piece]:
        """The command."""
        return [Piece(" $ ", "dim"), Piece(self.told, "title")]

    def right(self, cells: int) -> Sequence[Piece]:
        """How many are through."""
        return [Piece(f"{self.summary} ", "dim")]


class CommandScreen(Acting, ModalScreen[None]):
    """Escape closes it; what still runs is ended with it."""

    PLACES: ClassVar[tuple[str, ...]] = ("dialog",)
    DEFAULT_CSS = """
    CommandScreen { background: $background; }
    CommandScreen Title { background: $panel; }
    CommandScreen Table { height: auto; max-height: 40%; }
    CommandScreen #said { height: 1fr; padding-top: 1; background: $background; }
    """

    def __init__(self, names: Sequence[str], line: str) -> None:
        super().__init__()
        self._names = list(names)
        self._line = line
        self._logs = {name: CommandLog(len(names)) for name in names}
        self._last: dict[str, str] = {}
        self._results: dict[str, Mapping[str, Any]] = {}
        self._title = Title()
        self.table = Table(self, COLUMNS, frozen=2)

    def compose(self) -> ComposeResult:
        """The command, machines, output."""
        yield self._title
        yield self.table
        yield Vertical(id="said")

    async def on_mount(self) -> None:
        """Run it."""
        self._title.told = clean_name(self._line, 400)
        self.table.styles.height = min(len(self._names), 12) + 1
        self.table.replace(self._names)
        await self._show(self._names[0])
        self.table.focus()
        self._tell()
        self.run_worker(self._run(), name="command", exit_on_error=True)

    async def _run(self) -> None:
        services = cast("Dashboard", self.app).services
        async with aclosing(run_on(services, self._names, {"shell": self._line})) as items:
            async for item in items:
                if isinstance(item, Said):
                    self._logs[item.name].add(item.line)
                    self._last[item.name] = item.line
                    self.table.changed((item.name,))
                else:
                    self._ended(item.result)

    def _ended(self, result: Mapping[str, Any]) -> None:
        name = str(result["name"])
        self._results[name] = result
        if "problem" in result:
            for key in ("problem", "hint"):
                if result.get(key):
                    self._logs[name].add(str(result[key]))
        self._logs[name].end()
        self.table.changed((name,))
        self._tell()

    def _tell(self) -> None:
        left = len(self._names) - len(self._results)
        found = command_results.summary(list(self._results.values())) if not left else ""
        self._title.summary = found or f"running on {counted(left, 'machine')}   esc ends it"
        self._title.refresh()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """How it stands on a machine."""
        result = self._results.get(key)
        last = Cell(clean_name(self._last.get(key, ""), 500), "dim")
        if result is None:
            return [self._state("running", "running"), Cell(clean_name(key)), last]
        if command_results.succeeded(result):
            return [self._state("done", "ok"), Cell(clean_name(key)), last]
        told = command_results.how(result)
        if "problem" in result:
            word = "unreachable" if result.get("unreachable") else "failed"
            return [self._state("failed", word), Cell(clean_name(key)), Cell(told, "bad")]
        return [self._state("failed", told), Cell(clean_name(key)), last]

    def _state(self, state: str, word: str) -> Cell:
        look = ACTIVITY[state]._replace(word=word)
        return Cell(look.text(palette_of(self.app).ascii), look.role)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.CursorMoved)
    async def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        if event.key is not None:
            await self._show(event.key)

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        """Enter goes into what it says; tab comes back."""
        event.stop()
        self.query_one(f"#said-{self._names.index(event.key)}", LogPane).view.focus()

    async def _show(self, name: str) -> None:
        """What a machine says."""
        holder = self.query_one("#said", Vertical)
        identity = f"said-{self._names.index(name)}"
        for pane in holder.children:
            pane.display = pane.id == identity
        if not self.query(f"#{identity}"):
            await holder.mount(LogPane(self._logs[name], id=identity))

    def do_dialog_cancel(self) -> None:
        """Close what is open within; then this, and with it what still runs."""
        for pane in self.query(LogPane):
            if pane.display and pane.step_out():
                return
        self.dismiss(None)
