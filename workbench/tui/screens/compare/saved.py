"""The page of saved comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.views import notes

EMPTY = "No comparison is saved.   space marks runs, c compares them, w keeps the comparison."
COLUMNS = (
    Column("name", "NAME", least=12, ideal=24, keep=100, middle=True, sortable=False),
    Column("runs", "RUNS", right=True, least=4, ideal=5, keep=80, sortable=False),
    Column("note", "NOTE", least=10, ideal=40, rest=True, keep=90, sortable=False),
)


class SavedPage(FilteredPage):
    """All comparisons of the workspace."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "saved")
    HINT = "words of a name or a note"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._kept: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, COLUMNS, frozen=1, empty="...")

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.table

    @property
    def aside(self) -> str:
        """The filter, and how many there are."""
        count = counted(len(self.table.keys), "comparison")
        return "   ".join(part for part in (f"/ {self.words}" if self.words else "", count) if part)

    async def hear(self, dirty: Dirty) -> None:
        """They come and go."""
        if not (dirty.everything or dirty.comparisons):
            return
        found = await self.dashboard.services.call("comparisons", "list")
        self._kept = {item["name"]: item for item in found}
        self.table.empty = EMPTY
        self.fill()
        self.table.changed(self._kept)
        self.dashboard.say_aside()

    def fill(self) -> None:
        """The ones that fit."""
        fit = [name for name, item in self._kept.items() if self.fits(f"{name} {item.get('note') or ''}")]
        self.table.replace(fit)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A comparison's cells."""
        item = self._kept.get(key)
        if item is None:
            return None
        gone = len(item.get("gone") or ())
        count = Cell(f"{len(item['runs']) - gone}/{len(item['runs'])}", "warn") if gone else None
        note = notes.gist(str(item.get("note") or ""))
        return [
            Cell(clean_name(key)),
            count or Cell(str(len(item["runs"]))),
            Cell(note or "-", "" if note else "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.dashboard.visit(Location("compare", (event.key,)))

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the one that was looked at."""
        if inside.path:
            self.table.go_to(inside.path[0])

    def chosen_id(self) -> str | None:
        """The name under the cursor."""
        return self.table.cursor

    def refusal(self, action: str) -> str | None:
        """Nothing can be forgotten without one."""
        if action.startswith("saved.") and self.table.cursor is None:
            return "there is no comparison under the cursor"
        return super().refusal(action)

    async def do_saved_remove(self) -> None:
        """Forget it; it can come back."""
        name = self.table.cursor or ""
        kept = self._kept[name]
        services = self.dashboard.services
        await services.call("comparisons", "remove", name=name)
        self.dashboard.tell(Dirty(comparisons={name}))
        self.app.notify(f"{clean_name(name)} is forgotten; z brings it back", timeout=4, markup=False)

        async def back() -> None:
            still = [run for run in kept["runs"] if run not in (kept.get("gone") or ())]
            await services.call("comparisons", "save", name=name, runs=still, note=kept.get("note"))
            self.dashboard.tell(Dirty(comparisons={name}))

        self.dashboard.undo.add(f"{clean_name(name)} forgotten", back)

    def command_line(self) -> str:
        """The command that lists them."""
        return "wb run comparisons"
