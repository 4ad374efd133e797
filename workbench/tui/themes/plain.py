"""How widgets look where nothing but ASCII can be drawn: what is Textual's own follows, too."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender

CLASS = "-plain"
CSS = """
.-plain Dialog > #box, .-plain KeysScreen > Vertical { border: ascii $primary; }
.-plain Toast { border-left: none; }
.-plain OptionList { text-overflow: clip; }
.-plain CommandPalette #--input { border: ascii $primary; }
.-plain CommandPalette #--results, .-plain CommandPalette CommandList { border: none; }
.-plain SearchIcon, .-plain LoadingIndicator { display: none; }
"""
"""For an app that has CLASS while that is so."""


class WholeCells(ScrollBarRender):
    """A scroll bar that ends at a cell, not within one."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * len(ScrollBarRender.VERTICAL_BARS)
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * len(ScrollBarRender.HORIZONTAL_BARS)


def draw_scroll_bars(plain: bool) -> None:
    """Choose how scroll bars are drawn, all of them."""
    ScrollBar.renderer = WholeCells if plain else ScrollBarRender
