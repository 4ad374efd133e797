"""What a terminal can be expected to draw, by what the environment says of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_ASCII_FONTS = frozenset({"linux"})
"""Terminals whose fonts have neither ticks nor braille, whatever their encoding."""
_MANY_COLOURS = frozenset({"256color", "kitty", "direct"})


def is_browser(environ: Mapping[str, str]) -> bool:
    """Whether textual-serve draws it in a browser: the terminal it was started in says nothing then."""
    return environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def draws_ascii_alone(environ: Mapping[str, str]) -> bool:
    """Whether other signs than ASCII would come out as something else.

    The locale names the terminal's encoding: C, POSIX and names with another one than UTF-8. Without any
    locale nothing is known, and terminals of today draw UTF-8.
    """
    if is_browser(environ):
        return False
    if environ.get("TERM") in _ASCII_FONTS:
        return True
    said = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), None)
    if said is None:
        return False
    _, _, encoding = said.partition("@")[0].partition(".")
    return encoding.lower().replace("-", "") != "utf8"


def has_few_colours(environ: Mapping[str, str]) -> bool:
    """Whether colours have to be chosen among the terminal's own sixteen."""
    kind = environ.get("TERM", "")
    if not kind or is_browser(environ) or environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return False
    return kind.rpartition("-")[2] not in _MANY_COLOURS
