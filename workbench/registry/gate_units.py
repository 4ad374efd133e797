"""Numbers with a unit in a gate's rule: brought to the unit that a metric's name ends in. Pure.

A metric has no unit of its own, but names say one: latency_ms, size/MiB, epoch_time_sec. A rule may write
`latency_ms < 20ms` or `latency_ms < 0.02 s`; a number without a unit is compared as it stands. What a name
says of many values - latency_ms_min, latency_ms_p95 - is passed over: min there is the least, never minutes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_TIME = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0,
    "h": 3600.0, "d": 86400.0,
}  # fmt: skip
_LONG = {
    "msec": "ms", "millis": "ms", "milliseconds": "ms", "sec": "s", "secs": "s", "second": "s",
    "seconds": "s", "minute": "min", "minutes": "min", "mins": "min", "hour": "h", "hours": "h",
    "hr": "h", "hrs": "h", "day": "d", "days": "d", "nanoseconds": "ns", "microseconds": "us",
    "byte": "b", "bytes": "b",
}  # fmt: skip
_SIZE = {"b": 1.0}
for _power, _letter in enumerate("kmgt", start=1):
    _SIZE[f"{_letter}b"] = 1000.0**_power
    _SIZE[f"{_letter}ib"] = 1024.0**_power
_KINDS = (_TIME, _SIZE)
_WORDS = re.compile(r"[^A-Za-zµμ]+")
_OF_MANY = re.compile(
    r"(?:[^A-Za-z0-9µμ]+(?:min|max|mean|avg|average|median|std|var|sum|total|count|first|last|best|worst|p\d{1,4}))+\Z",
    re.IGNORECASE,
)
EXAMPLE = "ms, s, min, h or KB, MB, GiB"


def is_unit(word: str) -> bool:
    """Whether a word behind a number is a unit."""
    return _unit(word) is not None


def unit_of(name: str) -> str | None:
    """The unit that a metric's name ends in: ms of latency_ms; None where it says none."""
    last = _WORDS.split(_OF_MANY.sub("", name.rstrip("])}. ")))[-1]
    return _unit(last) if last != name else None


def factor(unit: str, names: Sequence[str]) -> float | str:
    """What a number in a unit is multiplied by to be compared with metrics of these names; or why not."""
    said = {name: unit_of(name) for name in names}
    for name, own in said.items():
        if own is None:
            return f"{name} says no unit in its name, so {unit} means nothing beside it"
    units = list(dict.fromkeys(own for own in said.values() if own is not None))
    if len(units) > 1:
        return f"{' and '.join(names)} are in different units"
    scale, wanted = _scale(unit), _scale(units[0])
    if unit_kind(unit) is not unit_kind(units[0]):
        return f"{unit} and {units[0]} measure different things"
    return scale / wanted


def unit_kind(unit: str) -> Mapping[str, float]:
    """The units that one belongs to: those of time or of size."""
    found = _unit(unit)
    return next(kind for kind in _KINDS if found in kind)


def _unit(word: str) -> str | None:
    plain = word.lower()
    plain = _LONG.get(plain, plain)
    return plain if any(plain in kind for kind in _KINDS) else None


def _scale(unit: str) -> float:
    return unit_kind(unit)[str(_unit(unit))]
