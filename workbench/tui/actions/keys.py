"""How keys are written for people. Pure."""

from __future__ import annotations

_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "number_sign": "#",
    "full_stop": ".",
    "asterisk": "*",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "semicolon": ";",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "delete": "del",
}
_ASCII = {"↓": "down", "↑": "up", "←": "left", "→": "right"}


def shown(key: str, ascii_only: bool = False) -> str:
    """One of Textual's key names as it is written in the footer and the docs: "ctrl+p" is ^p."""
    *held, last = key.split("+") if key != "+" else ["+"]
    name = _NAMES.get(last, last)
    if ascii_only:
        name = _ASCII.get(name, name)
    return "".join("^" if one == "ctrl" else f"{one}+" for one in held) + name


def all_shown(keys: str, ascii_only: bool = False) -> str:
    """Every key of an action, the first one first: "↓ j"."""
    return " ".join(shown(key, ascii_only) for key in keys.split(","))
