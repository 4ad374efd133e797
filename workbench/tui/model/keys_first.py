"""Keys before news: what is handed to the pages waits for a moment in which nobody types."""

from __future__ import annotations

import asyncio
import time

QUIET = 0.02
"""Seconds after a key in which its answer is drawn."""
LONGEST = 0.15
"""Seconds for which news wait at most: a key that is held down does not stop the list."""


class KeysFirst:
    """Knows when the last key was pressed."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def pressed(self) -> None:
        """A key, or a button of the mouse, just came."""
        self._last = time.monotonic()

    async def turn(self) -> None:
        """Come back when no key has been pressed for a moment, or after a little while."""
        came = time.monotonic()
        while True:
            left = waiting(self._last, came, time.monotonic())
            if left <= 0:
                return
            await asyncio.sleep(left)


def waiting(last_key: float, came: float, now: float) -> float:
    """Seconds that news which came at a moment still wait; all are times of one clock."""
    return max(0.0, min(last_key + QUIET, came + LONGEST) - now)
