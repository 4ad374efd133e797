"""One machine's page: what it has, its runs, its doctor's findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from workbench.errors import NotFound
from workbench.text.cells import width
from workbench.text.sanitize import clean
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_list import RunQuery
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.compute import doing
from workbench.tui.screens.machine.doctor import Doctor
from workbench.tui.screens.runs.acting import RunActions
from workbench.tui.screens.runs.listing import RunListing
from workbench.tui.themes.palette import Palette, palette_of
from workbench.views.machines import card

ROLES = frozenset({"good", "bad", "warn", "quiet", "waiting", "active"})


class MachinePage(RunActions, TabbedPage):
    """A machine."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "runs", "machine")
    LACKS: ClassVar[frozenset[str]] = frozenset({"runs.note"})
    TABS = (("overview", "Overview"), ("doctor", "Doctor"))

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        return Doctor(self.name_) if tab == "doctor" else Overview(self.name_)

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
        """How many runs it has seen."""
        overview = self._overview()
        return overview.listing.count if overview is not None else ""

    def _overview(self) -> Overview | None:
        return next(iter(self.query(Overview)), None)

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The runs chosen in the overview."""
        overview = self._overview()
        return overview.listing.chosen() if overview is not None and self.tab == "overview" else []

    def chosen_id(self) -> str | None:
        """The run under the cursor, else the machine."""
        overview = self._overview()
        cursor = overview.listing.table.cursor if overview is not None and self.tab == "overview" else None
        return cursor or self.name_

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine."""
        return ["ssh", self.name_], self.name_

    def command_line(self) -> str:
        """The command that shows the same."""
        return f"wb compute {'doctor' if self.tab == 'doctor' else 'show'} {self.name_}"

    def do_machine_login(self) -> None:
        """Sign in."""
        self.run_worker(doing.login(self.dashboard, self.name_), group="attach", exit_on_error=True)

    async def do_machine_doctor(self) -> None:
        """Look again, whatever was found before."""
        await self.choose("doctor")

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


class Overview(Vertical):
    """What a machine has, above its runs."""

    DEFAULT_CSS = """
    Overview Reading { height: auto; max-height: 50%; padding: 0 1; margin: 1 0; }
    Overview #runs { height: 1fr; }
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._known: list[Fact] = []
        self.listing = RunListing(empty="Nothing ran here yet.   R sends a command.", memory="machine")

    def compose(self) -> ComposeResult:
        """Facts, then runs."""
        yield Reading()
        with Vertical(id="runs"):
            yield self.listing

    async def hear(self, dirty: Dirty) -> None:
        """Both hear."""
        if dirty.everything or self._target in dirty.targets:
            await self._facts()
        if self.listing.runs.loaded:
            await self.listing.hear(dirty)
        else:
            await self.listing.show(RunQuery(None, (("target", self._target),)))

    async def _facts(self) -> None:
        services = self.listing.dashboard.services
        try:
            target = await services.call("compute", "get", name=self._target)
        except NotFound as problem:
            self.query_one(Reading).say(Text(clean(problem.message)))
            return
        palette = palette_of(self.app)
        facts = []
        for name, item in card(target, datetime.now(UTC), palette.ascii):
            text, role = (item, "") if isinstance(item, str) else (item.text, item.role)
            lines = text.split("\n") if text and name != "name" else []
            role = role if role in ROLES else "text"
            facts += [Fact(name if not number else "", line, role) for number, line in enumerate(lines)]
        self.query_one(Reading).can_focus = False
        self._known = facts
        self._say()

    def on_resize(self) -> None:
        """Facts stand in as many columns as fit."""
        self._say()

    def _say(self) -> None:
        if self.size.width and self._known:
            self.query_one(Reading).say(written(self._known, self.size.width - 2, palette_of(self.app)))


class Fact(NamedTuple):
    """A line of a machine's card."""

    name: str
    text: str
    role: str


def written(facts: Sequence[Fact], cells: int, palette: Palette) -> Text:
    """Facts below each other; short ones in two columns where there is room, so that few lines say all."""
    left = max([width(fact.name) for fact in facts], default=0)
    half = cells // 2
    said, open_ = Text(no_wrap=True, overflow="ellipsis"), False
    for fact in facts:
        need = left + 2 + width(fact.text)
        if said and not (open_ and need <= half):
            said.append("\n")
            open_ = False
        said.append(f"{fact.name:>{left}}  ", palette.style("quiet"))
        said.append(fact.text, palette.style(fact.role))
        open_ = not open_ and half >= 36 and need < half
        if open_:
            said.append(" " * (half - need))
    return said
