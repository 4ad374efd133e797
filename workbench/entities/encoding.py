"""Values as JSON bytes: small ones at once, long ones in pieces of little work each. Pure.

One call of the encoder in C holds the interpreter's lock until it is done, so a long value takes many.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from workbench.entities.base import Entity, Plain, to_wire

LIGHT = 2000
"""Values (a text of 64 characters is one) that are encoded at once."""
_TEXT = 64
_SCALARS = frozenset({int, float, bool, type(None)})


def encode(value: Any) -> bytes:
    """A value as JSON; raises TypeError, ValueError for what JSON cannot say."""
    if isinstance(value, Plain):
        try:
            return msgspec.json.encode(value.value)
        except UnicodeEncodeError:  # half a character, which only escapes can say
            value = value.value
    return json.dumps(to_wire(value), separators=(",", ":"), allow_nan=False).encode("ascii")


def light(value: Any) -> bool:
    """Whether a value is encoded in no time."""
    return _weight(value, LIGHT) <= LIGHT


def pieces(value: Any) -> Iterator[bytes]:
    """The bytes of `encode`, in pieces."""
    if light(value):
        yield encode(value)
    elif isinstance(value, Entity):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        yield from _object((name, field) for name, field in fields if field is not None)
    elif isinstance(value, dict):
        yield from _object(value.items())
    elif isinstance(value, list | tuple):
        yield from _array(value)
    else:
        yield encode(value)


def _object(members: Iterable[tuple[Any, Any]]) -> Iterator[bytes]:
    before = b"{"
    for name, value in members:
        yield before + json.dumps(str(name)).encode("ascii") + b":"
        yield from pieces(value)
        before = b","
    yield b"}"


def _array(values: list[Any] | tuple[Any, ...]) -> Iterator[bytes]:
    before = b"["
    start = 0
    while start < len(values):
        part = values[start : start + LIGHT]
        # Of heavy elements fewer are taken together, one at least.
        while len(part) > 1 and _weight(part, 4 * LIGHT) > 4 * LIGHT:
            part = part[: len(part) // 2]
        start += len(part)
        if len(part) == 1:
            yield before
            yield from pieces(part[0])
        else:
            yield before + _plain(part)[1:-1]
        before = b","
    yield b"]"


def _plain(part: Any) -> bytes:
    """Mostly numbers and texts: only where there is more, or a number JSON has not, it is walked through."""
    try:
        return json.dumps(part, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError):
        return encode(part)


def _weight(value: Any, most: int) -> int:
    """How many values there are to encode; no more are counted than it takes to be over most."""
    if isinstance(value, str):
        return 1 + len(value) // _TEXT
    if isinstance(value, Entity):
        members: Iterable[Any] = (getattr(value, name) for name in value.__struct_fields__)
        total = len(value.__struct_fields__)
    elif isinstance(value, dict):
        members, total = value.values(), len(value)
    elif isinstance(value, list | tuple | set | frozenset):
        members, total = value, len(value)
    else:
        return 1
    for member in members:
        if total > most:
            break
        if type(member) not in _SCALARS:
            total += _weight(member, most - total)
    return total
