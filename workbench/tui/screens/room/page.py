"""The room page: what the workbench keeps on a machine, what of it may go, and removing that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import UsageError, WorkbenchError
from workbench.text import durations, sizes
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import ask, none_fits
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.room import removing
from workbench.tui.screens.room.columns import COLUMNS, cells, name, order
from workbench.tui.screens.room.parts import Parts
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.drawing import Sorting
from workbench.views import holdings as look

OLDER, KEEP = "30d", "best,tagged,registered"
NOTHING = "No run has anything here."


class RoomPage(FilteredPage):
    """A machine's room; the location's `older` and `keep` say what may go."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "room")
    HINT = "part of a run's name or experiment"
    DEFAULT_CSS = "RoomPage MarkingTable { height: 1fr; }"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._runs: dict[str, Mapping[str, Any]] = {}
        self._held: Mapping[str, Any] = {}
        self._plan: Mapping[str, Any] | None = None
        self._fates: Mapping[str, look.Fate] = {}
        self._parts = Parts()
        self.table = MarkingTable(self, COLUMNS, frozen=0, empty="counting ...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The kinds, the runs, what it comes to."""
        yield self._parts
        yield self.table
        yield self._detail

    @property
    def name_(self) -> str:
        """The machine's name."""
        return self.location.path[0]

    @property
    def older(self) -> str:
        """How long a run has to be over before it may go, as it was typed."""
        return self.location.options.get("older", OLDER)

    @property
    def keep(self) -> str:
        """What stays at any age, as it was typed."""
        return self.location.options.get("keep", KEEP)

    @property
    def aside(self) -> str:
        """The filter, the rules, what there is."""
        first = [f"/ {self.words}"] if self.words else []
        first += [f"{len(self.table.marked)} marked"] if self.table.marked else []
        rules = [f"older than {self.older}, keep {self.keep or 'none'}"]
        room = [f"{sizes.short(self._held['total'])} of ours"] if self._held else []
        room += [f"{sizes.short(self._held['free'])} free"] if self._held.get("free") is not None else []
        for told in ([*first, *rules, *room], [*first, *room[1:], *rules], [*first, *rules]):
            text = "   ".join(told)
            if len(text) <= self.size.width - len(self.name_) - 20:
                break
        return text

    def on_mount(self) -> None:
        """The largest first."""
        self.table.sorting = Sorting("size", True)

    async def show(self, location: Location) -> None:
        """Other rules, or another filter."""
        before = (self.older, self.keep)
        await super().show(location)
        if (self.older, self.keep) != before:
            self._again()

    async def hear(self, dirty: Dirty) -> None:
        """It is counted when one comes, and again when one asks."""
        if dirty.everything:
            self._again()

    def _again(self) -> None:
        self.run_worker(self._count(), exclusive=True, group="count", exit_on_error=True)

    async def _count(self) -> None:
        try:
            older = durations.parse(self.older)
        except ValueError as problem:
            self._fail(UsageError(str(problem)))
            return
        asked = {"name": self.name_, "older": older, "keep": words_of(self.keep)}
        try:
            async with aclosing(self.dashboard.services.items("compute", "room", **asked)) as stages:
                async for item in stages:
                    if "holdings" not in item:
                        told = f"counting: {item.get('done')} of {item.get('of')} runs"
                        self._detail.said = (f"{told}, {sizes.short(item.get('bytes'))}", "waiting")
                    else:
                        await self._counted(item)
        except WorkbenchError as problem:
            self._fail(problem)

    async def _counted(self, item: Mapping[str, Any]) -> None:
        self._held, self._plan = item["holdings"], item["plan"]
        self._runs = {run["id"]: run for run in self._held["runs"]}
        self._fates = look.fates(self._plan)
        await self._parts.say(self._held)
        self.fill()
        self.table.changed(self._runs)
        self._tell()
        self.dashboard.say_aside()

    def _fail(self, problem: WorkbenchError) -> None:
        self.table.empty = clean_name(problem.message, 400)
        self.table.replace([])
        self._detail.said = (clean_name(problem.hint or problem.message, 400), "bad")

    def _tell(self) -> None:
        if self._plan is None:
            return
        told = [look.plan_words(self._plan), look.kept_words(self._plan)]
        self._detail.said = ("; ".join(part for part in told if part), "dim")

    # The table

    def fill(self) -> None:
        """The runs that fit the filter."""
        if self._plan is None:
            return
        sorting = self.table.sorting or Sorting("size", True)
        runs = order(list(self._runs.values()), sorting.column, sorting.descending)
        self.table.empty = none_fits("No run is there", self.words) or NOTHING
        self.table.replace([run["id"] for run in runs if self.fits(f"{name(run)} {run.get('experiment')}")])

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A run's cells."""
        run = self._runs.get(key)
        return None if run is None else cells(run, self._fates.get(key, ("", "")))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.SortRequested)
    def _sort(self, event: messages.SortRequested) -> None:
        event.stop()
        self.table.sorting = Sorting(event.column, event.descending)
        self.fill()

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self.dashboard.say_aside()

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        experiment = self._runs[event.key].get("experiment")
        if not experiment or (self._plan or {}).get("stays", {}).get(event.key) == "not known here":
            self.app.notify("the run is of another workspace", severity="warning")
        else:
            await self.dashboard.visit(Location("runs", (str(experiment), event.key)))

    async def _filtered(self, text: str) -> None:
        await self._go(text=text.strip())
        self.fill()

    async def _go(self, **changes: str) -> None:
        options = {key: said for key, said in {**self.location.options, **changes}.items() if said}
        self.location = self.location._replace(options=options)
        self.moved(self.location)
        self.dashboard.say_aside()

    # Doing

    def chosen_id(self) -> str | None:
        """The run under the cursor."""
        return self.table.cursor

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine."""
        return ["ssh", self.name_], self.name_

    def command_line(self) -> str:
        """The command that shows the same."""
        keep = self.keep.replace(" ", "") or "none"
        return f"wb compute prune {clean_name(self.name_)} --older {self.older} --keep {keep} --dry-run"

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action == "room.prune":
            if self._plan is None:
                return "it is still counted"
            if not self._wanted()["remove"] and not self._wanted().get("blobs"):
                return "none of the marked may go" if self.table.marked else "nothing may go"
        return super().refusal(action)

    def _wanted(self) -> Mapping[str, Any]:
        plan = self._plan or {"remove": []}
        return look.narrowed(plan, list(self.table.marked)) if self.table.marked else plan

    async def do_room_folders(self) -> None:
        """The folder of ours there, in the file browser."""
        options = {"path": str(self._held["root"])} if self._held else {}
        await self.dashboard.visit(Location("compute", (self.name_, "files"), options))

    def do_room_again(self) -> None:
        """Count anew."""
        self._again()

    async def do_room_rules(self) -> None:
        """Ask what may go."""

        async def done(text: str) -> None:
            older, _, keep = text.strip().partition(" ")
            words = ",".join(words_of(keep.removeprefix("keep "))) or "none"
            await self._go(older=older or OLDER, keep=words)
            self._again()

        said = f"{self.older} keep {self.keep}"
        hint = "30d keep best,tagged,registered,archived; or keep none"
        await ask(self.dashboard, "older than", done, value=said, hint=hint)

    def do_room_prune(self) -> None:
        """Remove what may go, of the marked runs where some are marked."""

        async def work() -> None:
            try:
                if await removing.prune(self.dashboard, self.name_, self._wanted(), self._say):
                    self.table.unmark()
            except WorkbenchError as problem:
                self.dashboard.complain(problem)
            self._again()

        self.run_worker(work(), exclusive=True, group="prune", exit_on_error=True)

    def _say(self, told: str) -> None:
        self._detail.said = (told, "waiting")


def words_of(keep: str) -> list[str]:
    """The words of what is kept."""
    return [word for word in keep.replace(",", " ").split() if word != "none"]
