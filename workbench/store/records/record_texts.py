"""Texts of records, made fit to be kept: names, values, columns of cells. Pure."""

from __future__ import annotations

from typing import Any

from workbench.remote.forms import protocol
from workbench.text.sanitize import clean, clean_name

MAX_COLUMNS = 1000
"""Columns of one row or table record."""
DEEPEST = 32
"""Levels of lists and mappings in a cell: every reader goes down them by calling itself."""


def clean_columns(values: dict[str, Any]) -> dict[str, Any] | None:
    """Columns with their texts cleaned; None when there are too many, or their cells are nested too deep."""
    if len(values) > MAX_COLUMNS:
        return None
    try:
        return {clean_key(key): clean_value(value, DEEPEST) for key, value in values.items()}
    except ValueError:
        return None


def clean_key(name: str) -> str:
    """A name fit to be a key: one line, capped, never empty."""
    return clean_name(name, protocol.MAX_NAME) or "?"


def clean_value(value: Any, room: int) -> Any:
    """JSON with every text in it cleaned; raises ValueError when it is nested deeper than room levels."""
    if isinstance(value, str):
        return clean(value, protocol.MAX_VALUE)
    if not isinstance(value, list | dict):
        return value
    if room == 0:
        raise ValueError("nested too deep")
    if isinstance(value, list):
        return [clean_value(item, room - 1) for item in value]
    return {clean_key(str(key)): clean_value(item, room - 1) for key, item in value.items()}


def text_of(value: Any) -> str:
    """A scalar as text."""
    return clean(value if isinstance(value, str) else str(value), protocol.MAX_VALUE)
