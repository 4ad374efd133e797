"""What NO_COLOR asks for: shades of grey; no colour at all where a theme leaves them to the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor


class Colourless(LineFilter):
    """Takes the colours from lines. Textual asks for the theme once, when the app has none yet."""

    def __init__(self, app: App[Any]) -> None:
        super().__init__()
        self._app, self._grey, self._bare = app, Monochrome(), NoColor()

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The line as the theme that is worn allows: the terminal's own colours have no shade we know."""
        chosen = self._bare if self._app.native_ansi_color else self._grey
        return chosen.apply(segments, background)


def obey(app: App[Any], environ: Mapping[str, str]) -> None:
    """Have an app draw without colours where NO_COLOR is set, and not where it is empty."""
    app.no_color = bool(environ.get("NO_COLOR"))
    others = [item for item in app._filters if not isinstance(item, Monochrome | NoColor)]
    app._filters = [*others, Colourless(app)] if app.no_color else others
