"""A value once a minute, and how fast it grows: least squares over the last of them."""

from __future__ import annotations

from collections import deque
from itertools import pairwise


class Trend:
    """The last value of each of the last minutes. Growth is looked at when a minute is over."""

    def __init__(self, length: int) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=length + 1)

    def add(self, now: float, value: float) -> bool:
        """Take a value in; True when a minute was completed by it. A gap of minutes begins anew."""
        minute = int(now // 60)
        if self._points and self._points[-1][0] == minute:
            self._points[-1] = (minute, value)
            return False
        if self._points and not 0 < minute - self._points[-1][0] <= 2:
            self._points.clear()
        self._points.append((minute, value))
        return len(self._points) > 1

    @property
    def span(self) -> int:
        """Whole minutes it covers; the one that goes on is not counted."""
        return max(0, self._points[-1][0] - self._points[0][0] - 1) if len(self._points) > 1 else 0

    @property
    def values(self) -> list[float]:
        """The values of the minutes that are over."""
        return [value for _, value in list(self._points)[:-1]]

    def slope(self) -> float | None:
        """Units a minute; None with fewer than three minutes."""
        points = list(self._points)[:-1]
        if len(points) < 3:
            return None
        middle = sum(minute for minute, _ in points) / len(points)
        mean = sum(value for _, value in points) / len(points)
        spread = sum((minute - middle) ** 2 for minute, _ in points)
        return sum((minute - middle) * (value - mean) for minute, value in points) / spread

    def rises(self, slack: float) -> bool:
        """Whether no minute was lower than the one before by more than a share of slack."""
        return all(after >= before * (1.0 - slack) for before, after in pairwise(self.values))
