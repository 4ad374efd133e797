"""What a table's columns hold, as a run counted it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import NotFound
from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.columns import PROFILE, profile_cells
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

NO_TABLE = "A dataset of files has no columns to profile."


class DatasetProfile(Vertical):
    """A line a column, and which run counted."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._known = known
        self._columns: Sequence[Mapping[str, Any]] = ()
        self.table = Table(self, PROFILE, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """A profile is asked for, made, made anew."""
        version = self._known()
        if version is None:
            return
        named = f"{version['name']}:{version['version']}"
        self._columns = ()
        if version["kind"] != "tabular":
            self._say(NO_TABLE, "")
            return
        try:
            found = await cast("Dashboard", self.app).services.call("datasets", "profile", dataset=named)
        except NotFound:
            self._say(f"No profile yet.   P has a run make one where it lies.\n\nwb data profile {named}", "")
            return
        run, status = clean_name(str(found["run"]), 40), clean_name(str(found.get("status") or "removed"))
        self._columns = found.get("columns") or ()
        if not self._columns:
            self._say(f"The run that makes it is {status.lower()}: {run}", "")
            return
        when = times.ago(times.parse(found.get("made")), datetime.now(UTC))
        ago = when if when == "now" else f"{when} ago"
        self._say("", f"made {ago} by the run {run}   ~ estimated")

    def _say(self, empty: str, detail: str) -> None:
        self.table.empty = empty
        keys = [str(number) for number in range(len(self._columns))]
        self.table.replace(keys)
        self.table.changed(keys)
        self._detail.said = (detail, "dim")

    def cells(self, key: str) -> Sequence[Cell] | None:
        """What is known of a column."""
        return profile_cells(self._columns[int(key)]) if int(key) < len(self._columns) else None

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""
