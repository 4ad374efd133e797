"""More columns of a list of runs, as they are asked for: params, tags, figures of metrics, attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.cli import output
from workbench.cli.session import Session
from workbench.text.numbers import finite, short
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import run_axes

ATTRIBUTE = "attribute:"
PAGE = 1000
"""Runs that are asked about at once."""
LONGEST = 24
"""Characters of a column's name."""
Row = Mapping[str, Any]


def of_view(columns: Iterable[str]) -> list[str]:
    """Those of a saved view's columns that this list has not anyway."""
    return [name for name in columns if name.startswith((*run_axes.KINDS, ATTRIBUTE))]


def with_columns(session: Session, runs: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """The runs with those columns' values under their names; JSON stays as it is: it has all there is.

    A name alone is a param's or a metric's. Raises UsageError for an attribute that runs have not.
    """
    if not columns or not runs or output.chosen_format(session) in ("json", "jsonl"):
        return list(runs)
    wanted = [
        one for name in columns for one in ([name] if name.startswith(ATTRIBUTE) else run_axes.columns(name))
    ]
    rows: dict[str, Row] = {}
    for archived in (False, True):  # a table is of the ones or the others
        asked = [run["id"] for run in runs if bool(run.get("archived")) is archived]
        for start in range(0, len(asked), PAGE):
            ids = asked[start : start + PAGE]
            found = session.call("runs", "table", ids=ids, columns=wanted, archived=archived, limit=len(ids))
            rows |= {row["id"]: row for row in found["rows"]}
    return [{**run, **{name: _value(rows.get(run["id"], {}), name) for name in columns}} for run in runs]


def _value(row: Row, name: str) -> Any:
    if not name.startswith(ATTRIBUTE):
        return run_axes.value(row, name, given=True)
    key = name.removeprefix(ATTRIBUTE)
    found = (row.get("attributes") or {}).get(key)
    return row.get(key) if found is None else found


def fields(columns: Sequence[str]) -> list[Field]:
    """The columns on a terminal."""
    return [Field(Column(_label(name), right=True, keep=80, least=6), _shown(name)) for name in columns]


def _label(name: str) -> str:
    return (
        clean_name(name.removeprefix(ATTRIBUTE).upper(), LONGEST)
        if name.startswith(ATTRIBUTE)
        else run_axes.label(name)
    )


def _shown(name: str) -> Any:
    def show(run: Row) -> Cell:
        value = run.get(name)
        figure = finite(value)
        if isinstance(value, float) and figure is not None:
            return Cell(short(figure, 5))
        return Cell(
            "-" if value in (None, "") else clean_name(output.plain(value), 60),
            "quiet" if value is None else "",
        )

    return show
