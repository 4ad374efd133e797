"""The styles widgets draw with: a role's meaning is fixed, its colours are the theme's.

Every theme variable is a colour of its own (`wb-good`, `wb-cursor-background`), so that stylesheets can use
it too; what makes a role bold or dim is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError

DEFAULTS: Mapping[str, str] = {
    "wb-text": "$foreground",
    "wb-quiet": "$foreground-muted",
    "wb-good": "$text-success",
    "wb-bad": "$text-error",
    "wb-warn": "$text-warning",
    "wb-active": "$text-accent",
    "wb-waiting": "$text-secondary",
    "wb-stale": "$foreground-disabled",
    "wb-title": "$text-primary",
    "wb-header": "$foreground-muted",
    "wb-key": "$text-primary",
    "wb-mark": "$text-warning",
    "wb-axis": "$foreground-muted",
    "wb-grid": "$foreground-disabled",
    "wb-gap": "$foreground-disabled",
    "wb-cursor": "$block-cursor-foreground",
    "wb-cursor-background": "$block-cursor-background",
    "wb-cursor-blurred-background": "$block-hover-background",
    "wb-match": "$foreground",
    "wb-match-background": "$warning-muted",
    "wb-match-current-background": "$warning",
    "wb-badge": "$foreground",
    "wb-badge-background": "$panel",
}
"""Our theme variables, by what Textual's own variables give when a theme does not say."""

SERIES = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#999999")
"""Colours of lines in charts when a theme has none: Okabe and Ito's, told apart by colour-blind readers."""
MARKS = ("●", "▲", "■", "◆", "▼", "○", "△", "□")
ASCII_MARKS = ("*", "+", "o", "x", "#", "%", "@", "&")


class _Role(NamedTuple):
    foreground: str
    background: str = ""
    bold: bool = False
    dim: bool = False
    reverse: bool = False


ROLES: Mapping[str, _Role] = {
    "text": _Role("wb-text"),
    "bold": _Role("wb-text", bold=True),
    "dim": _Role("wb-quiet"),
    "quiet": _Role("wb-quiet"),
    "title": _Role("wb-title", bold=True),
    "header": _Role("wb-header", bold=True),
    "cursor": _Role("wb-cursor", "wb-cursor-background"),
    "cursor-blurred": _Role("", "wb-cursor-blurred-background"),
    "tab": _Role("wb-title", "wb-cursor-blurred-background", bold=True),
    "mark": _Role("wb-mark", bold=True),
    "selected": _Role("wb-mark"),
    "waiting": _Role("wb-waiting"),
    "active": _Role("wb-active"),
    "good": _Role("wb-good"),
    "bad": _Role("wb-bad"),
    "warn": _Role("wb-warn"),
    "stale": _Role("wb-stale"),
    "match": _Role("wb-match", "wb-match-background"),
    "match-current": _Role("wb-match", "wb-match-current-background", bold=True),
    "axis": _Role("wb-axis"),
    "grid": _Role("wb-grid"),
    "gap": _Role("wb-gap"),
    "better": _Role("wb-good"),
    "worse": _Role("wb-bad"),
    "added": _Role("wb-good"),
    "removed": _Role("wb-bad"),
    "gpu-idle": _Role("wb-quiet"),
    "gpu-busy": _Role("wb-good"),
    "gpu-hot": _Role("wb-warn"),
    "gpu-dead": _Role("wb-bad"),
    "key": _Role("wb-key", bold=True),
    "crumb": _Role("wb-title"),
    "badge": _Role("wb-badge", "wb-badge-background"),
}


LOUD = frozenset({"bad", "warn", "worse", "gpu-dead", "gpu-hot"})
"""Roles that are SHOUTED where there are no colours: as a shade of grey red is dimmer than what is well."""
SHOUTED: dict[str, Any] = {"foreground": "wb-text", "bold": True}


class Palette:
    """The styles of one theme."""

    def __init__(
        self,
        colours: Mapping[str, str],
        *,
        series: tuple[str, ...] = SERIES,
        marks: tuple[str, ...] = MARKS,
        ascii: bool = False,
        colourless: bool = False,
    ) -> None:
        """colourless: NO_COLOR is set."""
        self.ascii = ascii
        """Whether symbols other than ASCII must not be used."""
        self.marks = ASCII_MARKS if ascii else marks
        """A mark for each line of a chart, for who cannot tell its colour."""
        self.series = tuple(Style(color=_rich(colour)) for colour in series)
        """A style for each line of a chart, repeated when there are more lines."""
        self._styles = {
            name: _style(role._replace(**SHOUTED) if colourless and name in LOUD else role, colours)
            for name, role in ROLES.items()
        }

    def style(self, role: str) -> Style:
        """The style of one of ROLES; the empty role is no style. Raises KeyError for any other name."""
        return self._styles[role] if role else Style.null()


def _style(role: _Role, colours: Mapping[str, str]) -> Style:
    return Style(
        color=_rich(colours.get(role.foreground, "")),
        bgcolor=_rich(colours.get(role.background, "")),
        bold=role.bold or None,
        dim=role.dim or None,
        reverse=role.reverse or None,
    )


def _rich(colour: str) -> Any:
    """A theme's colour as rich has it; None where it says none."""
    parsed = _parsed(colour)
    return None if parsed is None else parsed.rich_color


def _parsed(colour: str) -> Color | None:
    try:
        return Color.parse(colour) if colour else None
    except ColorParseError:
        return None


class Looks(NamedTuple):
    """What a theme chose that Textual has no place for; an app says it as `looks`."""

    series: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    ascii: bool = False


_held: WeakKeyDictionary[App[Any], tuple[Mapping[str, str], Palette]] = WeakKeyDictionary()


def palette_of(app: App[Any]) -> Palette:
    """The palette of the theme the app shows now; made once a theme.

    Textual makes its variables anew a moment after another theme was chosen, so those say when it is time.
    """
    variables = app.theme_variables
    held = _held.get(app)
    if held is None or held[0] is not variables:
        looks: Looks = getattr(app, "looks", None) or Looks()
        palette = Palette(
            _resolved(variables),
            series=looks.series or SERIES,
            marks=looks.marks or MARKS,
            ascii=looks.ascii,
            colourless=app.no_color,
        )
        held = (variables, palette)
        _held[app] = held
    return held[1]


def _resolved(variables: Mapping[str, str]) -> dict[str, str]:
    """Our variables with references to Textual's own replaced by what those are."""
    ground = _parsed(variables.get("background", ""))
    resolved = {}
    for name, default in DEFAULTS.items():
        value = variables.get(name, default)
        for _ in range(4):
            if not value.startswith("$"):
                break
            value = variables.get(value[1:], "")
        colour = _parsed(value)
        if colour is not None and ground is not None and 0 < colour.a < 1 and ground.ansi is None:
            value = (ground + colour).hex  # cells of a terminal cannot be seen through
        resolved[name] = value
    return resolved
