"""Entities as plain JSON values at the speed that hundreds of machines a second need. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.entities.base import Entity

_SCALARS = frozenset({str, int, float, bool})


def plain(entity: Entity) -> dict[str, Any]:
    """What `to_wire` gives of an entity without numbers that are none; it shares nothing with the entity."""
    value: dict[str, Any] = _without_absent(msgspec.to_builtins(entity, str_keys=True))
    return value


def _without_absent(value: Any) -> Any:
    if type(value) is dict:
        return {
            name: item if type(item) in _SCALARS else _without_absent(item)
            for name, item in value.items()
            if item is not None
        }
    if type(value) is list:
        return [item if type(item) in _SCALARS else _without_absent(item) for item in value]
    return value
