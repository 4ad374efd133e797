"""Tasks that go on until they are cancelled: one that breaks says so in the log and begins again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from workbench.compute.backoff import Backoff

CALM = 60.0
"""Seconds after which a task that breaks is taken for one that worked until then."""
AGAIN = Backoff(first=1.0, cap=60.0)
MOST = 50
"""Tasks whose breaks are remembered; there are some for each machine."""
log = logging.getLogger(__name__)


class Break(NamedTuple):
    """What is known of a task that broke."""

    name: str
    often: int
    time: float
    """Of the last break, in seconds since 1970."""
    error: str

    @property
    def text(self) -> str:
        """It in a line."""
        times = "once" if self.often == 1 else f"{self.often} times"
        return f"what looks after {self.name} broke {times}, at last by {self.error}"


_breaks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Break]] = WeakKeyDictionary()


def breaks() -> list[Break]:
    """The tasks of this event loop that broke since it began, the latest last."""
    return sorted(_breaks.get(asyncio.get_running_loop(), {}).values(), key=lambda found: found.time)


def lasting(make: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
    """Begin what make gives, and after each break what it gives then; ended when that returns.

    It must look at its state anew when it begins. name: what the log is to say broke.
    """
    return asyncio.create_task(_last(make, name), name=name)


async def _last(make: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
    clock = asyncio.get_running_loop().time
    failures = 0
    while True:
        began = clock()
        try:
            return await make()
        except Exception as problem:  # a mistake of ours about one thing must not end what all others need
            failures = failures + 1 if clock() - began < CALM else 1
            pause = AGAIN.delay(failures, random.random())
            _remember(name, problem)
            log.exception("%s broke; it begins again in %.0f s", name, pause)
            await asyncio.sleep(pause)


def _remember(name: str, problem: Exception) -> None:
    known = _breaks.setdefault(asyncio.get_running_loop(), {})
    count = known[name].often if name in known else 0
    if count or len(known) < MOST:
        text = f"{type(problem).__name__}: {problem}".partition("\n")[0]
        known[name] = Break(name, count + 1, time.time(), text[:300])
