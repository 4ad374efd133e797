"""Streams that go on when the local server ends underneath: another is asked from where it stopped.

Killing the server harms nothing, so a follow must not notice more than a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from workbench.errors import ServerError

TRIES = 20
"""Times in a row without anything new before the error is passed on."""
PAUSE = 0.25

Read = Callable[[int], Iterator[bytes]]
Items = Callable[[int], Iterator[Any]]


def resumed_bytes(read: Read, offset: int) -> Iterator[bytes]:
    """All bytes from offset on; read(n) gives them from n."""
    failures = 0
    while True:
        try:
            for block in read(offset):
                offset += len(block)
                failures = 0
                yield block
            return
        except ServerError:
            failures += 1
            if failures > TRIES:
                raise
            time.sleep(PAUSE)


def resumed_items(items: Items, offset: int) -> Iterator[Any]:
    """All items of a follow; items(n) gives those whose output starts at n, an item's "offset" how far it is.

    After an interruption the run's row comes again; nothing of its output does.
    """
    failures = 0
    while True:
        try:
            for item in items(offset):
                offset = max(offset, item.get("offset", 0))
                failures = 0
                yield item
            return
        except ServerError:
            failures += 1
            if failures > TRIES:
                raise
            time.sleep(PAUSE)
