"""Where a run would start at once: a free GPU is a place to submit to."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from workbench.tui.frame.line import Line, Piece, shortened
from workbench.tui.themes.palette import palette_of


class FreeLine(Line):
    """The line below the fleet: GPUs that are free now, by kind and machine."""

    free: reactive[tuple[tuple[str, str], ...]] = reactive(())
    """How many of which kind, and where."""

    def left(self, cells: int) -> Sequence[Piece]:
        """Kinds and places."""
        if not self.free:
            return []
        dot = "  |  " if palette_of(self.app).ascii else "  ·  "
        pieces = [Piece("  Free now: ", "dim")]
        for number, (kind, where) in enumerate(self.free):
            pieces += [Piece(dot, "dim")] if number else []
            pieces += [Piece(kind, "good"), Piece(f" {where}")]
        return shortened(pieces, cells)
