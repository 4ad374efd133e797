"""LevelDB's log framing, as W&B writes it: records in pieces that do not cross blocks of 32 KiB. Pure."""

import struct
import zlib
from typing import List, NamedTuple, Optional

BLOCK = 32768
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
LONGEST = 16 << 20
"""Bytes of a record that is read; a longer one is passed over."""
_HEAD = struct.Struct("<IHB")
_SEEDS = [zlib.crc32(bytes([kind])) for kind in range(LAST + 1)]

Frames = NamedTuple("Frames", [("records", List[bytes]), ("taken", int), ("skipped", int)])
"""Whole records, the bytes of the data they (and what was damaged) took, damaged or oversized pieces."""


def frames(data: bytes, offset: int, size: int) -> Frames:
    """The whole records at the start of data, which lies at offset of a file of size bytes."""
    records: List[bytes] = []
    parts: Optional[List[bytes]] = None
    place = taken = skipped = held = 0
    while True:
        room = BLOCK - (offset + place) % BLOCK
        if room < _HEAD.size:
            place += room
            continue
        if len(data) - place < _HEAD.size:
            break
        check, length, kind = _HEAD.unpack_from(data, place)
        end = place + _HEAD.size + length
        sound = FULL <= kind <= LAST and length <= room - _HEAD.size
        if sound and end > len(data):
            break
        piece = data[place + _HEAD.size : end]
        if not sound or zlib.crc32(piece, _SEEDS[kind]) != check:
            if place + room > len(data) or offset + place + room >= size:
                break  # in the last block it may be on its way to the disk
            place = taken = place + room
            parts, skipped = None, skipped + 1
            continue
        place = end
        if kind in (FULL, FIRST):
            parts, held = [piece], length
        elif parts is not None:
            parts.append(piece)
            held += length
        if parts is not None and held > LONGEST:
            parts, skipped = None, skipped + 1
        if kind in (FULL, LAST) and parts is not None:
            records.append(b"".join(parts))
            parts = None
        if parts is None:
            taken = place
    return Frames(records, min(taken, len(data)), skipped)
