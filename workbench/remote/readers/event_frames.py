"""TFRecord framing: length, its checksum, a record, its checksum. Pure."""

import re
import struct
from typing import Dict, List, NamedTuple

from workbench.remote.readers.crc32c import masked

HEAD, TAIL = 12, 4
CHECKED = 1 << 16
"""Bytes of a record whose checksum is compared: longer ones are pictures, which are not read anyway."""
LONGEST = 16 << 20
"""Bytes of a record that is read; a longer one is passed over without reading it."""
_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_NOT_ZERO = re.compile(b"[^\0]")

Frames = NamedTuple("Frames", [("records", List[bytes]), ("taken", int), ("skipped", int), ("needs", int)])
"""Whole records; bytes used of the data (more than there are: go on beyond them); damaged or oversized
records; bytes that have to be read to get on, 0 where what follows is not written yet."""


def frames(data: bytes, left: int) -> Frames:
    """The whole records at the start of data, of which the file has `left` bytes in all."""
    records: List[bytes] = []
    sums: Dict[int, int] = {}  # of lengths: most records are as long as one before
    place = skipped = 0
    while len(data) - place >= HEAD:
        length, check = _HEAD.unpack_from(data, place)
        if sums.get(length) != check:
            sums[length] = masked(data[place : place + 8])
        if sums[length] != check:
            found = _next_head(data, place + 1)
            if found < 0:
                break
            place, skipped = found, skipped + 1
            continue
        end = place + HEAD + length + TAIL
        if end > left:
            break  # half a record: the rest is still to come
        if length > LONGEST:
            return Frames(records, end, skipped + 1, 0)
        if end > len(data):
            return Frames(records, place, skipped, end - place)
        record = data[place + HEAD : end - TAIL]
        if length <= CHECKED and masked(record) != _TAIL.unpack_from(data, end - TAIL)[0]:
            if end == left:
                break  # the last one may be on its way to the disk
            skipped += 1
        else:
            records.append(record)
        place = end
    return Frames(records, place, skipped, 0)


def _next_head(data: bytes, place: int) -> int:
    """Where the next record begins after a damaged one; -1 where none does."""
    while True:
        zeros = data.find(b"\0\0\0\0", place + 4)  # the upper half of a length
        if zeros < 0 or zeros + 8 > len(data):
            return -1
        start = zeros - 4
        length, check = _HEAD.unpack_from(data, start)
        if 0 < length <= LONGEST and masked(data[start : start + 8]) == check:
            return start
        place = start + 1
        if not length:  # a hole of the file, perhaps: on to its end
            found = _NOT_ZERO.search(data, start)
            if found is None:
                return -1
            place = max(place, found.start() - 8)
