"""Sizes in bytes as people write them."""

from __future__ import annotations

import re

_STEPS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", start=1):
    _UNITS[_letter] = _UNITS[_letter + "ib"] = 1024**_power
    _UNITS[_letter + "b"] = 1000**_power
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)


def short(size: float | None) -> str:
    """size bytes with three figures: 0 B, 812 B, 1.42 MiB, 38.1 GiB; "-" when absent."""
    if size is None:
        return "-"
    if size < 0:
        return "-" + short(-size)
    if size < 1000:
        return f"{size:.0f} B"
    value, step = size / 1024, 0
    while value >= 999.5 and step < len(_STEPS) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {_STEPS[step]}"


def tight(size: float | None) -> str:
    """size bytes in at most four characters where space is short: 0, 812M, 8.1G, 55G; "-" when absent."""
    if size is None:
        return "-"
    if size < 0:
        return "-" + tight(-size)
    value, step = float(size), 0
    while value >= 999.5 and step < len(_STEPS):
        value, step = value / 1024, step + 1
    unit = ("", *(step[0] for step in _STEPS))[step]
    return f"{value:.1f}{unit}" if step and value < 9.95 else f"{value:.0f}{unit}"


def parse(text: str) -> int:
    """The bytes that text means: "300MB" (decimal), "2GiB" and "2G" (binary), "512".

    Raises ValueError with a sentence when it means nothing.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a size; write it like 300MB, 2GiB or 512")
    return round(float(match[1]) * _UNITS[match[2]])
