"""Tags as one line that can be edited. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tag_line(tags: Mapping[str, Any]) -> str:
    """KEY=VALUE and KEY with spaces between; those with spaces in them are left out, and so left alone."""
    words = [str(key) if value is None else f"{key}={value}" for key, value in tags.items()]
    return " ".join(word for word in words if " " not in word)


def read_tags(line: str, now: Mapping[str, Any]) -> tuple[dict[str, str | None], list[str]]:
    """What a line of the tags there are now wants set, and which are gone from it."""
    wanted: dict[str, str | None] = {}
    for word in line.split():
        key, equals, value = word.partition("=")
        if key:
            wanted[key] = value if equals else None
    shown = {word.partition("=")[0] for word in tag_line(now).split()}
    return wanted, [key for key in shown if key not in wanted]
