"""How files of a machine look. Pure: JSON of `files.list` and `files.usage` in, cells out."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell

BAR = 20
MARKS = {"dir": "/", "link": "@", "pipe": "|", "socket": "=", "device": "%"}


def name(entry: Mapping[str, Any]) -> Cell:
    """Its name with a mark for what it is, and where a link leads."""
    kind = str(entry["kind"])
    text = clean_name(str(entry["name"]), 1000) + MARKS.get(kind, "")
    if kind == "link":
        text += f" -> {clean_name(str(entry.get('target') or '?'), 1000)}"
        return Cell(text, "active" if entry.get("leads") else "bad")
    return Cell(text, "bold" if kind == "dir" else "" if kind == "file" else "warn")


def size(entry: Mapping[str, Any]) -> str:
    """How long a file is; "-" for everything else."""
    return sizes.short(entry["size"]) if entry["kind"] == "file" else "-"


def mode(entry: Mapping[str, Any]) -> str:
    """Its permissions as ls writes them, without the kind."""
    found = entry.get("mode")
    return stat.filemode(found)[1:] if isinstance(found, int) else "-"


def modified(entry: Mapping[str, Any], now: datetime) -> str:
    """When it was written last, as this side's clock would say it."""
    return times.local(times.parse(entry.get("modified")), now)


def user(entry: Mapping[str, Any]) -> str:
    """Whose it is."""
    return clean_name(str(entry.get("user") or "-"), 64)


def share(part: int, total: int) -> str:
    """A part of a whole in percent; "-" without a whole."""
    return f"{100 * part / total:.0f}%" if total else "-"


def bar(part: int, total: int, plain: bool, cells: int = BAR) -> str:
    """A part of a whole as a bar."""
    filled = round(cells * part / total) if total else 0
    return ("#" if plain else "▇") * filled


def use_notes(use: Mapping[str, Any]) -> list[str]:
    """What a count of a folder does not say: other disks, folders that could not be read."""
    notes = []
    if use.get("elsewhere"):
        one = use["elsewhere"] == 1
        lie = "lies on another disk and is" if one else "lie on other disks and are"
        notes.append(f"{counted(use['elsewhere'], 'thing')} in it {lie} not counted")
    if use.get("unread"):
        named = ", ".join(clean_name(str(path), 200) for path in (use.get("unreadable") or [])[:3])
        notes.append(f"{counted(use['unread'], 'folder')} could not be read: {named}")
    return notes
