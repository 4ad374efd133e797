"""When to ask a source: at once for what the user did, now and then for what is new."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.timer import Timer
from textual.widget import Widget

GAP = 0.5
"""Seconds between two questions that only news cause, at least."""
PAUSE = 10
"""How many times as long as its last answer took it then waits: what is large is asked for less often."""


class Feed:
    """Asks for a widget, one question at a time; what comes up meanwhile is asked for after it, once."""

    def __init__(self, widget: Widget, ask: Callable[[], Awaitable[None]]) -> None:
        self._widget, self._ask = widget, ask
        self._asking = False
        self._again = False
        self._asked = float("-inf")
        self._gap = GAP
        self._timer: Timer | None = None

    def news(self) -> None:
        """There may be something new."""
        wait = self._asked + self._gap - time.monotonic()
        if wait <= 0:
            self.now()
        elif self._timer is None:
            self._timer = self._widget.set_timer(wait, self.now)

    def now(self) -> None:
        """Ask as soon as no question is open."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._asking:
            self._again = True
        else:
            self._asking = True
            self._widget.run_worker(self._run(), name="chart feed")

    async def _run(self) -> None:
        try:
            while True:
                self._again, self._asked = False, time.monotonic()
                await self._ask()
                self._gap = max(GAP, PAUSE * (time.monotonic() - self._asked))
                if not self._again:
                    return
        finally:
            self._asking = False
