"""What changed between two JSON values, as RFC 7396 has it: the members that differ, null for those gone.

Lists are replaced whole. Pure; the values are never changed, and share what did not differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Members = Mapping[str, Any]


def difference(before: Members, after: Members) -> dict[str, Any]:
    """The patch that makes `after` of `before`; empty when they are equal. Neither may hold a null."""
    patch: dict[str, Any] = {name: None for name in before.keys() - after.keys()}
    for name, value in after.items():
        old = before.get(name)
        if old is value or old == value:
            continue
        patch[name] = difference(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return patch


def merged(before: Any, patch: Any) -> Any:
    """What a patch makes of a value."""
    if not isinstance(patch, dict):
        return patch
    result = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
