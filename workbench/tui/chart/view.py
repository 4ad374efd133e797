"""How one looks at a chart: what part of x, which axes are logarithmic, how smooth. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.text.axis import Axis

SMOOTHING = (0.0, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
ZOOM = 2.0
PAN = 0.25
_CLOSEST = {"count": 4.0, "duration": 1e-3, "moment": 1e-3}
"""The least range that zooming reaches, by what is counted; other numbers: a share of the whole."""
_CLOSEST_SHARE = 1e-6


class View(NamedTuple):
    """A way of looking; low and high None: at the whole."""

    low: float | None = None
    high: float | None = None
    log_x: bool = False
    log_y: bool = False
    level: int = 0
    """An index of SMOOTHING."""

    @property
    def smoothing(self) -> float:
        """The weight of what came before, 0 to 1."""
        return SMOOTHING[self.level]

    @property
    def zoomed(self) -> bool:
        """Whether only a part of x is seen."""
        return self.low is not None

    def axis(self, whole: Axis) -> Axis:
        """The part of x that is seen, of a whole that may have grown since."""
        if self.low is None or self.high is None:
            return whole
        return whole._replace(low=self.low, high=self.high)

    def zoom(self, whole: Axis, factor: float, about: float | None = None) -> View:
        """Closer by factor, or farther when it is below 1; about stays where it is."""
        now = self.axis(whole)
        place = 0.5 if about is None else min(1.0, max(0.0, now.place(about)))
        low, high = now.value(place - place / factor), now.value(place + (1 - place) / factor)
        closest = _CLOSEST.get(whole.kind, (whole.high - whole.low) * _CLOSEST_SHARE)
        if factor > 1 and high - low < max(closest, abs(high) * 1e-12):
            return self
        return self._within(whole, low, high)

    def to(self, whole: Axis, low: float, high: float) -> View:
        """Exactly from low to high, in either order."""
        low, high = min(low, high), max(low, high)
        closest = _CLOSEST.get(whole.kind, (whole.high - whole.low) * _CLOSEST_SHARE)
        if high - low < max(closest, abs(high) * 1e-12):
            return self
        return self._within(whole, low, high)

    def pan(self, whole: Axis, share: float) -> View:
        """Moved by a share of what is seen, not beyond the whole."""
        if not self.zoomed:
            return self
        now = self.axis(whole)
        first, last = now.place(whole.low), now.place(whole.high)
        share = min(max(share, first), last - 1) if first <= last - 1 else 0.0
        return self._replace(low=now.value(share), high=now.value(1 + share))

    def _within(self, whole: Axis, low: float, high: float) -> View:
        low, high = max(low, whole.low), min(high, whole.high)
        if (low <= whole.low and high >= whole.high) or not low < high:
            return self.whole()
        return self._replace(low=low, high=high)

    def whole(self) -> View:
        """All of x."""
        return self._replace(low=None, high=None)
