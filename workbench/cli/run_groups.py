"""wb ps --group: runs summed up by what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.cli import output
from workbench.cli.session import Session
from workbench.text import numbers
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = ("value", "count", "active", "failed", "metric", "best", "best_run", "mean", "measured")


def print_groups(session: Session, by: str, asked: Mapping[str, Any]) -> None:
    """Print the groups of the runs that fit; asked: parameters of `runs.groups`."""
    found = session.call("runs", "groups", by=by, **asked)
    metrics = {group.get("metric") for group in found}
    metric = clean_name(str(next(iter(metrics)) or ""), 16) if len(metrics) == 1 else ""
    title = by.partition(":")[2] or by
    fields = [
        Field(Column(clean_name(title, 24).upper(), keep=100), _value),
        Field(Column("RUNS", right=True, keep=90), lambda row: Cell(f"{row['count']:,}")),
        Field(Column("ACTIVE", right=True, keep=40), lambda row: _count(row["active"], "active")),
        Field(Column("FAILED", right=True, keep=50), lambda row: _count(row["failed"], "bad")),
    ]
    if metric:
        fields += [
            Field(Column(f"BEST {metric}", right=True, keep=80), lambda row: _figure(row.get("best"))),
            Field(Column("MEAN", right=True, keep=70), lambda row: _figure(row.get("mean"))),
            Field(Column("BEST RUN", keep=30), lambda row: Cell(clean_name(row.get("best_run") or "-"))),
        ]
    output.rows(session, found, fields, KEYS, "no run is like that; wb ps lists all")


def _value(row: Mapping[str, Any]) -> Cell:
    value = row.get("value")
    return Cell("-", "quiet") if value is None else Cell(clean_name(value, 60))


def _count(count: int, role: str) -> Cell:
    return Cell(f"{count:,}", role) if count else Cell("-", "quiet")


def _figure(value: Any) -> Cell:
    return Cell("-", "quiet") if value is None else Cell(numbers.format_metric(value))
