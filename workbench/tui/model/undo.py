"""What was done from here and can be taken back, the newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

DEPTH = 50


class Done(NamedTuple):
    """Something that was done, and what takes it back."""

    words: str
    back: Callable[[], Awaitable[None]]


class Undo:
    """A stack of what was done. Not kept between visits: what it would take back may have changed since."""

    def __init__(self) -> None:
        self._done: list[Done] = []

    def add(self, words: str, back: Callable[[], Awaitable[None]]) -> None:
        """Remember what was done."""
        self._done = [*self._done[-DEPTH + 1 :], Done(words, back)]

    @property
    def next(self) -> str | None:
        """What would be taken back now."""
        return self._done[-1].words if self._done else None

    async def back(self) -> str:
        """Take the newest back; its words. What fails stays undone and is not tried again."""
        done = self._done.pop()
        await done.back()
        return done.words
