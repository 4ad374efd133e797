"""Which columns are shown, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.dialogs.dialog import Dialog
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import WIDEST, Column, chosen, name_of, read_choice, write_choice
from workbench.tui.table.listing import Listing
from workbench.tui.themes.palette import palette_of

SAID = "space shows or hides, K and J move, < and > change the width, / finds, 0 is as usual"


class ColumnChooser(Dialog[tuple[tuple[str, ...] | None]]):
    """One line a column, in the order of the table; those not shown stand last.

    The answer is a tuple of one, so that the usual columns (None) are no refusal to choose.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("dialog", "columns")
    TITLE_WORDS = "Columns"
    DO = "show"
    DEFAULT_CSS = """
    ColumnChooser Listing { margin: 1 0 0 0; background: $surface; }
    ColumnChooser Input { display: none; margin: 1 0 0 0; }
    """

    def __init__(self, columns: Sequence[Column], choice: Sequence[str] | None) -> None:
        super().__init__(said=SAID)
        self._columns = tuple(columns)
        self._by_id = {column.id: column for column in columns}
        self._shown: list[str] = []
        self._others: list[str] = []
        self._widths: dict[str, int] = {}
        self._words: list[str] = []
        self._set(choice)
        self.listing = Listing(
            self,
            [
                Column("shown", "", least=1, ideal=1),
                Column("name", "", least=8, ideal=24),
                Column("width", "", least=3, ideal=8, right=True),
                Column("help", "", least=4, rest=True),
            ],
            frozen=2,
        )

    def content(self) -> ComposeResult:
        """The columns, and a line to find some: a run may have thousands of metrics."""
        yield OpeningLine(placeholder="part of a name")
        yield self.listing

    def on_resize(self) -> None:
        """As high as there are columns, up to half the screen; a frame does not see what is only clipped."""
        self.listing.styles.height = min(len(self._columns), max(3, self.size.height // 2))

    def on_mount(self) -> None:
        """List them."""
        super().on_mount()
        self.listing.replace(self._listed)
        self.listing.focus()

    def answer(self) -> tuple[tuple[str, ...] | None]:
        """These, in this order."""
        usual = [self._columns[index].id for index in chosen(self._columns, None)]
        choice = write_choice(self._shown, self._widths)
        return (None if choice == tuple(usual) else choice,)

    def want(self, keys: Sequence[str]) -> None:
        """Everything is there."""

    def cells(self, key: str) -> Sequence[Cell]:
        """Whether it is shown, its name and what it is."""
        column = self._by_id[key]
        sign = ("x" if palette_of(self.app).ascii else "✔") if key in self._shown else ""
        width = f"{self._widths[key]} cells" if key in self._widths else ""
        name, help = Cell(name_of(column), "" if sign else "dim"), Cell(column.help, "dim")
        return Cell(sign, "good"), name, Cell(width, "quiet"), help

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        key = self.listing.cursor
        if action == "columns.toggle" and self._shown == [key]:
            return "One column has to stay."
        if action in ("columns.earlier", "columns.later") and key not in self._shown:
            return "Only columns that are shown have an order; space shows this one."
        return super().refusal(action)

    def do_columns_toggle(self) -> None:
        """Show it, after the others; or leave it out."""
        key = self.listing.cursor
        if key in self._shown:
            self._shown.remove(key)
            self._others.insert(0, key)
        elif key is not None:
            self._others.remove(key)
            self._shown.append(key)
        self._renew()

    def do_columns_earlier(self) -> None:
        """One place towards the first."""
        self._shift(-1)

    def do_columns_later(self) -> None:
        """One place towards the last."""
        self._shift(1)

    def do_columns_narrower(self) -> None:
        """A cell less for it."""
        self._resize(-1)

    def do_columns_wider(self) -> None:
        """A cell more for it."""
        self._resize(1)

    def do_columns_filter(self) -> None:
        """The line to type into; Enter goes back to the list."""
        line = self.query_one(Input)
        line.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """List what has the words."""
        event.stop()
        self._words = event.value.lower().split()
        self.listing.replace(self._listed)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """On to the list."""
        event.stop()
        self.query_one(Input).display = bool(self._words)
        self.listing.focus()

    def do_columns_usual(self) -> None:
        """Forget the choice."""
        self._set(None)
        self._renew()

    def on_table_opened(self, event: messages.Opened) -> None:
        """Enter is done."""
        event.stop()
        self.go_on()

    def _resize(self, by: int) -> None:
        key = self.listing.cursor
        if key is not None:
            before = self._widths.get(key, self._by_id[key].ideal)
            self._widths[key] = max(1, min(before + by, WIDEST))
            self.listing.changed([key])

    def _set(self, choice: Sequence[str] | None) -> None:
        self._widths = {id: width for id, width in read_choice(choice).items() if width is not None}
        self._shown = [self._columns[index].id for index in chosen(self._columns, choice)]
        self._others = [column.id for column in self._columns if column.id not in self._shown]

    def _shift(self, by: int) -> None:
        key = self.listing.cursor
        if key in self._shown:
            place = self._shown.index(key)
            self._shown.insert(max(0, place + by), self._shown.pop(place))
            self._renew()

    @property
    def _listed(self) -> list[str]:
        """Those that fit what was typed, the shown ones first."""
        return [key for key in (*self._shown, *self._others) if self._fits(self._by_id[key])]

    def _fits(self, column: Column) -> bool:
        name = f"{name_of(column)} {column.id} {column.help}".lower()
        return all(word in name for word in self._words)

    def _renew(self) -> None:
        self.listing.replace(self._listed)
        self.listing.changed(self._by_id)
