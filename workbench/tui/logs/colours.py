"""Colours of programs in the colours of the theme: what they print stays readable on any background."""

from __future__ import annotations

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from workbench.text.sgr import Colour, Look
from workbench.tui.themes.palette import Palette

ROLES = ("", "bad", "good", "warn", "title", "waiting", "active", "text")
"""What stands for the eight colours of a terminal, but for black."""
GREY = 8
LEAST_CONTRAST = 3.0


class LogColours:
    """The styles of looks in one theme. ansi: the theme leaves colours to the terminal."""

    def __init__(self, palette: Palette, ground: Style, ansi: bool) -> None:
        self._palette = palette
        self._ground = ground
        self._ansi = ansi
        self._styles: dict[Look, Style] = {}

    def style(self, look: Look) -> Style:
        """How it is drawn."""
        found = self._styles.get(look)
        if found is None:
            if len(self._styles) > 4096:  # a rainbow of true colours must not fill the memory
                self._styles.clear()
            found = self._styles[look] = self._made(look)
        return found

    def _made(self, look: Look) -> Style:
        foreground, background = look.foreground, look.background
        if look.reverse and (foreground is not None or background is not None):
            foreground, background = background, foreground
        ground = self._colour(background) if background is not None else None
        colour = self._colour(foreground) if foreground is not None else None
        if ground is not None:
            colour = self._readable(colour or self._ground.color, ground)
        elif colour is not None and not (isinstance(foreground, int) and foreground < 16):
            colour = self._readable(colour, self._ground.bgcolor)
        bold = look.bold or (isinstance(foreground, int) and GREY < foreground < 16)
        return self._ground + Style(
            color=colour,
            bgcolor=ground,
            bold=bold or None,
            dim=(look.dim and not self._ansi) or None,
            italic=look.italic or None,
            underline=look.underline or None,
            strike=look.strike or None,
            reverse=(look.reverse and look.foreground is None and look.background is None) or None,
        )

    def _colour(self, colour: Colour) -> RichColor | None:
        if isinstance(colour, tuple):
            return RichColor.from_rgb(*colour)
        if colour is None:
            return None
        if self._ansi or colour >= 16:
            return RichColor.from_ansi(colour)
        if colour == GREY:
            return self._palette.style("dim").color
        if colour == 0:
            return self._ground.bgcolor
        return self._palette.style(ROLES[colour % 8]).color

    def _readable(self, colour: RichColor | None, ground: RichColor | None) -> RichColor | None:
        """colour, or black or white when it can hardly be told from the ground."""
        if colour is None or ground is None or self._ansi or colour.is_default or ground.is_default:
            return colour
        below, above = Color.from_rich_color(ground), Color.from_rich_color(colour)
        if _contrast(above, below) >= LEAST_CONTRAST:
            return colour
        towards = Color(255, 255, 255) if below.brightness < 0.5 else Color(0, 0, 0)
        for factor in (0.35, 0.6, 1.0):
            lifted = above.blend(towards, factor)
            if _contrast(lifted, below) >= LEAST_CONTRAST:
                break
        return lifted.rich_color


def _contrast(one: Color, other: Color) -> float:
    """The contrast of two colours as WCAG has it, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
