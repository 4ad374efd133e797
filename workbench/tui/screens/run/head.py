"""A run in a line: its state, where, for how long, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from textual.reactive import reactive

from workbench.text.sanitize import clean_name
from workbench.text.states import ACTIVE_RUN
from workbench.tui.frame.line import Line, Piece, shortened
from workbench.tui.themes.palette import palette_of
from workbench.views import runs as look


class RunHead(Line):
    """The line below the breadcrumbs of a run's page."""

    run_: reactive[Mapping[str, Any] | None] = reactive(None)

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def on_mount(self) -> None:
        """Durations move."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.run_ is not None and self.run_["status"] in ACTIVE_RUN and self.is_on_screen:
            self.refresh()

    def say(self, words: str) -> None:
        """Something else than a run."""
        self._said = words
        self.refresh()

    def left(self, cells: int) -> Sequence[Piece]:
        """The pieces, as many as fit."""
        run = self.run_
        if run is None:
            return [Piece(f" {clean_name(self._said, 200)}", "bad" if self._said else "text")]
        now = datetime.now(UTC)
        state = look.state(run, palette_of(self.app).ascii)
        pieces = [Piece(f" {state.text}", state.role), Piece(f"  {clean_name(run['name'])}", "bold")]
        pieces.append(Piece(f"  on {clean_name(run['target'])}", "dim"))
        if run.get("gpus"):
            pieces.append(Piece(f"  GPU {look.gpus(run)}", "dim"))
        if run.get("started"):
            pieces.append(Piece(f"  {look.took(run, now)}", "text"))
        if run.get("attempt", 1) != 1:
            pieces.append(Piece(f"  attempt {run['attempt']}", "dim"))
        note = look.note(run, now)
        if note.text and run["status"] != "Completed":
            pieces.append(Piece(f"  {note.text}", note.role or "waiting"))
        return shortened(pieces, cells)
