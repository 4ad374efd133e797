"""The tour's line, above the footer."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.tui.frame.line import Line, Piece, shortened
from workbench.tui.tour.steps import Seen, Tour


class TourLine(Line):
    """What to do next."""

    DEFAULT_CSS = "TourLine { background: $primary 25%; }"

    def __init__(self, tour: Tour) -> None:
        super().__init__()
        self._tour = tour

    def look(self, seen: Seen) -> None:
        """Take in what is shown."""
        if self._tour.look(seen):
            self.refresh()

    def left(self, cells: int) -> Sequence[Piece]:
        """The step."""
        return shortened([Piece(f" {self._tour.count}  ", "mark"), Piece(self._tour.words, "bold")], cells)

    def right(self, cells: int) -> Sequence[Piece]:
        """What becomes of it all."""
        return [Piece("ctrl+q leaves; all of this goes with it ", "dim")] if cells > 118 else []
