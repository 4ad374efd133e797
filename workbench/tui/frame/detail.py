"""What does not fit into a row: the whole of what is said of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from workbench.tui.frame.line import Line, Piece, shortened


class Detail(Line):
    """The line below a table; empty where there is nothing to add."""

    said: reactive[tuple[str, str]] = reactive(("", ""))
    """A text, cleaned, and its role."""

    def left(self, cells: int) -> Sequence[Piece]:
        """The text."""
        text, role = self.said
        return shortened([Piece("  "), Piece(text, role)], cells)
