"""Streams that go on when the local server ends underneath: another is asked from where it stopped.

Killing the server harms nothing, so a follow must not notice more than a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from workbench.errors import ServerError

TRIES = 20
"""Times in a row without anything new before the error is passed on."""
PAUSE = 0.25

T = TypeVar("T")


def resumed_bytes(read: Callable[[int], Iterator[bytes]], offset: int) -> Iterator[bytes]:
    """All bytes from offset on; read(n) gives them from n."""
    return _resumed(read, offset, lambda place, block: place + len(block))


def resumed_items(items: Callable[[int], Iterator[Any]], offset: int) -> Iterator[Any]:
    """All items of a follow; items(n) gives those whose output starts at n, an item's "offset" how far it is.

    After an interruption the run's row comes again; nothing of its output does.
    """
    return _resumed(items, offset, lambda place, item: max(place, item.get("offset", 0)))


def _resumed(source: Callable[[int], Iterator[T]], place: int, moved: Callable[[int, T], int]) -> Iterator[T]:
    """What source(place) gives, and after each interruption what it gives from where that stopped."""
    failures = 0
    while True:
        try:
            for piece in source(place):
                place = moved(place, piece)
                failures = 0
                yield piece
            return
        except ServerError:
            failures += 1
            if failures > TRIES:
                raise
            time.sleep(PAUSE)
