"""Changing one key in the settings file, which people write too: all else stays as it was. Pure."""

from __future__ import annotations

import re
import tomllib

from workbench.errors import ConfigurationError

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")


def with_key(text: str, action: str, keys: str | None) -> str:
    """The settings with an action's keys changed, or back to the usual ones (None).

    Raises ConfigurationError when the text is no TOML, or keeps its keys in a way one cannot change here.
    """
    wanted = _keys(text)
    lines = text.splitlines()
    start, stop = _section(lines)
    line = f'"{action}" = "{keys}"'
    own = re.compile(rf"\s*\"?{re.escape(action)}\"?\s*=")
    at = next((number for number in range(start, stop) if own.match(lines[number])), None)
    if at is not None:
        lines[at : at + 1] = [] if keys is None else [line]
    elif keys is not None and start == stop == len(lines):
        lines += ["", "[keys]", line] if lines else ["[keys]", line]
    elif keys is not None:
        lines.insert(start, line)
    changed = "\n".join(lines) + "\n"
    wanted.pop(action, None)
    if keys is not None:
        wanted[action] = keys
    try:
        right = _keys(changed) == wanted
    except ConfigurationError:
        right = False
    if not right:
        raise ConfigurationError("the settings file keeps its keys in a way of its own", "edit it: [keys]")
    return changed


def _keys(text: str) -> dict[str, object]:
    try:
        found = tomllib.loads(text).get("keys") or {}
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"the settings file: {problem}", "mend it first") from problem
    return dict(found) if isinstance(found, dict) else {}


def _section(lines: list[str]) -> tuple[int, int]:
    """The lines below [keys], as a range; the end of the file twice where there is no such table."""
    start = None
    for number, line in enumerate(lines):
        head = _TABLE.match(line)
        if head and start is not None:
            return start, number
        if head and head.group(1).strip() == "keys":
            start = number + 1
    return (len(lines), len(lines)) if start is None else (start, len(lines))
