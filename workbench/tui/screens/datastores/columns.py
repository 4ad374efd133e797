"""The columns of datastores and of what is in one, and what stands there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from workbench.text import sizes, times
from workbench.text.sanitize import clean_name
from workbench.text.states import Look
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import data as look
from workbench.views.runs import mapping

Json = Mapping[str, Any]
DATASTORES = (
    Column("name", "NAME", least=20, ideal=22, most=40, keep=100, middle=True, sortable=False),
    Column("kind", "KIND", least=7, ideal=7, keep=80, sortable=False),
    Column("state", "STATE", least=12, ideal=12, most=20, keep=95, sortable=False),
    Column("place", "PLACE", least=16, ideal=30, rest=True, keep=90, middle=True, sortable=False),
    Column("access", "ACCESS", least=9, ideal=9, keep=60, sortable=False),
    Column("secret", "SECRET", least=6, ideal=12, most=24, keep=50, middle=True, sortable=False),
    Column("tags", "TAGS", least=8, ideal=12, most=24, keep=40, sortable=False),
    Column("age", "AGE", right=True, least=4, ideal=5, keep=45, sortable=False),
)
ITEMS = (
    Column("name", "NAME", least=20, ideal=40, rest=True, keep=100, middle=True, sortable=False),
    Column("size", "SIZE", right=True, least=8, ideal=10, keep=90, sortable=False),
    Column("modified", "MODIFIED", least=8, ideal=16, keep=60, sortable=False),
)
STATES = {
    "answers": Look("◆", "*", "answers", "good"),
    "silent": Look("✖", "!", "silent", "bad"),
    "looking": Look("◌", "o", "looking", "waiting"),
    "unknown": Look("○", ".", "not looked", "quiet"),
}


class Answer(NamedTuple):
    """How a datastore answered when somebody looked."""

    state: str = "unknown"
    """One of STATES."""
    said: str = ""
    """What is in it, or why it does not answer."""


def datastore_cells(datastore: Json, answer: Answer, now: datetime, plain: bool) -> list[Cell]:
    """A datastore's cells. plain: signs of ASCII alone."""
    shown = STATES[answer.state]
    secret, tags = clean_name(str(datastore.get("secret") or "")), mapping(datastore.get("tags"))
    default = (Span(" *", "mark"),) if datastore.get("default") else ()
    return [
        Cell(clean_name(str(datastore["name"]), 128), "title", default),
        Cell(look.KIND.get(str(datastore["kind"]), "?"), "quiet"),
        Cell(shown.text(plain), shown.role, short=shown.ascii if plain else shown.glyph),
        Cell(look.place(datastore)),
        Cell("read only", "warn") if datastore.get("read_only") else Cell("writable", "quiet"),
        Cell(secret or "-", "" if secret else "quiet"),
        Cell(tags or "-", "dim" if tags else "quiet"),
        Cell(times.ago(times.parse(datastore.get("created")), now), "quiet"),
    ]


def item_cells(name: str, item: Json | None, now: datetime) -> list[Cell]:
    """A file's cells, or a folder's, which is no item."""
    if item is None:
        return [
            Cell(clean_name(name, 1000), "title" if name != ".." else "quiet"),
            Cell("-", "quiet"),
            Cell(""),
        ]
    return [
        Cell(clean_name(name, 1000)),
        Cell(sizes.short(item.get("size"))),
        Cell(times.local(times.parse(item.get("modified")), now), "quiet"),
    ]
