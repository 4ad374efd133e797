"""What all entities share: how they are frozen, and how they become JSON."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import msgspec

from workbench.remote.forms import protocol


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A frozen value; compare by content, change by `replace`."""


class Plain(NamedTuple):
    """A value that is plain JSON already, so that nobody walks through it again to write it down."""

    value: Any


E = TypeVar("E", bound=Entity)
T = TypeVar("T")


def replace(entity: E, **changes: Any) -> E:
    """A copy of entity with some fields changed."""
    return msgspec.structs.replace(entity, **changes)


def to_wire(value: Any) -> Any:
    """value as plain JSON types; None fields of entities are left out (absent is not zero).

    Non-finite floats become the texts nan, inf, -inf.
    """
    if isinstance(value, float):
        return protocol.encode_number(value)
    if value is None or (isinstance(value, str | int) and type(value) in (str, int, bool)):
        return value
    if isinstance(value, Entity):
        return {
            name: to_wire(item)
            for name in value.__struct_fields__
            if (item := getattr(value, name)) is not None
        }
    if isinstance(value, Plain):
        return to_wire(value.value)
    if isinstance(value, dict):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_wire(item) for item in value]
    return msgspec.to_builtins(value, str_keys=True)


def from_wire(kind: type[T], value: Any) -> T:
    """The entity (or list, mapping of entities) of type kind that `to_wire` described.

    Raises msgspec.ValidationError when it does not fit; unknown fields are ignored.
    """
    return msgspec.convert(value, kind, strict=False)
