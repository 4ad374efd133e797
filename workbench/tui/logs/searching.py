"""Searching a log while one goes on reading it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from workbench.text.log_scan import COUNTED
from workbench.tui.logs.search_state import SearchState
from workbench.tui.logs.source import Found, LogSource

AGAIN = 2.0
"""Seconds between two looks at output that came while a search stands."""


class Searcher:
    """Finds matches of one pattern at a time. on_news is called when more is known."""

    def __init__(self, source: LogSource, on_news: Callable[[], None]) -> None:
        self._source = source
        self._on_news = on_news
        self._grown = asyncio.Event()
        self.state: SearchState | None = None
        self.ended = False
        """Whether the log has ended: until then its last line, which was not counted, may match, too."""

    def start(self, said: str) -> SearchState:
        """Look for something else from now on; raises UsageError for a pattern that is none."""
        self.state = SearchState(said)
        self._on_news()
        return self.state

    def stop(self) -> None:
        """Look for nothing any more."""
        self.state = None
        self._on_news()

    def grew(self) -> None:
        """There is more output."""
        self._grown.set()

    async def find_all(self, state: SearchState) -> None:
        """Go through the whole, then through what comes; until cancelled. Raises WorkbenchError."""
        while True:
            self._grown.clear()
            before = state.count
            async with aclosing(self._source.search(state.said, state.at)) as news:
                async for found in news:
                    state.add(Found(found.hits, found.at, before + found.total))
                    self._on_news()
            state.done = True
            self._on_news()
            if state.count >= COUNTED:
                return
            await self._grown.wait()
            await asyncio.sleep(AGAIN)

    async def nearest(self, offset: int, backwards: bool = False) -> tuple[int | None, bool]:
        """The next match after offset, or the one before; and whether it is beyond the other end."""
        state = self.state
        if state is None:
            return None, False
        for start, turned in ((offset, False), ((1 << 62) if backwards else -1, True)):
            found = state.after(start, backwards)
            if (found is None and state.whole and self.ended) or (found is not None and state.covers(found)):
                pass
            else:
                found = await self._ask(state, start, backwards)
            if found is not None:
                return found, turned
        return None, False

    async def _ask(self, state: SearchState, offset: int, backwards: bool) -> int | None:
        start = offset if backwards else offset + 1
        async with aclosing(self._source.search(state.said, start, backwards=backwards, most=1)) as news:
            async for found in news:
                for place, text in found.hits:
                    state.note(place, text)
                    return place
        return None
