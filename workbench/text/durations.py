"""Durations and ages as people write them: 4m12, 90s, 1d12h."""

from __future__ import annotations

import re

ABSENT = "-"
_UNITS = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
    "w": 604800.0,
    "week": 604800.0,
    "weeks": 604800.0,
}
# What a number without a unit counts after a part of that size: 4m12 is seconds, 1h05 minutes.
_BELOW = {60.0: 1.0, 3600.0: 60.0, 86400.0: 3600.0}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)


def short(seconds: float | None) -> str:
    """A duration of seconds in few characters: 0.4s, 31s, 4m12, 1h05, 2d3h; "-" when absent."""
    if seconds is None or seconds != seconds:
        return ABSENT
    if seconds < 0:
        return "-" + short(-seconds)
    if seconds == float("inf"):
        return "inf"
    if seconds < 9.95:
        return f"{seconds:.1f}s" if seconds > 0 and round(seconds, 1) % 1 else f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}" if whole % 60 else f"{whole // 60}m"
    minutes = round(seconds / 60)
    if minutes < 1440:
        return f"{minutes // 60}h{minutes % 60:02d}" if minutes % 60 else f"{minutes // 60}h"
    hours = round(seconds / 3600)
    return f"{hours // 24}d{hours % 24}h" if hours % 24 else f"{hours // 24}d"


def age(seconds: float | None) -> str:
    """How long ago in one unit, rounded down: 3s, 4m, 1h, 12d, 2y; "-" when absent, "now" below a second."""
    if seconds is None:
        return ABSENT
    if seconds < 1:
        return "now"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (86400 * 730, 86400, "d")):
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // (86400 * 365))}y"


def parse(text: str) -> float:
    """The seconds that text means: "90", "90s", "2h", "1d12h", "4m12", "1h 30m".

    Raises ValueError with a sentence when it means nothing.
    """
    total, position, above = 0.0, 0, 0.0
    lowered = text.strip().lower()
    while position < len(lowered):
        match = _PART.match(lowered, position)
        if match is None:
            raise ValueError(_refusal(text))
        unit = match[2]
        size = _UNITS.get(unit) if unit else _BELOW.get(above, 1.0 if not position else None)
        if size is None or (above and size >= above):
            raise ValueError(_refusal(text))
        total += float(match[1]) * size
        above, position = size, match.end()
    if not lowered:
        raise ValueError(_refusal(text))
    return total


def _refusal(text: str) -> str:
    return f"{text!r} is not a duration; write it like 90s, 15m, 2h or 1d12h"
