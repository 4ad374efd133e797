"""Reading a theme file: every mistake named with its line, nothing guessed. Pure but for `Color.parse`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import Theme

from workbench.errors import ConfigurationError
from workbench.tui.themes.palette import DEFAULTS

SCHEMA = 1
COLORS = (
    *("primary", "secondary", "warning", "error", "success", "accent"),
    *("foreground", "background", "surface", "panel", "boost"),
)
"""Textual's."""
ANSI = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"}
"""What Textual's stylesheets want of a theme of the terminal's own colours."""
STYLES = frozenset(["none", "not", "bold", "dim", "italic", "underline", "reverse", "strike", "b", "i", "u"])
TOP = {
    *("schema", "name", "title", "author", "dark", "ansi"),
    *("colors", "roles", "variables", "series", "symbols"),
}
HINT = "see docs/themes.md for what a theme holds"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LINES = 6
"""Fewer colours than so many for lines of a chart will not do."""


class ThemeFile(NamedTuple):
    """A theme and what Textual's has no place for."""

    theme: Theme
    title: str
    series: tuple[str, ...]
    """Colours of lines in charts; empty: the usual ones."""
    marks: tuple[str, ...]
    ascii: bool


def read_theme(text: str, place: str) -> ThemeFile:
    """The theme a TOML text describes; place names it in errors.

    Raises ConfigurationError with a line for each mistake: place:line: what is wrong.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(problem))
        words = str(problem)[: at.start()] if at else str(problem)
        line = (at.group(1) if at else None) or max(1, len(text.splitlines()))
        raise ConfigurationError(f"{place}:{line}: {words}", HINT) from problem
    wrong = _Mistakes(text, place)
    for key in table.keys() - TOP:
        wrong.add("", key, f"there is no key {key}")
    if table.get("schema") != SCHEMA:
        wrong.add("", "schema", f"schema = {SCHEMA} is wanted")
    name = table.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wrong.add("", "name", "name is lower case letters, digits and dashes")
    colors = _colours(table, "colors", set(COLORS), wrong)
    roles = _colours(table, "roles", {role.removeprefix("wb-") for role in DEFAULTS}, wrong)
    variables = _colours(table, "variables", None, wrong)
    if "primary" not in _table(table, "colors", None, wrong):
        wrong.add("colors", "", "primary is wanted")
    series, marks = _series(table, wrong)
    symbols = _table(table, "symbols", {"ascii"}, wrong)
    wrong.raise_any()
    ansi = bool(table.get("ansi", False))
    theme = Theme(
        str(name),
        dark=bool(table.get("dark", True)),
        ansi=ansi,
        variables={
            **(ANSI if ansi else {}),
            **variables,
            **{f"wb-{role}": colour for role, colour in roles.items()},
        },
        primary=colors["primary"],
        secondary=colors.get("secondary"),
        warning=colors.get("warning"),
        error=colors.get("error"),
        success=colors.get("success"),
        accent=colors.get("accent"),
        foreground=colors.get("foreground"),
        background=colors.get("background"),
        surface=colors.get("surface"),
        panel=colors.get("panel"),
        boost=colors.get("boost"),
    )
    title = str(table.get("title") or name)
    return ThemeFile(theme, title, series, marks, bool(symbols.get("ascii", False)))


class _Mistakes:
    """What is wrong in a file, each with the line it stands in."""

    def __init__(self, text: str, place: str) -> None:
        self._lines = text.splitlines()
        self._place = place
        self._found: list[str] = []

    def add(self, table: str, key: str, words: str) -> None:
        self._found.append(f"{self._place}:{self._line(table, key)}: {words}")

    def _line(self, table: str, key: str) -> int:
        """The line a key of a table stands in; the table's own, or the first, where it is not there."""
        inside, fallback = not table, 1
        for number, line in enumerate(self._lines, 1):
            head = re.match(r"\s*\[([^\]]*)\]", line)
            if head:
                inside = head.group(1).strip() == table
                fallback = number if inside else fallback
            elif inside and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return number
        return fallback

    def raise_any(self) -> None:
        if self._found:
            raise ConfigurationError("\n".join(self._found), HINT)


def _table(table: Mapping[str, Any], name: str, known: set[str] | None, wrong: _Mistakes) -> dict[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, dict):
        wrong.add("", name, f"{name} is a table: [{name}]")
        return {}
    for key in found.keys() - known if known is not None else ():
        wrong.add(name, key, f"[{name}] has no {key}")
    return found


def _colours(table: Mapping[str, Any], name: str, known: set[str] | None, wrong: _Mistakes) -> dict[str, str]:
    good = {}
    for key, value in _table(table, name, known, wrong).items():
        why = _not_a_style(value) if key.endswith("-style") else _not_a_colour(value)
        if why:
            wrong.add(name, key, f"{key}: {why}")
        elif known is None or key in known:
            good[key] = value
    return good


def _series(table: Mapping[str, Any], wrong: _Mistakes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = _table(table, "series", {"palette", "marks"}, wrong)
    palette, marks = found.get("palette", []), found.get("marks", [])
    if not isinstance(palette, list) or (palette and len(palette) < LINES):
        wrong.add("series", "palette", f"palette is a list of at least {LINES} colours")
        palette = []
    for value in palette:
        why = _not_a_colour(value)
        if why:
            wrong.add("series", "palette", f"palette: {why}")
    if not isinstance(marks, list) or not all(isinstance(mark, str) and len(mark) == 1 for mark in marks):
        wrong.add("series", "marks", "marks is a list of single characters")
        marks = []
    return tuple(map(str, palette)), tuple(marks)


def _not_a_style(value: Any) -> str:
    fits = isinstance(value, str) and value and set(value.split()) <= STYLES
    return "" if fits else "a style is words such as bold, dim, none"


def _not_a_colour(value: Any) -> str:
    if not isinstance(value, str):
        return "a colour is a text such as #7aa7f7 or ansi_blue"
    try:
        Color.parse(value)
    except ColorParseError:
        return f"{value[:40]!r} is no colour; write one like #7aa7f7 or ansi_blue"
    return ""
