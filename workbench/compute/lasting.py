"""Tasks that go on until they are cancelled: one that breaks says so in the log and begins again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from workbench.compute.backoff import Backoff

CALM = 60.0
"""Seconds after which a task that breaks is taken for one that worked until then."""
AGAIN = Backoff(first=1.0, cap=60.0)
log = logging.getLogger(__name__)


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
        except Exception:  # a mistake of ours about one thing must not end what all others need
            failures = failures + 1 if clock() - began < CALM else 1
            pause = AGAIN.delay(failures, random.random())
            log.exception("%s broke; it begins again in %.0f s", name, pause)
            await asyncio.sleep(pause)
