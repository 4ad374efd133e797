"""Beginnings that are spread over time: many machines at once are reached one after the other."""

from __future__ import annotations

import asyncio


class Pace:
    """Lets one begin each gap seconds; who never waited this long waits for nothing."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)
