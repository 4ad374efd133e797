"""A file opened in a thread that is closed whatever becomes of who opened it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar


class Closable(Protocol):
    """What is closed."""

    def close(self) -> object:
        """Give it back."""


C = TypeVar("C", bound=Closable)


@asynccontextmanager
async def opened(opening: Callable[[], C]) -> AsyncGenerator[C, None]:
    """What `opening` opens in a thread; closed at the end. Raises what it raises.

    `with await asyncio.to_thread(open, ...)` would leave it open when its task is cancelled right then: the
    thread opens it still, and nobody is there to take it.
    """
    coming = asyncio.ensure_future(asyncio.to_thread(opening))
    try:
        held = await asyncio.shield(coming)
    except asyncio.CancelledError:
        coming.add_done_callback(_close)
        raise
    try:
        yield held
    finally:
        held.close()


def _close(coming: asyncio.Future[C]) -> None:
    """Close what came too late to be used; that it did not come at all is nobody's concern any more."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().close()
