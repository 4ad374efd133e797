"""Points packed into bytes, and what can be told of them without unpacking. Pure.

A chunk is three equal parts: steps (64-bit integers), times (doubles, seconds since 1970), values (doubles),
all little endian; 24 bytes a point. Its summary holds one block for every BLOCK points.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

POINT_BYTES = 24
CHUNK = 4096
BLOCK = 256
_BLOCK = struct.Struct("<qqqddd")
_SWAP = sys.byteorder == "big"


class Columns(NamedTuple):
    """Points as three arrays of one length: steps 'q', times 'd' (seconds since 1970), values 'd'."""

    steps: array[int]
    times: array[float]
    values: array[float]

    def extend(self, other: Columns) -> None:
        """Append the points of other."""
        self.steps.extend(other.steps)
        self.times.extend(other.times)
        self.values.extend(other.values)

    def part(self, start: int, stop: int) -> Columns:
        """The points from start up to stop."""
        return Columns(self.steps[start:stop], self.times[start:stop], self.values[start:stop])

    def picked(self, order: Iterable[int]) -> Columns:
        """The points at these places, in this order."""
        chosen = list(order)
        return Columns(
            array("q", [self.steps[at] for at in chosen]),
            array("d", [self.times[at] for at in chosen]),
            array("d", [self.values[at] for at in chosen]),
        )


class Block(NamedTuple):
    """What a stretch of points comes to: lowest and highest step, finite min and max (nan without any),
    and the value at the highest step."""

    low: int
    high: int
    points: int
    min: float
    max: float
    last: float


def empty() -> Columns:
    """Columns without points."""
    return Columns(array("q"), array("d"), array("d"))


def pack(points: Columns) -> bytes:
    """The bytes of points."""
    return b"".join((_bytes(points.steps), _bytes(points.times), _bytes(points.values)))


def _bytes(column: array[int] | array[float]) -> bytes:
    if _SWAP:
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _append(column: array[int] | array[float], data: memoryview) -> None:
    if not _SWAP:
        column.frombytes(data)
        return
    turned = array(column.typecode, bytes(data))
    turned.byteswap()
    column.frombytes(turned.tobytes())


def unpack_into(data: bytes, points: Columns) -> None:
    """Append the points that `pack` wrote. Raises ValueError when data is damaged."""
    third, rest = divmod(len(data), 3)
    if rest or third % 8:
        raise ValueError("a chunk of points is damaged")
    view = memoryview(data)
    _append(points.steps, view[:third])
    _append(points.times, view[third : 2 * third])
    _append(points.values, view[2 * third :])


def unpack(data: bytes) -> Columns:
    """The points that `pack` wrote."""
    points = empty()
    unpack_into(data, points)
    return points


def ordered(steps: Sequence[int]) -> bool:
    """Whether no step is lower than the one before."""
    listed = list(steps)
    return listed == sorted(listed)


def finite_range(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest finite value; nan twice when there is none."""
    if not values:
        return math.nan, math.nan
    total = sum(values)
    if total - total == 0.0:  # a finite sum: neither nan nor infinity among them
        return min(values), max(values)
    finite = [value for value in values if value - value == 0.0]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def nan_count(values: Sequence[float]) -> int:
    """How many values are nan."""
    total = sum(values)
    return 0 if total == total else sum(1 for value in values if value != value)


def infinite_count(values: Sequence[float]) -> int:
    """How many values are infinite."""
    total = sum(values)
    return 0 if total - total == 0.0 else sum(1 for value in values if math.isinf(value))


def last_value(steps: Sequence[int], values: Sequence[float]) -> float:
    """The value at the highest step, of several the one written last."""
    high = max(steps)
    index = len(steps) - 1
    while steps[index] != high:
        index -= 1
    return values[index]


def block(steps: Sequence[int], values: Sequence[float]) -> Block:
    """What a stretch of at least one point comes to."""
    low, high = finite_range(values)
    return Block(min(steps), max(steps), len(steps), low, high, last_value(steps, values))


def summarise(points: Columns) -> bytes:
    """The packed blocks of a chunk: one for every BLOCK points."""
    steps, _, values = points
    return b"".join(
        _BLOCK.pack(*block(steps[start : start + BLOCK], values[start : start + BLOCK]))
        for start in range(0, len(steps), BLOCK)
    )


def blocks(data: bytes) -> list[tuple[int, int, int, float, float, float]]:
    """The fields of the blocks that `summarise` packed."""
    return list(_BLOCK.iter_unpack(data))
