"""The columns of forwarded ports, and what stands in them. Pure: JSON in, cells out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import forwards as look

COLUMNS = (
    Column("state", "STATE", least=8, ideal=9, keep=95, sortable=False),
    Column("local", "LOCAL", right=True, least=5, ideal=5, keep=100, sortable=False),
    Column("leads", "LEADS TO", least=14, ideal=24, most=40, keep=98, middle=True, sortable=False),
    Column("run", "RUN", least=12, ideal=16, most=30, keep=60, middle=True, sortable=False),
    Column("now", "NOW", right=True, least=3, ideal=4, keep=50, sortable=False, help="connections open now"),
    Column("served", "ALL", right=True, least=3, ideal=5, keep=40, sortable=False, help="connections so far"),
    Column("url", "URL", least=24, ideal=40, rest=True, keep=30, sortable=False),
)


def cells(forward: Mapping[str, Any]) -> list[Cell]:
    """A forward's cells."""
    state = look.state(forward)
    open_now = int(forward.get("connections") or 0)
    return [
        Cell(state.text, state.role),
        Cell(str(forward["local"]), "title"),
        Cell(look.leads_to(forward)),
        Cell(look.run_of(forward) or "-", "" if forward.get("run") else "quiet"),
        Cell(str(open_now) if open_now else "-", "active" if open_now else "quiet"),
        Cell(str(forward.get("served") or 0), "quiet"),
        Cell(look.shown_url(forward), "dim"),
    ]
