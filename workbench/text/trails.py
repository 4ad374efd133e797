"""What a figure was lately, in steps of time that stay where they are: a picture that does not flicker."""

from __future__ import annotations

from collections.abc import Sequence


class Trail:
    """The means of a figure over `steps` stretches of so many seconds each; the last one is going on."""

    def __init__(self, seconds: float, steps: int) -> None:
        self.step = seconds / steps
        self._steps = steps
        self._sums: dict[int, tuple[float, int]] = {}
        self._last: int | None = None

    def add(self, time: float, value: float | None, every: float = 0.0) -> bool:
        """Note what it was at a time; whether the picture moves on, or had nothing at that time before.

        every: how far apart it is looked at, in seconds; steps between two looks are no gaps.
        """
        place = int(time // self.step)
        moved = self._last is None or place > self._last
        self._last = place if self._last is None else max(self._last, place)
        if value is None:
            return moved
        total, count = self._sums.get(place, (0.0, 0))
        self._sums[place] = total + value, count + 1
        for between in range(max(int((time - every) // self.step), self._last - self._steps) + 1, place):
            self._sums.setdefault(between, (value, 1))
        for old in [known for known in self._sums if known <= self._last - self._steps]:
            del self._sums[old]
        return moved or count == 0

    def load(self, start: float, step: float, values: Sequence[float | None]) -> None:
        """Take in what was kept elsewhere, for times of which nothing is known here."""
        known = set(self._sums)
        for number, value in enumerate(values):
            time = start + number * step
            if int(time // self.step) not in known:
                self.add(time, value)

    @property
    def values(self) -> list[float | None]:
        """The means, the oldest first; None where nothing was heard."""
        if self._last is None:
            return []
        places = range(self._last - self._steps + 1, self._last + 1)
        return [self._sums[at][0] / self._sums[at][1] if at in self._sums else None for at in places]
