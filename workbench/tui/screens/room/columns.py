"""The columns of what runs keep on a machine, and what stands in them. Pure: JSON of `compute.room` in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text import sizes
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import holdings as look

COLUMNS = (
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=100, descending=True),
    Column("age", "AGE", right=True, least=4, ideal=5, keep=80, descending=True),
    Column("name", "RUN", least=12, ideal=18, most=32, keep=95, middle=True),
    Column("experiment", "EXPERIMENT", least=10, ideal=14, most=20, keep=40),
    Column("fate", "STAYS OR GOES", least=24, ideal=40, rest=True, keep=90, sortable=False),
)


def cells(run: Mapping[str, Any], fate: look.Fate) -> Sequence[Cell]:
    """The cells of a run's folder."""
    return [
        Cell(sizes.short(run["bytes"])),
        Cell(look.age(run), "quiet"),
        Cell(name(run), "title" if run.get("name") else "quiet"),
        Cell(clean_name(str(run.get("experiment") or "-")), "quiet"),
        Cell(*fate),
    ]


def name(run: Mapping[str, Any]) -> str:
    """What a run's folder is called: by the run's name, else by its id."""
    return clean_name(str(run.get("name") or run["id"]))


def order(runs: Sequence[Mapping[str, Any]], column: str, descending: bool) -> list[Mapping[str, Any]]:
    """The runs by one of their columns."""
    keys = {
        "size": lambda run: (run["bytes"], run["id"]),
        "age": lambda run: (run["age"], run["id"]),
        "name": lambda run: (name(run), run["id"]),
        "experiment": lambda run: (str(run.get("experiment") or ""), run["id"]),
    }
    return sorted(runs, key=keys[column], reverse=descending)
