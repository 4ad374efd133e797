"""Metric values and counts, short and aligned. Absent is "-", never zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

ABSENT = "-"
FIGURES = 4
MOST = 1 << 60
"""Bytes of anything: whoever tells of more means nothing that is."""
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
_HISSING = ("s", "x", "z", "ch", "sh")
"""Endings that want -es for more than one."""


def number(value: Any) -> float | None:
    """A value from JSON as a float: numbers and the texts nan, inf, -inf; None for all else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:  # a script may log a number of any length
            return math.inf if value > 0 else -math.inf
    if value in ("nan", "inf", "-inf"):
        return float(value)
    return None


def finite(value: Any) -> float | None:
    """A finite number from JSON as a float; None for all else."""
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


def amount(value: Any) -> float | None:
    """How much of something, seconds say, as JSON gives it: finite, not negative; None for all else."""
    found = finite(value)
    return found if found is not None and found >= 0 else None


def whole_amount(value: Any) -> int | None:
    """How many of something, bytes say, as JSON gives it: 0 to MOST; None for all else."""
    found = amount(value)
    return int(value) if found is not None and found <= MOST else None


def short(value: float | None, figures: int = FIGURES) -> str:
    """value with so many figures: 0.0412, 3e-4, 1.5e8, 12000, nan, inf; "-" when absent."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < _PLAIN_BELOW:
        return str(int(value))
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        text = f"{value:.{_decimals(value, figures)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return scientific(value, figures)


def format_metric(value: Any, figures: int = FIGURES) -> str:
    """A metric's value as JSON gives it (a number, nan, inf, -inf, or absent), short."""
    return short(number(value), figures)


def scientific(value: float, figures: int = FIGURES) -> str:
    """A finite value in few characters with an exponent: 3e-4, 1.234e9."""
    mantissa, _, exponent = f"{value:.{max(0, figures - 1)}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def column(values: Sequence[float | None], figures: int = FIGURES) -> list[str]:
    """values so that their points stand under each other when they are right-aligned.

    All get as many decimals as any needs for its figures, up to 6; what is too large or small for that is
    written with an exponent.
    """
    plain = [value for value in values if value is not None and _plain(value)]
    decimals = 0
    for value in plain:
        text = short(value, figures)
        decimals = max(decimals, len(text.partition(".")[2]) if "e" not in text else 0)
    decimals = min(decimals, 6)
    return [
        f"{value:.{decimals}f}" if value is not None and _plain(value) else short(value, figures)
        for value in values
    ]


def delta(value: float | None, figures: int = FIGURES) -> str:
    """A difference with its sign: +0.0012, -3, 0."""
    if value is None:
        return ABSENT
    return ("+" if value > 0 else "") + short(value, figures)


def count(value: int | None) -> str:
    """A count in few characters: 812, 12k, 3.4M."""
    if value is None:
        return ABSENT
    if abs(value) < 10_000:
        return str(value)
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f}{unit}".replace(".0", "") if abs(scaled) < 99.95 else f"{scaled:.0f}{unit}"
    return str(value)


def first_of(names: Sequence[str], most: int) -> str:
    """So many names at most, and how many more there are: a, b and 3 more."""
    named = ", ".join(names[:most])
    return f"{named} and {len(names) - most} more" if len(names) > most else named


def counted(number: int, noun: str) -> str:
    """A number of things: 1 file, 2 files, 2 entries, 2 branches. noun: in the singular."""
    if number == 1:
        return f"{number} {noun}"
    if noun.endswith("y") and noun[-2:-1] not in ("", *"aeiou"):
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}{'es' if noun.endswith(_HISSING) else 's'}"


def _plain(value: float) -> bool:
    return math.isfinite(value) and (value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW)


def _decimals(value: float, figures: int) -> int:
    return max(0, figures - 1 - math.floor(math.log10(abs(value))))
