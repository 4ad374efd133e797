"""What a model's evaluation looks like when it is logged: its schema, read and checked (AZ-97). Pure.

An evaluation is {"schema_type": TEXT, "schema_version": TEXT, "data": {...}}, as a mapping or as JSON text.
"""

import json
from typing import Any, Dict, List, NamedTuple, Optional

from workbench.remote.forms.record_text import cell, plain, quote

CONFUSION_MATRIX = "confusion_matrix"
ACCURACY_TABLE = "accuracy_table"
RESIDUALS = "residuals"
PREDICTIONS = "predictions"
KEYS = ("schema_type", "schema_version", "data")
DEEPEST = 8
"""Levels of lists and mappings in an evaluation's data."""
COUNTS = 4
"""Of an accuracy table at one threshold: true and false positives, true and false negatives."""

# text: the data as JSON. problem: what is wrong with it, in words; it is recorded all the same.
Evaluation = NamedTuple(
    "Evaluation", [("type", str), ("version", str), ("text", str), ("problem", Optional[str])]
)


def read_evaluation(expected: str, value: Any) -> Evaluation:
    """An evaluation from what a call of log_<expected> was given; raises ValueError for what is none."""
    if isinstance(value, (str, bytes)):
        value = json.loads(value if isinstance(value, str) else value.decode("utf-8"))
    if not hasattr(value, "keys"):
        raise ValueError("a mapping or JSON text with %s is wanted" % ", ".join(KEYS))
    missing = [key for key in KEYS if key not in value]
    if missing:
        raise ValueError("%s is missing" % " and ".join(missing))
    if not hasattr(value["data"], "keys"):
        raise ValueError("data must be a mapping")
    kind, version = str(value["schema_type"]), str(value["schema_version"])
    text = json_text(value["data"])
    problem = problem_of(kind, json.loads(text))
    if kind != expected:
        problem = "its schema_type is %s, not %s" % (kind[:100], expected)
    return Evaluation(kind[:100], version[:100], text, problem)


def json_text(value: Any, depth: int = 0) -> str:
    """Nested lists, arrays and mappings as JSON; what is no number or text stands as its repr.

    Raises ValueError when it is nested too deep.
    """
    if depth > DEEPEST:
        raise ValueError("data is nested more than %d levels deep" % DEEPEST)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if hasattr(value, "keys"):
        inside = ["%s:%s" % (quote(str(key)), json_text(value[key], depth + 1)) for key in value.keys()]
        return "{%s}" % ",".join(inside)
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join([json_text(item, depth + 1) for item in value])
    return cell(plain(value)[0])


def problem_of(kind: str, data: Dict[str, Any]) -> Optional[str]:
    """Why data is not as its schema has it; None when it is, or when the schema is not one of ours."""
    check = _CHECKS.get(kind)
    return check(data) if check is not None else None


def _confusion_matrix(data: Dict[str, Any]) -> Optional[str]:
    labels, matrix = data.get("class_labels"), data.get("matrix")
    if not isinstance(labels, list) or not isinstance(matrix, list):
        return "data wants the lists class_labels and matrix"
    if len(matrix) != len(labels) or not all(_is_list(row, len(labels)) for row in matrix):
        return "matrix wants a row and a column for each of the %d class_labels" % len(labels)
    return None


def _accuracy_table(data: Dict[str, Any]) -> Optional[str]:
    labels = data.get("class_labels")
    if not isinstance(labels, list):
        return "data wants the list class_labels"
    found = False
    for kind in ("probability", "percentile"):
        tables, thresholds = data.get(kind + "_tables"), data.get(kind + "_thresholds")
        if tables is None and thresholds is None:
            continue
        found = True
        if not _is_list(tables, len(labels)) or not isinstance(thresholds, list):
            return "%s_tables wants a table for each class, %s_thresholds a list" % (kind, kind)
        for table in tables or []:
            if not _is_list(table, len(thresholds)) or not all(_is_list(row, COUNTS) for row in table):
                return "%s_tables wants four counts a threshold" % kind
    return None if found else "data wants probability_tables or percentile_tables with their thresholds"


def _residuals(data: Dict[str, Any]) -> Optional[str]:
    return _bins(data, ["bin_counts"])


def _predictions(data: Dict[str, Any]) -> Optional[str]:
    return _bins(data, ["bin_counts", "bin_averages", "bin_errors"])


def _bins(data: Dict[str, Any], columns: List[str]) -> Optional[str]:
    edges = data.get("bin_edges")
    if not isinstance(edges, list) or not all(isinstance(data.get(column), list) for column in columns):
        return "data wants the lists bin_edges, %s" % ", ".join(columns)
    if not all(len(data[column]) == len(edges) - 1 for column in columns):
        return "bin_edges wants one value more than %s" % ", ".join(columns)
    return None


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


_CHECKS = {
    CONFUSION_MATRIX: _confusion_matrix,
    ACCURACY_TABLE: _accuracy_table,
    RESIDUALS: _residuals,
    PREDICTIONS: _predictions,
}
