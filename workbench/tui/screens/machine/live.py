"""A machine as it is now: itself in a line, its GPUs a line each, who computes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import NotFound, WorkbenchError
from workbench.text.location import Location
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell as Told
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.machine import gpu_columns, process_columns
from workbench.tui.screens.machine.host_line import NEW_LINE, HostLine
from workbench.tui.screens.machine.lists import Linked, Unfolding
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.themes.palette import palette_of
from workbench.views import fleet, hosts, processes
from workbench.views import gpus as look
from workbench.views.gpus import Gpu

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LATELY, STEPS = 300.0, 60
"""Seconds of the small pictures, and the figures in one."""
AGAIN = 5.0
"""Seconds between two looks at what the pictures show."""
MOST_WRONG = 3
"""Sentences of what is wrong; a fourth would take the processes their room."""
NOBODY = "Nobody computes here.   R sends a command."


class Live(Acting, Vertical):
    """What a machine does, as often as it can be read."""

    PLACES: ClassVar[tuple[str, ...]] = ("processes",)
    DEFAULT_CSS = """
    Live #gpus { height: auto; margin: 1 0 0 0; }
    Live #processes { height: 1fr; margin: 1 0 0 0; }
    .-short Live #gpus, .-short Live #processes { margin: 0; }
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._machine = name
        self._target: Mapping[str, Any] = {}
        self._gpus: dict[str, tuple[int, Gpu]] = {}
        self._rows: dict[str, processes.Row] = {}
        self._trails: Mapping[str, Sequence[float | None]] = {}
        self._runs: dict[str, Mapping[str, Any]] = {}
        self._unfolded: set[str] = set()
        self.asked_to_end: set[str] = set()
        """Processes that were asked to end and were still there."""
        self._host = HostLine()
        self.gpus = Linked(_Gpus(self), gpu_columns.COLUMNS, frozen=1, empty="...", id="gpus")
        self.processes = Unfolding(
            _Processes(self), process_columns.COLUMNS, frozen=1, empty="...", id="processes"
        )
        self.gpus.below, self.processes.above = self.processes, self.gpus
        self.processes.unfolding = self._unfold
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """From the whole to its parts."""
        yield self._host
        yield self.gpus
        yield self.processes
        yield self._detail

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    @property
    def view(self) -> Mapping[str, Any]:
        """The machine as it is watched; empty before it was."""
        return self.dashboard.machines.views.get(self._machine) or {}

    def on_mount(self) -> None:
        """What was chosen before; the pictures move by themselves."""
        memory = self.dashboard.memory
        self.gpus.choice, self.processes.choice = memory.get("columns gpus"), memory.get("columns processes")
        self.set_interval(AGAIN, self._look_back)

    # News

    async def hear(self, dirty: Dirty) -> None:
        """Figures come by themselves; that there is such a machine is asked once."""
        if dirty.everything or self._machine in dirty.targets:
            try:
                self._target = await self.dashboard.services.call("compute", "get", name=self._machine)
            except NotFound as problem:
                self._host.said = (("", Told(clean_name(in_words(problem), 300), "bad")),)
                self.gpus.display = self.processes.display = False
                return
            await self._learn()
        elif dirty.runs & set(self.view.get("runs") or ()):
            await self._learn()
        self._show()

    async def _learn(self) -> None:
        """What is known of the runs here, and what was before one looked."""
        services = self.dashboard.services
        ids = sorted(self.view.get("runs") or ())
        if ids:
            found = await services.call("runs", "table", ids=ids, limit=len(ids), archived=None, columns=[])
            self._runs = {row["id"]: row for row in found["rows"]}
        await self._remember()

    def _look_back(self) -> None:
        if self.is_on_screen and self.view.get("sample"):
            self.run_worker(self._learnt(), name="trails", group="trails", exclusive=True, exit_on_error=True)

    async def _learnt(self) -> None:
        try:
            await self._learn()
        except WorkbenchError:
            return  # the pictures stand still; the header tells of a server that is gone
        self._show()

    async def _remember(self) -> None:
        names = [f"gpu:{uuid}:utilisation" for uuid in self._gpus or self._known()]
        found = await self.dashboard.services.call(
            "compute", "history", name=self._machine, series=["cpu", *names], seconds=LATELY, points=STEPS
        )
        self._trails = {
            name: [finite(value) for value in values] for name, values in (found.get("series") or {}).items()
        }

    def _known(self) -> list[str]:
        return [gpu.uuid for gpu in look.gpus_of(self.view)]

    # Drawing

    def _show(self) -> None:
        """Draw what is other than before."""
        view = self.view
        sample = view.get("sample")
        stale = self.stale
        gpus = look.gpus_of(view)
        self._gpus = {gpu.uuid: (place, gpu) for place, gpu in enumerate(gpus)}
        self._rows = {row.key: row for row in processes.rows(view, self._unfolded)}
        self._host.said = tuple(self._facts())
        self._host.stale = stale
        hidden = not self.processes.display
        self.gpus.display, self.processes.display = bool(gpus), bool(sample)
        if hidden and sample:
            self.call_after_refresh(self._take_focus)
        self._fit()
        self.gpus.replace(list(self._gpus))
        self.processes.empty = NOBODY
        self.processes.replace(list(self._rows))
        self.gpus.grown_older()
        self.processes.grown_older()
        self._tell()

    def _take_focus(self) -> None:
        """The focus, where the page has kept it since there was nothing that could take it."""
        page = self.dashboard.page
        if page is not None and self.app.focused is page:
            page.focus_content()

    def _fit(self) -> None:
        """As many lines as there are GPUs, within half of the room."""
        high = min(len(self._gpus) + 1, max(4, self.size.height // 2))
        if self.gpus.styles.height is None or self.gpus.styles.height.value != high:
            self.gpus.styles.height = high

    def on_resize(self) -> None:
        """Half of the room is another, and so are the columns."""
        wanted = gpu_columns.columns(self.size.width)
        if wanted != self.gpus.columns:
            self.gpus.columns = wanted
        if self._gpus:
            self._fit()

    def _facts(self) -> list[tuple[str, Told]]:
        plain, now = palette_of(self.app).ascii, datetime.now(UTC)
        age = self.dashboard.machines.age(self._machine)
        row = fleet.row(self._target or {"name": self._machine}, self.view or None)
        state = fleet.state(row, self._target, plain)
        said = hosts.facts(self.view, plain, self._trails.get("cpu", ()))
        if row.state == "up" and said and said[0][0] == "up":  # it is up, and for so long
            state = Told(f"{state.text} {said.pop(0)[1].text}", state.role)
        said.insert(0, ("", state))
        for wrong in fleet.problems(self._target, self.view or None, age, now)[:MOST_WRONG]:
            what = fleet.advice(self.view, wrong.text)
            said.append((NEW_LINE, Told(f"{wrong.text}   {what}".rstrip(), wrong.role)))
        return said

    @property
    def stale(self) -> bool:
        """Whether all that is shown is old."""
        return self.view.get("freshness") in fleet.STALE

    def gpu_cells(self, key: str) -> Sequence[Cell] | None:
        """A GPU's cells."""
        found = self._gpus.get(key)
        if found is None:
            return None
        place, gpu = found
        trail = self._trails.get(f"gpu:{key}:utilisation", ())
        plain = palette_of(self.app).ascii
        room = next(column.ideal for column in self.gpus.columns if column.id == "trail")
        return gpu_columns.cells(gpu, place, self.view, trail, room, datetime.now(UTC), plain, self.stale)

    def process_cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        row = self._rows.get(key)
        if row is None:
            return None
        run, plain = self._runs.get(row.run or ""), palette_of(self.app).ascii
        return process_columns.cells(row, run, key in self._unfolded, plain, self.stale)

    def _unfold(self, key: str, show: bool) -> bool:
        row = self._rows.get(key)
        if row is not None and row.within and not show:
            key = row.within
            self.processes.go_to(key)
        elif row is None or row.procs < 2 or (key in self._unfolded) is show:
            return False
        (self._unfolded.add if show else self._unfolded.discard)(key)
        self._show()
        return True

    def _tell(self) -> None:
        """All of what stands in the row under the cursor, or what limits the view."""
        said: tuple[str, str] = ("", "")
        if self._at_gpus and self.gpus.cursor in self._gpus:
            said = gpu_columns.sentence(self._gpus[self.gpus.cursor or ""][1], self.view)
        elif self.row is not None:
            said = (self.row.command, "dim")
        note = clean_name(str((self.view.get("sample") or {}).get("note") or ""), 300)
        self._detail.said = said if said[0] or not note else (note, "warn")

    # What is chosen

    @property
    def _at_gpus(self) -> bool:
        """Whether the list of GPUs has the focus; by the screen, which knows before the list does."""
        return self.screen.focused is self.gpus

    @property
    def row(self) -> processes.Row | None:
        """The row under the cursor of the processes, while they have the focus."""
        return None if self._at_gpus else self._rows.get(self.processes.cursor or "")

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The run behind the process, or on the GPU, under the cursor."""
        if self._at_gpus:
            ids: Sequence[str] = (
                self._gpus[self.gpus.cursor][1].runs if self.gpus.cursor in self._gpus else ()
            )
        else:
            ids = [self.row.run] if self.row is not None and self.row.run else []
        return [run for run in map(self._run, ids) if run is not None]

    def _run(self, run: str) -> Mapping[str, Any] | None:
        known = (self.view.get("runs") or {}).get(run)
        if run in self._runs:
            return self._runs[run]
        return {"id": run, "target": self._machine, **known} if known else None

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        runs = self.chosen_runs()
        if runs:
            await self.dashboard.visit(Location("runs", (runs[0]["experiment"], runs[0]["id"])))
        elif event.key in self._rows and self._unfold(event.key, event.key not in self._unfolded):
            return
        else:
            self.app.notify("no run of this workspace is there to open", timeout=3)

    def on_descendant_focus(self) -> None:
        """The cursor of the other list counts."""
        self._tell()

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()
        self.dashboard.say_aside()

    @on(messages.ColumnsChanged)
    def _chosen_columns(self, event: messages.ColumnsChanged) -> None:
        event.stop()
        name = "gpus" if event.control is self.gpus else "processes"
        self.dashboard.memory.keep(f"columns {name}", None if event.choice is None else list(event.choice))

    # Doing

    def refusal(self, action: str) -> str | None:
        """Why an action on a process cannot be done now."""
        if action == "processes.logs" and not self.chosen_runs():
            return "no run of this workspace is under the cursor"
        if action == "processes.end":
            from workbench.tui.screens.machine.ending import why_not

            return why_not(self.row)
        return super().refusal(action)

    async def do_processes_logs(self) -> None:
        """The log of the run behind the process."""
        run = self.chosen_runs()[0]
        await self.dashboard.visit(Location("runs", (run["experiment"], run["id"]), {"tab": "logs"}))

    def do_processes_end(self) -> None:
        """End the process under the cursor, after a yes."""
        from workbench.tui.screens.machine.ending import end

        assert self.row is not None
        work = end(self.dashboard, self._machine, self.row, self.asked_to_end)
        self.run_worker(work, name="end process", group="doing", exit_on_error=True)


class _Gpus:
    """The rows of the list of GPUs."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def cells(self, key: str) -> Sequence[Cell] | None:
        return self._live.gpu_cells(key)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""


class _Processes:
    """The rows of the list of processes."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def cells(self, key: str) -> Sequence[Cell] | None:
        return self._live.process_cells(key)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""
