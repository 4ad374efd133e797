"""Which names of a filter, an order or a column no run has, and what was meant perhaps."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from workbench.store.lists import run_table
from workbench.store.queries import filtering
from workbench.store.queries.query import RunQuery
from workbench.store.sqlite.codec import plain_text
from workbench.text.filter_fields import ATTRIBUTES, BY_NAME, PREFIXES
from workbench.text.filter_format import format
from workbench.text.filter_problem import did_you_mean
from workbench.text.filter_tree import FIGURES, Field, Kind

_WHAT = {
    Kind.METRIC: "metric",
    Kind.PARAM: "param",
    Kind.TAG: "tag",
    Kind.PROPERTY: "property",
    Kind.ANY: "metric, param or tag",
}


def check(connection: sqlite3.Connection, text: str, experiment: str | None = None) -> dict[str, Any]:
    """{"filter", "unknown"} as `runs.check_filter` answers. Raises NotFound (experiment), UsageError."""
    parsed = filtering.read(text)
    unknown = [(field, start, stop) for field, start, stop in parsed.named if not _known(connection, field)]
    told = _told(connection, [field for field, _, _ in unknown], experiment)
    return {
        "filter": format(parsed.tree),
        "unknown": [
            {**said, "start": start, "stop": stop}
            for said, (_, start, stop) in zip(told, unknown, strict=True)
        ],
    }


def check_axes(
    connection: sqlite3.Connection, axes: Sequence[str], experiment: str | None = None
) -> list[dict[str, Any]]:
    """Those of the axes (`views.run_axes`) that no run has, as `runs.check_names` answers."""
    fields = [field for axis in axes if not _known(connection, field := _field(axis))]
    return _told(connection, fields, experiment)


def _field(axis: str) -> Field:
    """What an axis names: of a kind, or anything of that name."""
    kind, colon, name = axis.partition(":")
    if colon and name and kind in ("param", "tag"):
        return Field(PREFIXES[kind], name)
    if colon and name and kind in ("metric", *FIGURES):
        return Field(Kind.METRIC, name)
    return Field(Kind.ATTRIBUTE if axis in BY_NAME else Kind.ANY, axis)


def _told(
    connection: sqlite3.Connection, unknown: Sequence[Field], experiment: str | None
) -> list[dict[str, Any]]:
    """What is said of fields that no run has; what was meant perhaps is one of the newest runs' names."""
    if not unknown:
        return []
    newest = RunQuery(experiment=experiment, limit=run_table.NEWEST)
    names = run_table.column_names(connection, newest)
    return [
        {
            "name": field.whole,
            "message": f"no run has a {_WHAT[field.kind]} {field.whole}",
            "hint": did_you_mean(field.name, _near(field, names)),
        }
        for field in unknown
    ]


def _known(connection: sqlite3.Connection, field: Field) -> bool:
    if field.kind is Kind.ATTRIBUTE:
        return True
    kinds = [field.kind] if field.kind is not Kind.ANY else [Kind.METRIC, Kind.PARAM, Kind.TAG]
    return any(
        connection.execute(
            f"SELECT 1 FROM {filtering.TABLES[kind]} WHERE name = ? LIMIT 1",
            (plain_text(field.name if kind is Kind.METRIC else field.whole),),
        ).fetchone()
        for kind in kinds
    )


def _near(field: Field, names: dict[str, list[str]]) -> list[str]:
    if field.kind is not Kind.ANY:
        return names.get(str(field.kind), [])
    return [*(name for found in names.values() for name in found), *(item.name for item in ATTRIBUTES)]
