"""Walking the fields of a protobuf message without its schema. Pure; nothing in a message is trusted."""

import struct
from typing import Iterator, Tuple, Union

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Field = Tuple[int, int, Union[int, bytes]]
_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")


class Damaged(ValueError):
    """The bytes are no message."""


def varint(data: bytes, place: int) -> Tuple[int, int]:
    """The number at place, and the place after it. Raises Damaged."""
    found = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise Damaged("a number without an end")
        byte = data[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, place
        shift += 7


def signed(value: int) -> int:
    """A varint as an int64."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def fields(data: bytes) -> Iterator[Field]:
    """(number, wire type, value) of each field; fixed ones as their bytes. Raises Damaged on the way."""
    place, end = 0, len(data)
    while place < end:
        key, place = varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, place = varint(data, place)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, place = varint(data, place)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise Damaged("an unknown wire type")
        if length > end - place:
            raise Damaged("a field is longer than its message")
        yield number, wire, data[place : place + length]
        place += length


def double(value: bytes) -> float:
    """A FIXED64 field as a float."""
    return float(_DOUBLE.unpack(value)[0])


def single(value: bytes) -> float:
    """A FIXED32 field as a float."""
    return float(_FLOAT.unpack(value)[0])


def text(value: bytes) -> str:
    """A BYTES field as text; what is no UTF-8 in it is replaced."""
    return value.decode("utf-8", "replace")
