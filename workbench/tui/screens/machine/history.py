"""What a machine did in the last minutes or hours: all figures small, one of them large."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.text.x_axes import TIME
from workbench.tui.actions.acting import Acting
from workbench.tui.chart.large_chart import Chart
from workbench.tui.chart.small_multiples import SmallMultiples
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.machine_curves import SPANS, MachineCurves

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

AGAIN = 2.0
"""Seconds between two looks at what came since, where seconds are shown; minutes are looked at seldom."""
SELDOM = 15
WORDS = ("the last 10 minutes", "the last 12 hours")


class MachineHistory(Acting, Vertical):
    """Charts of what a machine did; gaps are when nothing was heard of it."""

    PLACES: ClassVar[tuple[str, ...]] = ("history",)
    DEFAULT_CSS = """
    MachineHistory Chart { display: none; padding: 0 1; }
    MachineHistory.-large SmallMultiples { display: none; }
    MachineHistory.-large Chart { display: block; }
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._machine = name
        self._ticks = 0
        self._shown = ""

    def compose(self) -> ComposeResult:
        """Both; one of them is seen."""
        machines = self.dashboard.machines
        self._curves = MachineCurves(
            self.dashboard.services, self._machine, lambda: machines.views.get(self._machine) or {}
        )
        empty = "Nothing was measured yet."
        yield SmallMultiples(self._curves, x_axes=(TIME,), empty=empty)
        yield Chart(self._curves.figure(""), x_axes=(TIME,), empty=empty)

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    @property
    def words(self) -> str:
        """How far back one looks."""
        return WORDS[SPANS.index(self._curves.seconds)]

    def on_mount(self) -> None:
        """Time goes on."""
        self.set_interval(AGAIN, self._tick)

    def _tick(self) -> None:
        self._ticks += 1
        if self.is_on_screen and (self._curves.seconds == SPANS[0] or self._ticks % SELDOM == 0):
            self._changed()

    def _changed(self) -> None:
        for widget in (
            self.query_one(Chart) if self.has_class("-large") else self.query_one(SmallMultiples),
        ):
            widget.changed()

    async def hear(self, dirty: Dirty) -> None:
        """Which GPUs there are is known with the machine's first figures."""
        if dirty.everything or (self._machine in dirty.watched and not await self._complete()):
            self._changed()

    async def _complete(self) -> bool:
        return set(await self._curves.names()) <= set(self.query_one(SmallMultiples).matching())

    def on_small_multiples_opened(self, message: SmallMultiples.Opened) -> None:
        """Show one large."""
        message.stop()
        self._shown = message.name
        self._show_large()
        self.add_class("-large")
        self.query_one(Chart).focus()

    def _show_large(self) -> None:
        title = f"{self._shown}, {self.words}"
        self.query_one(Chart).show(self._curves.figure(self._shown), title)

    def do_history_span(self) -> None:
        """Minutes, or hours."""
        self._curves.seconds = SPANS[(SPANS.index(self._curves.seconds) + 1) % len(SPANS)]
        if self.has_class("-large"):
            self._show_large()
        self.query_one(SmallMultiples).changed()
        self.dashboard.say_aside()

    def step_out(self) -> bool:
        """From the large chart back to all."""
        if self.has_class("-large"):
            self.remove_class("-large")
            self.query_one(SmallMultiples).focus()
            return True
        return False
