"""What the columns of a table hold, in one pass and bounded memory (AZ-61). Pure.

Up to MOST_VALUES values a column quantiles are exact, and so is how many are distinct up to MOST_DISTINCT;
beyond they are estimated, from a sample and from the smallest of the values' hashes, and said to be.
"""

import hashlib
import random
from datetime import datetime
from heapq import heappush, heapreplace
from typing import Any, Dict, Iterable, List, Optional, Set

MOST_VALUES = 100000
MOST_DISTINCT = 10000
SMALLEST = 2048
LONGEST_TEXT = 200
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NAMES = ("q05", "q25", "median", "q75", "q95")


class ColumnProfile(object):
    """What is known of one column."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.count = self.missing = 0
        self._least: Any = None
        self._greatest: Any = None
        self._mean = 0.0
        self._spread = 0.0
        self._numbers = 0
        self._sample: List[float] = []
        self._chance = random.Random(name)
        self._distinct: Set[Any] = set()
        self._hashes: List[int] = []
        self._hashed: Set[int] = set()

    def add(self, value: Any) -> None:
        """Take one value in; None is a missing one, and so is what is no number in a column of numbers."""
        self.count += 1
        if value is None or value != value:
            self.missing += 1
            return
        if self._least is None or value < self._least:
            self._least = value
        if self._greatest is None or value > self._greatest:
            self._greatest = value
        self._add_distinct(value)
        number = _number(value)
        if number is not None and abs(number) != float("inf"):
            self._add_number(number)

    def _add_number(self, number: float) -> None:
        self._numbers += 1
        change = number - self._mean
        self._mean += change / self._numbers
        self._spread += change * (number - self._mean)
        if len(self._sample) < MOST_VALUES:
            self._sample.append(number)
        else:
            place = self._chance.randrange(self._numbers)
            if place < MOST_VALUES:
                self._sample[place] = number

    def _add_distinct(self, value: Any) -> None:
        if len(self._distinct) <= MOST_DISTINCT:
            self._distinct.add(value)
        hashed = int.from_bytes(
            hashlib.blake2b(repr(value).encode("utf-8", "replace"), digest_size=8).digest(), "big"
        )
        if hashed in self._hashed:
            return
        if len(self._hashes) < SMALLEST:
            heappush(self._hashes, -hashed)
            self._hashed.add(hashed)
        elif hashed < -self._hashes[0]:
            self._hashed.discard(-heapreplace(self._hashes, -hashed))
            self._hashed.add(hashed)

    def result(self) -> Dict[str, Any]:
        """Name, type, count, missing, min, max, mean, std, quantiles, distinct; None where there is none."""
        exact = len(self._distinct) <= MOST_DISTINCT
        distinct = len(self._distinct)
        if not exact:
            share = -self._hashes[0] / float(1 << 64)
            distinct = int((SMALLEST - 1) / share)
        found: Dict[str, Any] = {
            "column": self.name,
            "type": self.kind,
            "count": self.count,
            "missing": self.missing,
            "min": _told(self._least),
            "max": _told(self._greatest),
            "mean": None,
            "std": None,
        }
        found.update({name: None for name in NAMES})
        if self._numbers:
            mean_of_time = self.kind == "datetime"
            values = sorted(self._sample)
            found["mean"] = _back(self._mean) if mean_of_time else self._mean
            if not mean_of_time:
                spread = self._spread / (self._numbers - 1) if self._numbers > 1 else 0.0
                found["std"] = spread**0.5
            for name, share in zip(NAMES, QUANTILES):
                found[name] = _back(quantile(values, share)) if mean_of_time else quantile(values, share)
        found["distinct"] = distinct
        found["estimated"] = not exact or self._numbers > MOST_VALUES
        return found


def quantile(values: List[float], share: float) -> float:
    """A quantile of sorted values, between two of them in proportion."""
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1)).total_seconds()
    return None


def _back(seconds: float) -> Optional[str]:
    from datetime import timedelta

    try:
        return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def profile_rows(
    columns: List[str], types: Dict[str, str], rows: Iterable[List[Any]]
) -> "List[Dict[str, Any]]":
    """The profile of each column."""
    found = [ColumnProfile(name, types.get(name, "text")) for name in columns]
    adds = [column.add for column in found]
    for row in rows:
        for add, value in zip(adds, row):
            add(value)
    return [column.result() for column in found]
