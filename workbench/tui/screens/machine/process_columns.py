"""The columns of a machine's processes, and what stands in them. Pure: rows of `views.processes` in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.numbers import format_metric
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views.processes import HIDDEN, MINE, OTHERS, Row, texts

COLUMNS = (
    Column("run", "RUN", least=16, ideal=18, most=28, keep=100, middle=True, sortable=False),
    Column("user", "USER", least=4, ideal=8, keep=60, sortable=False),
    Column("gpus", "GPUS", right=True, least=4, ideal=6, keep=85, sortable=False),
    Column("procs", "PROCS", right=True, least=5, ideal=5, keep=50, sortable=False),
    Column("gpumem", "GPU-MEM", right=True, least=7, ideal=7, keep=90, sortable=False),
    Column("sm", "SM%", right=True, least=4, ideal=4, keep=75, sortable=False),
    Column("cpu", "CPU%", right=True, least=5, ideal=5, keep=65, sortable=False),
    Column("rss", "RSS", right=True, least=4, ideal=4, keep=55, sortable=False),
    Column("age", "AGE", right=True, least=5, ideal=5, keep=70, sortable=False),
    Column(
        "last", "LAST", least=10, ideal=14, most=20, keep=40, sortable=False, help="its metric's last value"
    ),
    Column("command", "COMMAND", least=12, ideal=24, rest=True, keep=80, sortable=False),
)


def cells(row: Row, run: Mapping[str, Any] | None, unfolded: bool, plain: bool, stale: bool) -> list[Cell]:
    """A row's cells. run: the row of `runs.table` of the run it belongs to."""
    quiet = "stale" if stale else "quiet" if row.kind in (OTHERS, HIDDEN) else ""
    said = texts(row)
    return [
        Cell(_sign(row, unfolded, plain) + row.title, quiet or ("title" if _is_run(row) else "text")),
        Cell(row.user or "-", quiet),
        *(_figure(said[name], quiet) for name in ("gpus", "procs", "gpumem", "sm", "cpu", "rss", "age")),
        Cell(_last(run), quiet or "active") if _is_run(row) else Cell(""),
        Cell(said["command"], quiet or "dim"),
    ]


def _is_run(row: Row) -> bool:
    return row.run is not None and not row.within


def _sign(row: Row, unfolded: bool, plain: bool) -> str:
    """Whether more stands under it."""
    if row.within:
        return "   "
    if row.procs < 2 or row.kind not in ("run", MINE, OTHERS):
        return "  "
    return ("- " if plain else "▾ ") if unfolded else ("+ " if plain else "▸ ")


def _figure(text: str, role: str) -> Cell:
    return Cell(text, role or ("quiet" if text == "-" else ""))


def _last(run: Mapping[str, Any] | None) -> str:
    """The last value of what it is judged by."""
    if not run or run.get("last") is None:
        return ""
    return f"{clean_name(str(run.get('metric') or ''), 12)} {format_metric(run['last'])}"
