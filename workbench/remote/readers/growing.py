"""A file that may grow, be cut or be written anew between two looks at it: where to read on."""

import os
from typing import Any, Dict, NamedTuple

MOST_AT_ONCE = 4 << 20
"""Bytes that one look reads, but for a record that is longer."""
MARK = 32

Look = NamedTuple(
    "Look",
    [
        ("data", bytes),  # from offset on
        ("offset", int),
        ("size", int),  # of the whole file
        ("again", bool),  # it is not the file that was read before, or not what was read: from its beginning
        ("modified", float),  # seconds since 1970
        ("inode", int),
        ("last", bool),  # state has `ended`, and nothing follows data
    ],
)


def look(path: str, state: Dict[str, Any], most: int = MOST_AT_ONCE) -> Look:
    """The bytes that follow what state has. Raises OSError; ValueError for what is no plain file.

    With `ended` in state nothing more is awaited, and it says what is known of the end, see `forms.ended`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        if facts.st_mode & 0o170000 != 0o100000:
            raise ValueError("not a plain file")
        offset = _whole(state.get("offset"))
        again = False
        if offset:
            mark = state.get("mark", "")
            length = len(mark) // 2
            same = state.get("inode") == facts.st_ino and facts.st_size >= offset
            if not same or os.pread(descriptor, length, offset - length).hex() != mark:
                offset, again = 0, True
        data = _read(descriptor, offset, min(most, max(0, facts.st_size - offset)))
        size = max(facts.st_size, offset + len(data))
        last = bool(state.get("ended")) and offset + len(data) == size
        return Look(data, offset, size, again, facts.st_mtime, facts.st_ino, last)
    finally:
        os.close(descriptor)


def after(path: str, seen: Look, taken: int, before: Dict[str, Any]) -> Dict[str, Any]:
    """The state when `taken` bytes of a look were used; before: the state it was made with."""
    offset = seen.offset + taken
    mark = seen.data[max(0, taken - MARK) : taken].hex() if 0 < taken <= len(seen.data) else ""
    if taken == 0 and not seen.again:
        mark = before.get("mark", "")
    return {"path": path, "inode": seen.inode, "size": seen.size, "offset": offset, "mark": mark}


def _read(descriptor: int, offset: int, length: int) -> bytes:
    """Up to length bytes; fewer where the file ends."""
    parts = []
    while length > 0:
        part = os.pread(descriptor, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
