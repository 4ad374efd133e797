"""The first value of a TensorProto, which is all that a scalar is. Pure."""

import struct
from typing import Dict, Optional, Tuple, Union

from workbench.remote.readers import protobuf

# dtype -> how its bytes are read; the half kinds are widened below
_CONTENT: Dict[int, str] = {
    1: "<f", 2: "<d", 3: "<i", 4: "<B", 5: "<h", 6: "<b", 9: "<q", 10: "<?", 17: "<H", 19: "<e", 22: "<I",
    23: "<Q",
}  # fmt: skip
BFLOAT16, HALF, STRING = 14, 19, 7
_FLOATS, _DOUBLES, _TEXTS, _HALVES = 5, 6, 8, 13
_WHOLE = (7, 10, 11, 16, 17)  # int_val, int64_val, bool_val, uint32_val, uint64_val

Scalar = Union[float, int, bool, str]


def scalar(data: bytes) -> Optional[Scalar]:
    """The only value of a tensor; None where it has several, or is of a kind that is no number or text."""
    dtype = size = 0
    held: Optional[Tuple[int, int, Union[int, bytes]]] = None
    shape = 1
    for number, wire, value in protobuf.fields(data):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number == 2 and isinstance(value, bytes):
            shape = _elements(value)
        elif number == 4 or number in (_FLOATS, _DOUBLES, _TEXTS, _HALVES) or number in _WHOLE:
            size += 1
            held = held or (number, wire, value)
    if held is None or shape != 1 or (held[0] == _TEXTS and size != 1):
        return None
    return _value(dtype, held)


def _elements(data: bytes) -> int:
    """The number of elements of a TensorShapeProto."""
    count = 1
    for number, _, value in protobuf.fields(data):
        if number == 2 and isinstance(value, bytes):
            for inner, _, length in protobuf.fields(value):
                if inner == 1 and isinstance(length, int):
                    count *= length
    return count


def _value(dtype: int, held: Tuple[int, int, Union[int, bytes]]) -> Optional[Scalar]:
    number, wire, value = held
    if number == _TEXTS and isinstance(value, bytes):
        return protobuf.text(value)
    if number == 4 and isinstance(value, bytes):
        return _of_content(dtype, value)
    if number in (_FLOATS, _DOUBLES) and isinstance(value, bytes):
        width = 4 if number == _FLOATS else 8
        if len(value) < width:
            return None
        return protobuf.single(value[:4]) if width == 4 else protobuf.double(value[:8])
    whole = protobuf.varint(value, 0)[0] if isinstance(value, bytes) else value
    if number == _HALVES:
        return _of_content(dtype, struct.pack("<H", whole & 0xFFFF))
    return bool(whole) if dtype == 10 else protobuf.signed(whole)


def _of_content(dtype: int, value: bytes) -> Optional[Scalar]:
    if dtype == BFLOAT16 and len(value) == 2:
        return protobuf.single(b"\0\0" + value)
    layout = _CONTENT.get(dtype)
    if layout is None or struct.calcsize(layout) != len(value):
        return None
    found: Scalar = struct.unpack(layout, value)[0]
    return found
