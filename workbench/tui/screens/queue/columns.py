"""The columns of a queue, and what stands in them. Pure: JSON of queue entries in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import queue as look

COLUMNS = (
    Column("state", "STATE", least=11, ideal=12, keep=95, sortable=False),
    Column("name", "NAME", least=12, ideal=16, most=30, keep=100, middle=True, sortable=False),
    Column("experiment", "EXP", least=6, ideal=10, most=18, keep=30, sortable=False),
    Column("by", "BY", least=6, ideal=10, most=20, keep=85, sortable=False),
    Column("gpus", "GPUS", right=True, least=4, ideal=4, keep=75, sortable=False),
    Column("priority", "PRIO", right=True, least=4, ideal=4, keep=50, sortable=False),
    Column("for", "FOR", right=True, least=4, ideal=4, keep=55, sortable=False, help="how long already"),
    Column("still", "STILL", right=True, least=5, ideal=6, keep=70, sortable=False, help="how long still"),
    Column("why", "WHY", least=24, ideal=40, rest=True, keep=80, sortable=False),
)


def columns(entries: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns for these entries: one that would say the same of all leaves its room to the reasons."""
    experiments = {entry["experiment"] for entry in entries if entry.get("experiment")}
    shown = {
        "experiment": len(experiments) > 1,
        "priority": any(entry.get("priority") for entry in entries),
    }
    return tuple(column._replace(shown=shown.get(column.id, True)) for column in COLUMNS)


def cells(entry: Mapping[str, Any], now: datetime, plain: bool) -> list[Cell]:
    """An entry's cells; those of others are quieter, since they cannot be changed here."""
    quiet = "" if entry.get("mine", True) else "quiet"
    state, who, why = look.state(entry, plain), look.who(entry), look.why(entry)
    gpus, priority = look.gpus(entry), entry.get("priority") or 0
    still = look.still(entry, plain)
    return [
        Cell(state.text, state.role, short=state.text[:1]),
        Cell(look.name(entry).text, quiet or "title"),
        Cell(clean_name(str(entry.get("experiment") or ""), 60), quiet or "dim"),
        Cell(who.text, quiet),
        Cell(gpus, quiet if gpus != "-" else "quiet"),
        Cell(str(priority) if priority else "-", quiet if priority else "quiet"),
        Cell(times.ago(times.parse(entry.get("since")), now), "quiet"),
        Cell(still, quiet if still != "-" else "quiet"),
        Cell(why.text, why.role or "waiting"),
    ]
