"""Pieces as strips: the palette's styles, with what is dimmed blended into the ground."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from workbench.text.cells import cut, width
from workbench.text.pieces import BEHIND, BRIGHT, DIM, Piece
from workbench.tui.chart.legend import HIDDEN
from workbench.tui.themes.palette import Palette

_STRENGTH = {DIM: 0.6, BEHIND: 0.35}
"""How much of its colour a series keeps over the ground when it does not stand out."""


class Painter:
    """Styles of pieces under one palette on one ground, each made once."""

    def __init__(self, palette: Palette, ground: Style) -> None:
        self.palette, self.ground = palette, ground
        self._styles: dict[tuple[str, int, int], Style] = {}

    def strip(self, line: Sequence[Piece], cells: int) -> Strip:
        """A line as a strip that fills so many cells."""
        segments = [Segment(piece.text, self._style(piece)) for piece in line if piece.text]
        return Strip(segments).adjust_cell_length(cells, self.ground)

    def centred(self, text: str, cells: int) -> Strip:
        """A dim text in the middle of so many cells."""
        shown = cut(text, cells, ellipsis="~" if self.palette.ascii else "…")
        return self.strip([Piece(" " * ((cells - width(shown)) // 2)), Piece(shown, "dim")], cells)

    def _style(self, piece: Piece) -> Style:
        look = (piece.role, piece.series, piece.stress)
        style = self._styles.get(look)
        if style is None:
            style = self._styles[look] = self.ground + self._made(piece)
        return style

    def _made(self, piece: Piece) -> Style:
        if piece.series >= 0:
            style = self.palette.series[piece.series % len(self.palette.series)]
            return style + Style(bold=True) if piece.stress == BRIGHT else self._dimmed(style, piece.stress)
        if piece.role == HIDDEN:
            return self.palette.style("stale") + Style(strike=True)
        return self.palette.style(piece.role)

    def _dimmed(self, style: Style, stress: int) -> Style:
        """Blended where both colours are known, else as dim as the terminal makes it."""
        ground = self.ground.bgcolor
        if style.color is None or ground is None or not (style.color.triplet and ground.triplet):
            return style + Style(dim=True)
        mixed = Color.from_rich_color(ground).blend(Color.from_rich_color(style.color), _STRENGTH[stress])
        return style + Style(color=mixed.rich_color)
