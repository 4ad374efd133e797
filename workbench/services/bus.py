"""News inside the server: who writes tells, who streams listens. Nothing is stored here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_WAITING = 4096


class Listener:
    """A bounded queue of news on one subject; when it overflows the oldest are dropped."""

    def __init__(self) -> None:
        self._news: list[Any] = []
        self._ready = asyncio.Event()

    def put(self, news: Any) -> None:
        """Add news; never blocks."""
        if len(self._news) >= MAX_WAITING:
            del self._news[: MAX_WAITING // 2]
        self._news.append(news)
        self._ready.set()

    async def take(self, timeout: float | None = None) -> list[Any]:
        """All that is waiting, at least one piece; empty when timeout seconds pass first."""
        try:
            # wait_for would lose a cancellation that comes together with news (Python 3.11).
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            return []
        news, self._news = self._news, []
        self._ready.clear()
        return news


class Bus:
    """Subjects and who listens to them. Used from the event loop only."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}

    def tell(self, subject: str, news: Any) -> None:
        """Hand news to whoever listens to subject now."""
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
