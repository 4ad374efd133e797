"""Confusion matrices and the like as rows, whatever a script logged under their names (AZ-97). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workbench.text.numbers import number, short
from workbench.text.sanitize import clean_name

_EXACT = 10**15
"""Whole numbers below it are said in full: seeds and ids stand in tables."""


class Grid(NamedTuple):
    """Rows under titles; cells are as they were logged."""

    titles: list[str]
    rows: list[list[Any]]
    diagonal: bool = False
    """Whether what is right stands on the diagonal, after the first column."""


def grid(schema_type: str, data: Mapping[str, Any]) -> Grid:
    """An evaluation's data as rows; key and value a row where it is not as its schema has it."""
    make = _GRIDS.get(schema_type)
    try:
        if make is not None:
            return make(data)
    except (KeyError, IndexError, TypeError, ValueError):
        pass  # a script may log anything: what it is can still be read
    return Grid(["name", "value"], [[name, value] for name, value in data.items()])


def of_columns(columns: Mapping[str, Sequence[Any]]) -> Grid:
    """A table that was logged, as rows."""
    return Grid(list(columns), [list(cells) for cells in zip(*columns.values(), strict=False)])


def shown(value: Any, limit: int = 200) -> str:
    """A cell as a reader sees it, in one line; "-" where there is nothing."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _EXACT:
        return str(value)
    found = number(value)
    if found is not None:
        return short(found, 6)
    return "-" if value is None else clean_name(str(value), limit) or "-"


def _confusion_matrix(data: Mapping[str, Any]) -> Grid:
    labels, matrix = data["class_labels"], data["matrix"]
    rows = [[label, *counts] for label, counts in zip(labels, matrix, strict=True)]
    if any(len(row) != len(labels) + 1 for row in rows):
        raise ValueError("not square")
    return Grid(["true", *map(str, labels)], rows, True)


def _accuracy_table(data: Mapping[str, Any]) -> Grid:
    rows = []
    for kind in ("probability", "percentile"):
        thresholds, tables = data.get(f"{kind}_thresholds") or [], data.get(f"{kind}_tables") or []
        for label, table in zip(data["class_labels"], tables, strict=bool(tables)):
            for threshold, (tp, fp, tn, fn) in zip(thresholds, table, strict=True):
                rows.append([label, kind, threshold, tp, fp, tn, fn])
    return Grid(["class", "by", "threshold", "tp", "fp", "tn", "fn"], rows)


def _residuals(data: Mapping[str, Any]) -> Grid:
    edges = data["bin_edges"]
    bins = zip(edges[:-1], edges[1:], data["bin_counts"], strict=True)
    return Grid(["from", "to", "count"], [list(row) for row in bins])


def _predictions(data: Mapping[str, Any]) -> Grid:
    edges = data["bin_edges"]
    bins = zip(
        edges[:-1], edges[1:], data["bin_averages"], data["bin_errors"], data["bin_counts"], strict=True
    )
    return Grid(["from", "to", "average", "error", "count"], [list(row) for row in bins])


_GRIDS = {
    "confusion_matrix": _confusion_matrix,
    "accuracy_table": _accuracy_table,
    "residuals": _residuals,
    "predictions": _predictions,
}
