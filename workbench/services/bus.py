"""News inside the server: who writes tells, who streams listens and looks for itself what there is.

The bus carries news, never state: a listener keeps that something happened, not what, so one that stopped
reading costs the same as any other and finds everything when it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto


class News(Enum):
    """What can have happened to a subject."""

    STREAM = auto()
    """More of a run's output is here."""
    RECORDS = auto()
    """More of a run's records are here."""
    ROW = auto()
    """A run's row changed."""
    EVENTS = auto()
    """Events were written."""


class Listener:
    """What happened to one subject since its listener looked last."""

    def __init__(self) -> None:
        self._news: set[News] = set()
        self._ready = asyncio.Event()

    def put(self, news: News) -> None:
        """Note that it happened; never blocks."""
        self._news.add(news)
        self._ready.set()

    async def take(self, timeout: float | None = None) -> set[News]:
        """All that happened, at least something; empty when timeout seconds pass first."""
        try:
            # wait_for would lose a cancellation that comes together with news (Python 3.11).
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            return set()
        news, self._news = self._news, set()
        self._ready.clear()
        return news


class Bus:
    """Subjects and who listens to them. Used from the event loop only."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}

    def tell(self, subject: str, news: News) -> None:
        """Tell whoever listens to subject now."""
        for listener in self._listeners.get(subject, ()):
            listener.put(news)

    @contextmanager
    def listen(self, subject: str) -> Iterator[Listener]:
        """A listener for as long as the block lasts."""
        listener = Listener()
        self._listeners.setdefault(subject, set()).add(listener)
        try:
            yield listener
        finally:
            waiting = self._listeners[subject]
            waiting.discard(listener)
            if not waiting:
                del self._listeners[subject]
