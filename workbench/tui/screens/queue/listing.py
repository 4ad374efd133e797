"""Who runs and who waits on machines, in order, with what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.queue import doing
from workbench.tui.screens.queue.columns import COLUMNS, cells, columns
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import palette_of
from workbench.views import queue as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

AGAIN = 5.0
"""Seconds between two questions: why one waits, and for how long still, changes without an event."""
NOBODY = "Nobody runs or waits."


class QueueListing(Acting, Vertical):
    """The queues of all machines, or of one, each under its machine."""

    PLACES: ClassVar[tuple[str, ...]] = ("queue",)
    DEFAULT_CSS = "QueueListing { height: 1fr; } QueueListing MarkingTable { height: 1fr; }"

    def __init__(self, target: str | None = None) -> None:
        super().__init__()
        self._target = target
        self._entries: dict[str, Mapping[str, Any]] = {}
        self._machines: dict[str, Mapping[str, Any]] = {}
        self._words = ""
        self.table = MarkingTable(self, COLUMNS, frozen=2, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The list, and all of why the one under the cursor waits."""
        yield self.table
        yield self._detail

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    @property
    def count(self) -> str:
        """How many run and wait, and how many are marked."""
        states = [entry.get("state") for entry in self._entries.values()]
        marked = len(self.table.marked)
        words = [f"{marked} marked"] if marked else []
        words += [f"{states.count('running')} running", f"{states.count('waiting')} waiting"]
        return "  ".join([*words, *([f"{states.count('held')} on hold"] if "held" in states else [])])

    def on_mount(self) -> None:
        """Ask again and again while it is seen."""
        self.table.choice = self.dashboard.memory.get("columns queue")
        self.set_interval(AGAIN, self._again)

    def _again(self) -> None:
        if self.is_on_screen:
            self.run_worker(self._asked(), name="queue", group="queue", exclusive=True, exit_on_error=True)

    async def _asked(self) -> None:
        try:
            await self.ask()
        except WorkbenchError:
            return  # said when it was asked for by somebody; the header tells of a server that is gone

    async def hear(self, dirty: Dirty) -> None:
        """Runs that come, go or change their state change the queue."""
        if dirty.everything or dirty.runs or dirty.listed or dirty.targets:
            await self.ask()

    async def ask(self) -> None:
        """Ask for the queues. Raises WorkbenchError."""
        services = self.dashboard.services
        machines = await services.call("queue", "machines", target=self._target)
        entries = await services.call("queue", "list", target=self._target)
        self._machines = {str(machine["target"]): machine for machine in machines}
        self._entries = {f"{entry['target']} {entry['run']}": entry for entry in entries}
        self.table.empty = NOBODY
        wanted = columns(list(self._entries.values()))
        if wanted != self.table.columns:
            self.table.columns = wanted
        self.fill()
        self.dashboard.say_aside()

    def narrow(self, words: str) -> None:
        """Show only entries that say all of these words."""
        self._words = words
        self.fill()

    def fill(self) -> None:
        """The entries that fit, under their machines."""
        words = self._words.lower().split()
        fit = {
            key: entry for key, entry in self._entries.items() if all(word in _said(entry) for word in words)
        }
        targets = list(dict.fromkeys(str(entry["target"]) for entry in fit.values()))
        targets += [name for name in self._machines if name not in targets and self._note(name) and not words]
        groups = [self._group(name, fit) for name in targets]
        keys = [key for name in targets for key, entry in fit.items() if entry["target"] == name]
        self.table.replace(keys, groups if self._target is None else ())
        self.table.renewed(keys)
        self._tell()

    def _group(self, name: str, fit: Mapping[str, Mapping[str, Any]]) -> Group:
        size = sum(entry["target"] == name for entry in fit.values())
        note = self._note(name)
        if note is None:
            return Group(f"/{name}", name, size)
        said = note.text.removeprefix(clean_name(name)).removeprefix(":").strip()  # the title names it
        return Group(f"/{name}", name, size, detail=(Cell(said, note.role),))

    def _note(self, name: str) -> Any:
        return look.machine_note(self._machines.get(name, {}))

    def cells(self, key: str) -> Sequence[Cell] | None:
        """An entry's cells."""
        entry = self._entries.get(key)
        return None if entry is None else cells(entry, datetime.now(UTC), palette_of(self.app).ascii)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    def _tell(self) -> None:
        entry = self._entries.get(self.table.cursor or "")
        note = self._note(self._target) if self._target is not None else None
        if entry is not None and entry.get("reason"):
            wait = look.wait_words(entry)
            self._detail.said = (look.why(entry).text + (f"; {wait}" if wait else ""), "waiting")
        else:
            self._detail.said = (note.text, note.role) if note is not None else ("", "")

    # What the table says

    @property
    def chosen(self) -> list[Mapping[str, Any]]:
        """The entries an action is about: the marked ones, else the one under the cursor."""
        return [self._entries[key] for key in self.table.chosen if key in self._entries]

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        entry = self._entries.get(event.key) or {}
        if entry.get("experiment"):
            await self.dashboard.visit(Location("runs", (entry["experiment"], entry["run"])))
        else:
            self.app.notify("no more is known here of what stands in this line", timeout=3)

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    @on(messages.ColumnsChanged)
    def _chosen_columns(self, event: messages.ColumnsChanged) -> None:
        event.stop()
        self.dashboard.memory.keep("columns queue", None if event.choice is None else list(event.choice))

    # Doing

    def refusal(self, action: str) -> str | None:
        """Why an action on entries cannot be done now."""
        return doing.why_not(action, self.chosen) if action.startswith("queue.") else super().refusal(action)

    async def do_queue_hold(self) -> None:
        """Keep the chosen runs from starting."""
        await self._change("hold", "on hold")

    async def do_queue_release(self) -> None:
        """Let the chosen runs start again."""
        await self._change("release", "waiting again")

    async def do_queue_earlier(self) -> None:
        """The chosen runs one place ahead."""
        await self._move("before")

    async def do_queue_later(self) -> None:
        """The chosen runs one place back."""
        await self._move("after")

    async def do_queue_priority(self) -> None:
        """Another priority for the chosen runs."""
        priority = await doing.asked_priority(self.dashboard, self.chosen)
        if priority is not None:
            await self._change("priority", f"at priority {priority}", priority=priority)

    async def _move(self, place: str) -> None:
        chosen = self.chosen
        other = doing.neighbour(list(self._entries.values()), chosen, place)
        if other is None:
            self.app.notify("nothing of yours is there to change places with", severity="warning", timeout=3)
            return
        await self._change("move", "moved", place=place, other=other)

    async def _change(self, method: str, words: str, **parameters: Any) -> None:
        await doing.change(self.dashboard, method, self.chosen, words, **parameters)
        await self.ask()


def _said(entry: Mapping[str, Any]) -> str:
    keys = ("name", "experiment", "by", "user", "target", "state", "reason")
    return " ".join(str(entry.get(key) or "") for key in keys).lower()
