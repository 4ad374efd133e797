"""The tabs of a page: one line, the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from workbench.tui.frame.line import Line, Piece


class Tabs(Line):
    """Titles in a line; a click goes to the tab."""

    chosen: reactive[str] = reactive("")

    def __init__(self, titles: Sequence[tuple[str, str]], action: str) -> None:
        """titles: id and title of each. action: what a click does, called with the id."""
        super().__init__()
        self.titles = list(titles)
        self._action = action

    def left(self, cells: int) -> Sequence[Piece]:
        """The titles."""
        pieces = [Piece(" ")]
        for id, title in self.titles:
            here = id == self.chosen
            pieces.append(Piece(f" {title} ", "tab" if here else "dim", f"{self._action}('{id}')"))
            pieces.append(Piece(" "))
        return pieces
