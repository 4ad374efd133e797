"""The Event messages that most of an event file is - one scalar, fields in order - read without a walk."""

import struct
from typing import Optional

from workbench.remote.forms import record_form as form
from workbench.remote.readers.entries import Entry

_TIME = struct.Struct("<d")
_VALUE = struct.Struct("<f")
TIME, STEP, SUMMARY, ITEM, NAME, VALUE = 0x09, 0x10, 0x2A, 0x0A, 0x0A, 0x15  # each field's first byte
SHORT = 0x80  # lengths below it are one byte


def point(record: bytes) -> Optional[Entry]:
    """The scalar of such a message; None for any other, which has to be walked."""
    try:
        if record[0] != TIME:
            return None
        time = _TIME.unpack_from(record, 1)[0]
        place, step = 9, 0
        if record[place] == STEP:
            place += 1
            shift = 0
            while record[place] >= SHORT:
                step |= (record[place] & 0x7F) << shift
                shift += 7
                place += 1
            step |= record[place] << shift
            place += 1
            if shift > 56:
                return None  # negative, or nothing at all
        rest = len(record) - place
        if rest >= SHORT or record[place] != SUMMARY or record[place + 1] != rest - 2:
            return None
        if record[place + 2] != ITEM or record[place + 3] != rest - 4 or record[place + 4] != NAME:
            return None
        start = place + 6
        end = start + record[place + 5]
        if record[end] != VALUE or end + 5 != len(record) or end == start or not 0 <= time < 1e11:
            return None
        name = record[start:end].decode("utf-8")
    except (IndexError, ValueError, struct.error):
        return None
    if name[0] == "_" or step >= 1 << 62:
        return None
    return Entry(form.RECORD_METRIC, name, _VALUE.unpack_from(record, end + 1)[0], step, time)
