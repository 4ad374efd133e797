"""Who moved which alias of a model, when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.columns import MOVES, move_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views import models as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

EMPTY = "No alias was ever moved.   p promotes a version through the gate."


class ModelHistory(Vertical):
    """The moves, the newest first, and what the gate said of the one under the cursor."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._moves: dict[str, Mapping[str, Any]] = {}
        self.table = Table(self, MOVES, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """Moves come."""
        services = cast("Dashboard", self.app).services
        found = await services.call("models", "history", name=self._name)
        self._moves = {str(move["id"]): move for move in found}
        self.table.empty = EMPTY
        self.table.replace(list(self._moves))
        self._tell()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A move's cells."""
        move = self._moves.get(key)
        return None if move is None else move_cells(move, datetime.now(UTC))

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self._tell()

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        """What the gate said, whole."""
        event.stop()
        verdict = (self._moves.get(event.key) or {}).get("verdict")
        if verdict:
            from workbench.tui.dialogs.dialog import room_in
            from workbench.tui.dialogs.notice import Notice

            room = room_in(self.app.size.width)
            lines = "\n".join(cell.text for cell in look.verdict_lines(verdict, room)[:-1])
            self.app.push_screen(Notice("What the gate said then", lines))

    def _tell(self) -> None:
        move = self._moves.get(self.table.cursor or "") or {}
        verdict, why = move.get("verdict"), look.why(move)
        why = f"{why}   " if why else ""
        lines = (verdict or {}).get("lines") or []
        failed = [line for line in lines if not line["passed"]]
        if failed:
            _, rule, said = look.rule_line(failed[0])
            no = "the gate was not asked; it says no" if move.get("unjudged") else "the gate said no"
            self._detail.said = (f"{why}{no}: {rule} ({said})", "bad")
        elif lines:
            self._detail.said = (f"{why}all {len(lines)} rules fitted; enter shows them", "dim")
        else:
            self._detail.said = (why, "dim")
