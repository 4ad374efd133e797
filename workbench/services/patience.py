"""How long somebody who asked is willing to wait."""

from __future__ import annotations

import time


class Patience:
    """So many seconds from now on; None: without an end."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether they have passed."""
        return self._until is not None and time.monotonic() >= self._until

    def left(self, most: float | None = None) -> float | None:
        """Seconds that are left, at most so many; None without an end."""
        bounds = [] if self._until is None else [max(0.0, self._until - time.monotonic())]
        return min(bounds if most is None else [*bounds, most], default=None)
