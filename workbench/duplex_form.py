"""Bytes and messages in one stream: the form of both directions of a DUPLEX operation. Pure.

A piece is HEADER(kind, length) and its body: raw bytes, or the JSON of a message. Over HTTP the body of the
request is such pieces, the first one its parameters, and so is the answer, whose messages are a stream's.
"""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from workbench.errors import UsageError

HEADER = struct.Struct(">BI")
BYTES, MESSAGE = 0, 1
MOST = {BYTES: 1 << 20, MESSAGE: 16 << 20}
"""Bytes of one body."""


class Piece(NamedTuple):
    """The body of a piece and what it is."""

    kind: int
    body: bytes

    @property
    def value(self) -> Any:
        """The bytes, or the message's value. Raises UsageError when that is no JSON."""
        if self.kind == BYTES:
            return self.body
        try:
            return json.loads(self.body)
        except ValueError as problem:
            raise UsageError("a message is not JSON") from problem


def of_bytes(data: bytes) -> bytes:
    """Bytes of any length as pieces."""
    most = MOST[BYTES]
    return b"".join(
        HEADER.pack(BYTES, len(part)) + part
        for part in (data[start : start + most] for start in range(0, len(data), most))
    )


def of_message(body: bytes) -> bytes:
    """The JSON of a message as a piece. Raises UsageError when it is too long."""
    if len(body) > MOST[MESSAGE]:
        raise UsageError(f"a message of {len(body)} bytes, at most {MOST[MESSAGE]} are allowed")
    return HEADER.pack(MESSAGE, len(body)) + body


class PieceParser:
    """Finds pieces in bytes that arrive in any split."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are whole now, in order. Raises UsageError as soon as it sees what is none."""
        self._buffer += data
        found = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer, start)
            if length > MOST.get(kind, -1):
                raise UsageError("the bytes are no pieces of ours")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            found.append(Piece(kind, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return found

    @property
    def torn(self) -> bool:
        """Whether a piece has begun and is not whole."""
        return bool(self._buffer)
