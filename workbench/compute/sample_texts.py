"""Texts of a sample made harmless: what programs, users and drivers call themselves is theirs to choose."""

from __future__ import annotations

from typing import Any

from workbench.text.sanitize import clean_name

LONGEST = {"name": 100, "user": 64, "command": 500, "container": 80, "path": 1000, "error": 500, "note": 500}
"""Characters of each that are kept; 100 of others."""


def cleaned(value: Any, name: str = "") -> Any:
    """The value, and all in it, with its texts cleaned and cut; name: the field it stands in."""
    if isinstance(value, str):
        return clean_name(value, LONGEST.get(name, 100))
    if isinstance(value, dict):
        return {key: cleaned(item, key) for key, item in value.items()}
    return [cleaned(item) for item in value] if isinstance(value, list) else value
