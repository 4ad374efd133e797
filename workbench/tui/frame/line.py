"""One line of the frame, drawn in one go: pieces from the left, pieces at the right end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from workbench.text.cells import cut, undisputed
from workbench.text.sanitize import plain
from workbench.tui.themes.palette import palette_of


class Piece(NamedTuple):
    """A text, its role in the palette, and the action a click does."""

    text: str
    role: str = "text"
    click: str = ""


class Line(Widget):
    """A line of pieces; `refresh()` draws it anew."""

    DEFAULT_CSS = "Line { height: 1; width: 100%; }"

    def left(self, cells: int) -> Sequence[Piece]:
        """The pieces at the left end, for a line of so many cells."""
        return ()

    def right(self, cells: int) -> Sequence[Piece]:
        """The pieces at the right end; where both do not fit, these give way."""
        return ()

    def render_line(self, y: int) -> Strip:
        """The line, exactly as wide as the widget."""
        cells = self.size.width
        base = self.rich_style
        pieces = laid_out(self.left(cells), self.right(cells), cells)
        return Strip([self._segment(piece, base) for piece in pieces], cells)

    def _segment(self, piece: Piece, base: Style) -> Segment:
        style = base + palette_of(self.app).style(piece.role)
        if piece.click:
            style += Style(meta={"@click": piece.click})
        return Segment(piece.text, style)


def laid_out(left: Sequence[Piece], right: Sequence[Piece], cells: int) -> list[Piece]:
    """The pieces of a line with what is between them: together exactly so many cells. Pure."""
    left, right = shortened(left, cells), _harmless(right)
    used, aside = _cells(left), _cells(right)
    if used + aside > cells:
        right, aside = [], 0
    return [*left, Piece(" " * (cells - used - aside), ""), *right]


def _harmless(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces as a terminal may have them: a location, with a filter in it, may come from anywhere."""
    return [piece._replace(text=undisputed(plain(piece.text))) for piece in pieces]


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)


def shortened(pieces: Sequence[Piece], cells: int) -> list[Piece]:
    """The first pieces that fit, made harmless; the one that does not is cut."""
    kept = []
    for piece in _harmless(pieces):
        need = cell_len(piece.text)
        if need > cells:
            if cells > 1:
                kept.append(piece._replace(text=cut(piece.text, cells)))
            break
        kept.append(piece)
        cells -= need
    return kept
