"""One machine's page: what it does now, its runs, what it did, who waits there, how it is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.machines import Looking
from workbench.tui.model.run_list import RunQuery
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.compute import doing
from workbench.tui.screens.machine.doctor import Doctor
from workbench.tui.screens.machine.facts import Facts
from workbench.tui.screens.machine.history import MachineHistory
from workbench.tui.screens.machine.live import Live
from workbench.tui.screens.queue.listing import QueueListing
from workbench.tui.screens.queue.page import runs_of
from workbench.tui.screens.runs.acting import RunActions
from workbench.tui.screens.runs.listing import RunListing
from workbench.views import fleet

COMMANDS = {"doctor": "doctor", "live": "top"}


class MachinePage(RunActions, TabbedPage):
    """A machine."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "runs", "machine")
    LACKS: ClassVar[frozenset[str]] = frozenset({"runs.note", "runs.children"})
    TABS = (
        ("live", "Live"),
        ("runs", "Runs"),
        ("history", "History"),
        ("queue", "Queue"),
        ("facts", "Facts"),
        ("doctor", "Doctor"),
    )

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        make: dict[str, Callable[[str], Widget]] = {
            "live": Live,
            "runs": MachineRuns,
            "history": MachineHistory,
            "queue": QueueListing,
            "facts": Facts,
            "doctor": Doctor,
        }
        return make[tab](self.name_)

    @property
    def looking(self) -> Looking | None:
        """Closely while its figures are seen; for what it did, once a second does."""
        how = {"live": "closely", "history": "visible"}.get(self.tab)
        return Looking(how, (self.name_,)) if how else None

    @property
    def name_(self) -> str:
        """The machine's name."""
        return self.location.path[0]

    @property
    def at_target(self) -> str | None:
        """Where a new run from here goes."""
        return self.name_

    @property
    def aside(self) -> str:
        """A word on what is seen."""
        seen = self.seen
        if isinstance(seen, MachineRuns):
            return seen.listing.count
        if isinstance(seen, QueueListing):
            return seen.count
        if isinstance(seen, MachineHistory):
            return seen.words
        row = self.dashboard.machines.row(self.name_)
        return "" if row is None or not row.gpus else fleet.summary(fleet.totals([row])).partition("   ")[2]

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The runs chosen in the tab that is seen."""
        seen = self.seen
        if isinstance(seen, MachineRuns):
            return seen.listing.chosen()
        if isinstance(seen, QueueListing):
            return runs_of(seen)
        return seen.chosen_runs() if isinstance(seen, Live) else []

    async def gathered_runs(self) -> list[Mapping[str, Any]]:
        """As `chosen_runs`, with those of which no row is here yet. Raises WorkbenchError."""
        seen = self.seen
        return await seen.listing.gathered() if isinstance(seen, MachineRuns) else self.chosen_runs()

    def chosen_id(self) -> str | None:
        """The doctor's commands; the run under the cursor; else the machine."""
        if isinstance(self.seen, Doctor) and self.seen.fixes:
            return "\n".join(self.seen.fixes)
        runs = self.chosen_runs()
        return str(runs[0]["id"]) if runs else self.name_

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine."""
        return ["ssh", self.name_], self.name_

    def command_line(self) -> str:
        """The command that shows the same."""
        if self.tab == "queue":
            return f"wb queue {self.name_}"
        return f"wb compute {COMMANDS.get(self.tab, 'show')} {self.name_}"

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())

    def do_machine_login(self) -> None:
        """Sign in."""
        self.run_worker(doing.login(self.dashboard, self.name_), group="attach", exit_on_error=True)

    async def do_machine_doctor(self) -> None:
        """Look again, whatever was found before."""
        await self.choose("doctor")

    def do_machine_power(self) -> None:
        """Start, stop or restart it."""
        work = doing.power(self.dashboard, self.name_)
        self.run_worker(work, name="power", group="power", exit_on_error=True)

    def do_machine_cordon(self) -> None:
        """Take it out of service, or back."""
        from workbench.tui.screens.compute.cordoning import cordon

        work = cordon(self.dashboard, self.name_)
        self.run_worker(work, name="cordon", group="cordon", exit_on_error=True)

    async def do_machine_files(self) -> None:
        """Look through its files."""
        await self.dashboard.visit(Location("compute", (self.name_, "files")))

    async def do_machine_room(self) -> None:
        """What runs keep there."""
        await self.dashboard.visit(Location("compute", (self.name_, "room")))

    async def do_machine_edit(self) -> None:
        """Its settings."""
        from workbench.tui.screens.compute.settings import edit

        await edit(self.dashboard, self.name_)

    def do_machine_detach(self) -> None:
        """Forget it, after a yes."""

        async def work() -> None:
            target = await self.dashboard.services.call("compute", "get", name=self.name_)
            if await doing.detach(self.dashboard, target):
                await self.dashboard.do_app_compute()

        self.run_worker(work(), group="attach", exit_on_error=True)


class MachineRuns(Vertical):
    """All runs of a machine."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        empty = f"Nothing ran on {clean_name(target, 40)} yet.   R sends a command."
        self.listing = RunListing(empty=empty, memory="machine")

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.listing

    async def hear(self, dirty: Dirty) -> None:
        """The list hears."""
        if self.listing.runs.loaded:
            await self.listing.hear(dirty)
        else:
            await self.listing.show(RunQuery(None, (("target", self._target),)))
