"""The activity page: what takes long and how far it is, what went wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.text import times
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.text.states import ACTIVITY, look
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import none_fits
from workbench.tui.model.away import summary
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.tui.table.lines import Group
from workbench.tui.table.table import Table
from workbench.tui.themes.palette import palette_of
from workbench.views import runs as run_look

COLUMNS = (
    Column("state", "STATE", least=10, ideal=11, keep=95, sortable=False),
    Column("kind", "WHAT", least=7, ideal=10, most=14, keep=100, sortable=False),
    Column("subject", "OF", least=10, ideal=20, most=32, keep=90, middle=True, sortable=False),
    Column("age", "AGE", right=True, least=4, ideal=4, keep=70, sortable=False),
    Column("took", "TOOK", right=True, least=5, ideal=6, keep=50, sortable=False),
    Column("text", "", least=20, ideal=40, rest=True, keep=80, sortable=False),
)
LIMIT = 500
EMPTY = "Nothing takes long, and nothing went wrong."


class ActivityPage(FilteredPage):
    """The list of activities."""

    PLACES: ClassVar[tuple[str, ...]] = ("page",)
    HINT = "part of a name or a message"
    DEFAULT_CSS = "ActivityPage Table { height: 1fr; }"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._found: dict[str, Mapping[str, Any]] = {}
        self._names: dict[str, Mapping[str, Any]] = {}
        self._away: dict[str, Mapping[str, Any]] = {}
        self._heard = False
        self.table = Table(self, COLUMNS, frozen=2, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The table, and what its rows have no room for."""
        yield self.table
        yield self._detail

    def cells(self, key: str) -> Sequence[Cell] | None:
        """An activity's cells."""
        plain, now = palette_of(self.app).ascii, datetime.now(UTC)
        if key in self._away:
            return away_cells(self._away[key], now, plain)
        item = self._found.get(key)
        return None if item is None else cells(item, self._names, now, plain)

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """The newest are asked for whole; so are the names of their runs."""
        if not (dirty.everything or dirty.activities):
            return
        services = self.dashboard.services
        found = await services.call("activities", "list", limit=LIMIT)
        self._found = {item["id"]: item for item in found}
        runs = {item["subject"].rpartition("/")[2] for item in found if "/runs/" in item["subject"]}
        unknown = sorted(runs - self._names.keys())
        if unknown:
            rows = await services.call("runs", "table", ids=unknown, limit=LIMIT, archived=None, columns=[])
            self._names.update({row["id"]: row for row in rows["rows"]})
        self._heard = True
        self.fill()

    def fill(self) -> None:
        """The rows that fit the filter."""
        fit = [key for key, item in self._found.items() if self.fits(_searched(item, self._names))]
        self._away = {f"run {row['id']}": row for row in self.dashboard.away} if not self.words else {}
        groups = []
        if self._away:
            gone = Cell(summary(self.dashboard.away), "quiet")
            groups = [
                Group("/away", "While you were away", len(self._away), detail=(gone,)),
                Group("/activities", "Activities", len(fit)),
            ]
        if self._heard:
            self.table.empty = none_fits("Nothing", self.words) or EMPTY
        keys = [*self._away, *fit]
        self.table.replace(keys, groups)
        self.table.changed(keys)
        self._tell()

    @on(messages.CursorMoved)
    def _tell(self) -> None:
        """Say all of what went wrong with the one under the cursor."""
        item = self._found.get(self.table.cursor or "")
        said = Cell("") if item is None else _said(item, palette_of(self.app).ascii)
        self._detail.said = (said.text, said.role)

    @property
    def aside(self) -> str:
        """The filter, and how much goes on."""
        going = sum(item["state"] == "running" for item in self._found.values())
        said = (f"/ {self.words}" if self.words else "", f"{going} going on" if going else "")
        return "   ".join(part for part in said if part)

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key in self._away:
            row = self._away[event.key]
            await self.dashboard.visit(Location("runs", (row["experiment"], row["id"])))
            return
        item = self._found.get(event.key)
        if item is None:
            return
        parts = item["subject"].split("/")
        run = self._names.get(parts[-1])
        if parts[0] == "compute":
            await self.dashboard.visit(Location("compute", (parts[1],)))
        elif run is not None:
            await self.dashboard.visit(Location("runs", (run["experiment"], run["id"])))

    def chosen_id(self) -> str | None:
        """The activity under the cursor."""
        return self.table.cursor


def cells(
    item: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]], now: datetime, plain: bool
) -> list[Cell]:
    """An activity's cells; runs: rows by id, for their names."""
    state = look(ACTIVITY, clean_name(str(item.get("state", ""))))
    started, ended = times.parse(item.get("started")), times.parse(item.get("ended"))
    return [
        Cell(state.text(plain), state.role),
        Cell(clean_name(item["kind"])),
        Cell(_subject(item, runs), "title"),
        Cell(times.ago(started, now), "quiet"),
        Cell(times.took(started, ended, now)),
        _said(item, plain),
    ]


def away_cells(row: Mapping[str, Any], now: datetime, plain: bool) -> list[Cell]:
    """A run's that ended meanwhile."""
    state, note = run_look.state(row, plain), run_look.note(row, now)
    return [
        Cell(state.text, state.role),
        Cell("run"),
        Cell(clean_name(row["name"]), "title"),
        Cell(times.ago(times.parse(row.get("ended")), now), "quiet"),
        Cell(run_look.took(row, now)),
        Cell(note.text, note.role),
    ]


def _subject(item: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]]) -> str:
    last = str(item["subject"]).rpartition("/")[2]
    return clean_name(str(runs[last]["name"]) if last in runs else last)


def _said(item: Mapping[str, Any], plain: bool) -> Cell:
    """How far it is; or what went wrong and what to do about it."""
    if item.get("error"):
        arrow = " > " if plain else " → "
        hint = f"{arrow}{clean_name(str(item['hint']), 300)}" if item.get("hint") else ""
        return Cell(clean_name(str(item["error"]), 400) + hint, "bad")
    done, total = item.get("done"), item.get("total")
    if item.get("ended"):
        total = None  # how far it was when it last said so is of no use once it is done
    share = f"  {100 * done // total}%" if done is not None and total else ""
    return Cell(clean_name(str(item.get("text") or ""), 200) + share, "quiet" if item.get("ended") else "")


def _searched(item: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]]) -> str:
    return f"{item['kind']} {_subject(item, runs)} {item.get('text') or ''} {item.get('error') or ''}"
