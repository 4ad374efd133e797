"""The page of forwarded ports: where each leads, how it stands, and what goes through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.forwards import doing
from workbench.tui.screens.forwards.columns import COLUMNS, cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views import forwards as look

AGAIN = 2.0
"""Seconds between two looks at what goes through them, of which nobody tells."""
EMPTY = "No ports are forwarded.   a forwards one; B and J on a run open its TensorBoard and Jupyter."


class ForwardsPage(FilteredPage):
    """All forwards of the workspace."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "forwards")
    HINT = "a machine, a run, a port"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._forwards: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, COLUMNS, frozen=2, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The list, and what is wrong with the one under the cursor."""
        yield self.table
        yield self._detail

    @property
    def aside(self) -> str:
        """The filter, and how many there are."""
        count = counted(len(self.table.keys), "forward")
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", count) if part)

    def on_mount(self) -> None:
        """Look again and again while it is seen."""
        self.set_interval(AGAIN, self._again)

    def _again(self) -> None:
        if self.is_on_screen:
            self.run_worker(self._asked(), name="forwards", group="forwards", exclusive=True)

    async def _asked(self) -> None:
        try:
            await self.ask()
        except WorkbenchError:
            return  # the header tells of a server that is gone

    async def hear(self, dirty: Dirty) -> None:
        """They come and go."""
        if dirty.everything or dirty.forwards:
            await self.ask()

    async def ask(self) -> None:
        """Ask for all of them. Raises WorkbenchError."""
        found = await self.dashboard.services.call("forwards", "list")
        before, self._forwards = self._forwards, {str(forward["local"]): forward for forward in found}
        self.table.empty = EMPTY
        self.fill()
        self.table.changed(key for key in self._forwards if self._forwards[key] != before.get(key))
        self.dashboard.say_aside()

    def fill(self) -> None:
        """The ones that fit."""
        self.table.replace([key for key, forward in self._forwards.items() if self.fits(_said(forward))])
        self._tell()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A forward's cells, for the table."""
        forward = self._forwards.get(key)
        return None if forward is None else cells(forward)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    def _tell(self) -> None:
        chosen = self._chosen()
        problem = look.problem(chosen) if chosen is not None else Cell("")
        self._detail.said = (problem.text, problem.role)

    def _chosen(self) -> Mapping[str, Any] | None:
        return self._forwards.get(self.table.cursor or "")

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        self.do_forwards_open()

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()

    # Doing

    def chosen_id(self) -> str | None:
        """The URL under the cursor: what one wants to have elsewhere."""
        chosen = self._chosen()
        return None if chosen is None else str(chosen.get("url") or "")

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine it leads to."""
        chosen = self._chosen()
        return None if chosen is None else (["ssh", str(chosen["target"])], str(chosen["target"]))

    def command_line(self) -> str:
        """The command that shows the same."""
        return "wb compute forwards"

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action in ("forwards.open", "forwards.close") and self._chosen() is None:
            return "there is no forward under the cursor"
        return super().refusal(action)

    def do_forwards_open(self) -> None:
        """Its page."""
        if (chosen := self._chosen()) is not None:
            doing.show(self.dashboard, chosen)

    async def do_forwards_add(self) -> None:
        """Another one, to the same machine as the one under the cursor unless one says otherwise."""
        await doing.add(self.dashboard, str((self._chosen() or {}).get("target") or ""))

    async def do_forwards_close(self) -> None:
        """Close the one under the cursor."""
        if (chosen := self._chosen()) is not None:
            await doing.close(self.dashboard, chosen)


def _said(forward: Mapping[str, Any]) -> str:
    keys = ("local", "target", "host", "port", "run_name", "run", "tool", "state", "problem")
    return " ".join(str(forward.get(key) or "") for key in keys)
