"""The columns of a folder of a machine, and what stands in them. Pure: JSON of `files.list` in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import sizes
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import machine_files as look

COLUMNS = (
    Column("name", "NAME", least=16, ideal=32, most=80, keep=100, middle=True),
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=90, descending=True),
    Column("modified", "MODIFIED", least=8, ideal=12, keep=70, descending=True),
    Column("user", "USER", least=4, ideal=8, most=14, keep=40, sortable=False),
    Column("mode", "MODE", least=9, ideal=9, keep=30, sortable=False),
)
USE_COLUMNS = (
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=100, sortable=False),
    Column("part", "PART", right=True, least=4, ideal=4, keep=80, sortable=False),
    Column("bar", "", least=20, ideal=20, keep=60, sortable=False),
    Column("name", "NAME", least=16, ideal=32, rest=True, keep=90, middle=True, sortable=False),
)


def cells(entry: Mapping[str, Any], now: datetime) -> Sequence[Cell]:
    """The cells of one thing in a folder."""
    kind = entry["kind"]
    return [
        name(entry),
        Cell(look.size(entry), "" if kind == "file" else "quiet"),
        Cell(look.modified(entry, now), "quiet"),
        Cell(look.user(entry), "quiet"),
        Cell(look.mode(entry), "quiet"),
    ]


def name(entry: Mapping[str, Any]) -> Cell:
    """A name with a mark for what it is; a link says where it leads."""
    kind = str(entry["kind"])
    text = clean_name(str(entry["name"]), 1000)
    if kind == "dir":
        return Cell(text, "title", (Span("/", "dim"),))
    if kind == "link":
        role = "active" if entry.get("leads") else "bad"
        return Cell(text, role, (Span(f" → {clean_name(str(entry.get('target') or '?'), 1000)}", "dim"),))
    return Cell(text, "dim" if text.startswith(".") else "", (Span(look.MARKS.get(kind, ""), "warn"),))


def use_cells(entry: Mapping[str, Any], total: int, most: int, plain: bool) -> Sequence[Cell]:
    """The cells of what takes room; most: the bytes of the largest, whose bar is as wide as the column."""
    size = int(entry["bytes"])
    heavy = total and size * 2 >= total
    return [
        Cell(sizes.short(size)),
        Cell(look.share(size, total), "quiet"),
        Cell(look.bar(size, most, plain), "warn" if heavy else "active"),
        name({**entry, "target": None}) if entry["kind"] != "link" else Cell(clean_name(entry["name"], 1000)),
    ]


def folder_of(entry: Mapping[str, Any]) -> bool:
    """Whether it can be gone into."""
    return bool((entry.get("leads") or entry["kind"]) == "dir")


def file_of(entry: Mapping[str, Any]) -> bool:
    """Whether it can be read."""
    return bool((entry.get("leads") or entry["kind"]) == "file")
