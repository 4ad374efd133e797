"""Lines of a log with the time they came before each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

UNKNOWN = "-"
WIDTH = 23


def stamp(time: float | None) -> str:
    """A time in seconds since 1970 as the user's clock shows it, to the millisecond; - where unknown."""
    if time is None:
        return UNKNOWN.ljust(WIDTH)
    try:
        moment = datetime.fromtimestamp(time)
    except (OverflowError, ValueError, OSError):
        return UNKNOWN.ljust(WIDTH)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def clock(time: float | None) -> str:
    """The same as hours, minutes and seconds."""
    return "-".ljust(8) if time is None else stamp(time)[11:19].ljust(8)


def time_at(marks: Sequence[tuple[int, float]], offset: int) -> float | None:
    """When the byte at offset came, by marks (offset, time) in order of offsets."""
    index = bisect_right(marks, offset, key=lambda mark: mark[0]) - 1
    return marks[index][1] if index >= 0 else None


def stamped(data: bytes, at: int, marks: Sequence[tuple[int, float]]) -> str:
    """Lines that stand at a place of a log, each behind its time. Bytes that are no UTF-8 become U+FFFD."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    told = []
    for line in lines:
        told.append(f"{stamp(time_at(marks, at))} {line.decode('utf-8', 'replace')}\n")
        at += len(line) + 1
    return "".join(told)
