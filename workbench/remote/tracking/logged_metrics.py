"""A process' own metric records as `get_metrics` gives them back (AZ-99)."""

import json
from typing import Any, Dict, Iterable, List, Optional

from workbench.remote.forms.record_form import RECORD_METRIC, RECORD_ROW, RECORD_TABLE

_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def collect(lines: Iterable[bytes], name: Optional[str] = None) -> Dict[str, Any]:
    """Metrics by name: the value of one record, a list of several; a table's rows as {column: [values]}.

    A table in a schema is a value: {"schema_type", "schema_version", "data"}.

    lines: records as they stand in a file; what does not parse is skipped. name: only this one.
    """
    values: Dict[str, List[Any]] = {}
    tables: Dict[str, Dict[str, List[Any]]] = {}
    for line in lines:
        try:
            record = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        kind, named = record.get("k"), record.get("n")
        if not isinstance(named, str) or (name is not None and named != name):
            continue
        if kind == RECORD_METRIC:
            value = _number(record["v"]) if "v" in record else record.get("text")
            values.setdefault(named, []).append(value)
        elif kind == RECORD_ROW and isinstance(record.get("v"), dict):
            _add_row(tables.setdefault(named, {}), {c: [v] for c, v in record["v"].items()})
        elif kind == RECORD_TABLE and isinstance(record.get("schema"), str):
            values.setdefault(named, []).append(evaluation(record))
        elif kind == RECORD_TABLE and isinstance(record.get("v"), dict):
            _add_row(tables.setdefault(named, {}), record["v"])
    found: Dict[str, Any] = {n: v[0] if len(v) == 1 else v for n, v in values.items()}
    found.update(tables)
    return found


def evaluation(record: Dict[str, Any]) -> Dict[str, Any]:
    """What was logged in a schema, as it was given."""
    version = record.get("schema_version")
    return {"schema_type": record["schema"], "schema_version": version, "data": with_numbers(record.get("v"))}


def with_numbers(value: Any) -> Any:
    """Nested values with the texts nan, inf, -inf as the numbers they stand for."""
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: with_numbers(item) for key, item in value.items()}
    return _number(value)


def _number(value: Any) -> Any:
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _add_row(table: Dict[str, List[Any]], columns: Dict[str, List[Any]]) -> None:
    """Append columns to a table; cells that one of them lacks are None."""
    height = max([len(column) for column in table.values()] or [0])
    for column, cells in columns.items():
        if column not in table:
            table[column] = [None] * height
        table[column].extend(_number(cell) for cell in cells)
    full = max([len(column) for column in table.values()] or [0])
    for known in table.values():
        known.extend([None] * (full - len(known)))
