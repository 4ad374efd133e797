"""When to try a machine again: exponential delays with a cap and jitter. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Backoff(NamedTuple):
    """How long to wait between attempts; seconds."""

    first: float = 1.0
    factor: float = 2.0
    cap: float = 120.0

    def delay(self, failures: int, roll: float) -> float:
        """Seconds to wait after so many failures in a row (1 or more).

        roll is a random number in [0, 1): between half and all of the exponential delay is waited, so that
        many machines lost at once are not called back at once.
        """
        exponent = min(max(failures, 1) - 1, 64)  # 2**64 is far above any cap; floats must not overflow
        full = min(self.cap, self.first * self.factor**exponent)
        return full / 2 + roll * full / 2
