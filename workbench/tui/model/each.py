"""One call for each of many runs: so many at once as a server answers soon, and every failure told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from workbench.errors import WorkbenchError

AT_ONCE = 16
"""Calls that wait for their answer; of thousands at once the last ones would be given up."""


async def each(
    call: Callable[[str], Awaitable[Any]], ids: Sequence[str]
) -> tuple[dict[str, Any], list[WorkbenchError]]:
    """What each id's call gave, and what failed; any other error is raised once all are done."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(id: str) -> Any:
        async with turns:
            return await call(id)

    found = await asyncio.gather(*(one(id) for id in ids), return_exceptions=True)
    failed = [item for item in found if isinstance(item, WorkbenchError)]
    for item in found:
        if isinstance(item, BaseException) and not isinstance(item, WorkbenchError):
            raise item
    done = {id: item for id, item in zip(ids, found, strict=True) if not isinstance(item, BaseException)}
    return done, failed


def told_once(failed: Sequence[WorkbenchError]) -> list[WorkbenchError]:
    """The failures whose sentences differ, at most a few: thousands of runs may fail alike."""
    return list({str(error): error for error in failed}.values())[:5]
