"""PNG files for tests, written line by line with any filter."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence


def png(
    width: int,
    height: int,
    rows: Sequence[bytes],
    colour: int = 2,
    *,
    filters: Sequence[int] = (0,),
    depth: int = 8,
    interlace: int = 0,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """A whole file; the filters are taken in turn."""
    step = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    packed, before = b"", bytes(len(rows[0]) if rows else 0)
    for at, row in enumerate(rows):
        kind = filters[at % len(filters)]
        packed += bytes([kind]) + filtered(kind, row, before, step)
        before = row
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    parts = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(packed)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """A line as a filter leaves it, by the definition."""
    out = bytearray()
    for at, value in enumerate(row):
        a = row[at - step] if at >= step else 0
        b = above[at]
        c = above[at - step] if at >= step else 0
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        out.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(out)


def gradient(width: int, height: int) -> bytes:
    """Red grows to the right, green downward, blue is a disc in the middle."""
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
            row += bytes([255 * x // width, 255 * y // height, 230 if inside else 30])
        rows.append(bytes(row))
    return png(width, height, rows, filters=(4, 1, 2, 3, 0))
