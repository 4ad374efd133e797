"""A shelf that is one list of named things, all of them here, with a line about the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.places.shelf import ShelfPage
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column


class NamedListPage(ShelfPage):
    """Things by their names; a row opens the place of that name below this one."""

    THING: ClassVar[str]
    """What one of them is called."""
    COLUMNS: ClassVar[Sequence[Column]]
    EMPTY: ClassVar[str]
    """What is said where there are none."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.named: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, self.COLUMNS, frozen=1, empty="...")
        self.detail = Detail()

    def compose(self) -> ComposeResult:
        """Tabs, the list, what a row has no room for."""
        yield from self.head()
        yield self.table
        yield self.detail

    @property
    def aside(self) -> str:
        """The filter, and how many there are."""
        return self.words_aside(counted(len(self.table.keys), self.THING))

    def take(self, found: Iterable[Mapping[str, Any]]) -> None:
        """Show these, whatever there was."""
        self.named = {str(one["name"]): one for one in found}
        self.fill()
        self.table.changed(self.named)
        self.tell()
        self.dashboard.say_aside()

    def fill(self) -> None:
        """The ones that fit."""
        self.table.empty = none_fits(f"No {self.THING}", self.words) or self.EMPTY
        self.table.replace([name for name, one in self.named.items() if self.fits(self.said(one))])

    def said(self, one: Mapping[str, Any]) -> str:
        """The text that a filter looks through."""
        raise NotImplementedError

    def cells(self, key: str) -> Sequence[Cell] | None:
        """The cells of one; None where it is gone."""
        raise NotImplementedError

    def tell(self) -> None:
        """Say in the line below what its row has no room for."""
        raise NotImplementedError

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the one that was looked at."""
        if inside.path:
            self.table.go_to(inside.path[0].partition(":")[0])

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self.tell()

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location(self.location.noun, (event.key,)))
