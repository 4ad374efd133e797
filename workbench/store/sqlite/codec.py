"""Values as columns hold them: times as microseconds since 1970, structs as JSON text."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from workbench.entities.base import from_wire, to_wire

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_SECONDS = 253_402_300_799.0  # the last second of the year 9999
INTEGER_MAX = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)


def micros(time: datetime) -> int:
    """An aware time as whole microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def optional_micros(time: datetime | None) -> int | None:
    """As `micros`; None stays None."""
    return None if time is None else micros(time)


def moment(value: int) -> datetime:
    """The time that `micros` wrote."""
    return EPOCH + timedelta(microseconds=value)


def optional_moment(value: int | None) -> datetime | None:
    """As `moment`; None stays None."""
    return None if value is None else moment(value)


def moment_of_seconds(seconds: float) -> datetime:
    """Seconds since 1970 as a time; what no calendar holds becomes its nearest end."""
    if math.isnan(seconds):
        return EPOCH
    return EPOCH + timedelta(seconds=min(max(seconds, 0.0), LARGEST_SECONDS))


def to_text(value: Any) -> str:
    """Any entity or plain value as JSON text; undecodable bytes in it survive as escapes."""
    return json.dumps(to_wire(value), separators=(",", ":"), allow_nan=False)


def from_text(kind: type[T], text: str) -> T:
    """The value of type kind that `to_text` wrote; unknown fields are ignored."""
    return from_wire(kind, json.loads(text))


def plain_text(text: str) -> str:
    """text as SQLite can hold it: lone surrogates (undecodable bytes) become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def optional_text(text: str | None) -> str | None:
    """As `plain_text`; None stays None."""
    return None if text is None else plain_text(text)


def number_of(text: str) -> float | None:
    """The finite number that text spells, so that lr=1e-3 and lr=0.001 compare as equal; else None."""
    if len(text) > 64:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(value: int | None) -> int | None:
    """value held within what a column can hold; a peer may send any number of digits."""
    return None if value is None else max(-INTEGER_MAX, min(INTEGER_MAX, value))
