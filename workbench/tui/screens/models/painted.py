"""Lines that the views painted for a terminal, in the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from workbench.text.style import Look, pieces
from workbench.tui.themes.palette import palette_of
from workbench.views import models as look

MARGIN = 3
NARROWEST = 30


def look_of(widget: Widget) -> Look:
    """How lines for a widget are made."""
    return Look(max(NARROWEST, widget.size.width - MARGIN), True, palette_of(widget.app).ascii)


def painted(widget: Widget, lines: Sequence[str]) -> Text:
    """The lines with the theme's colours."""
    palette = palette_of(widget.app)
    said = Text()
    for line in lines:
        if palette.ascii:
            line = line.replace(look.PASSED, "+").replace(look.FAILED, "x")
        for text, role in pieces(line):
            said.append(text, palette.style(role or "text"))
        said.append("\n")
    return said
