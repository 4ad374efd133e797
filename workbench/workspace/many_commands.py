"""One command on several machines at once: whole lines as they come, and how it ended on each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from workbench.errors import RemoteError, WorkbenchError
from workbench.text.whole_lines import WholeLines

log = logging.getLogger(__name__)
AT_ONCE = 16
"""Machines a command runs on at the same time."""
AHEAD = 1000
"""Lines that may wait for their reader; a slow one slows the commands."""


class Services(Protocol):
    """What is needed of the workspace's asyncio client."""

    def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come."""


class Said(NamedTuple):
    """A line that a machine's command wrote; stream is "out" or "err"."""

    name: str
    stream: str
    line: str


class Ended(NamedTuple):
    """How it went on a machine: {"name", "exit_code"} or {"name", "code", "problem", "hint"?}."""

    result: Mapping[str, Any]


Item = Said | Ended


async def run_on(
    services: Services, names: Sequence[str], what: Mapping[str, Any], *, at_once: int = AT_ONCE
) -> AsyncGenerator[Item, None]:
    """Run what `compute.exec` takes (argv or shell, timeout) on machines, at most so many at once.

    A machine that cannot be reached ends with its problem, the others go on. Closing the generator ends every
    command that still runs.
    """
    news: asyncio.Queue[Item] = asyncio.Queue(AHEAD)
    turns = asyncio.Semaphore(at_once)
    tasks = [asyncio.create_task(_one(services, name, what, turns, news.put)) for name in names]
    left = len(tasks)
    try:
        while left:
            item = await news.get()
            left -= isinstance(item, Ended)
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(
    services: Services, name: str, what: Mapping[str, Any], turns: asyncio.Semaphore, tell: Any
) -> None:
    lines = {"out": WholeLines(), "err": WholeLines()}
    result: dict[str, Any] = {"name": name}
    async with turns:
        try:
            async with aclosing(services.items("compute", "exec", name=name, **what)) as items:
                async for item in items:
                    for stream, cutter in lines.items():
                        for line in cutter.feed(str(item.get(stream, ""))):
                            await tell(Said(name, stream, line))
                    if item.get("exit_code") is not None:
                        result["exit_code"] = int(item["exit_code"])
            if "exit_code" not in result:
                raise RemoteError("it did not say how the command ended")
        except WorkbenchError as problem:
            result |= {"code": problem.code, "problem": problem.message}
            result |= {"hint": problem.hint} if problem.hint else {}
            if problem.exit_code == UNREACHABLE:
                result["unreachable"] = True
        except Exception as problem:  # a mistake of ours: who listens waits for an end of every machine
            log.exception("the command on %s broke", name)
            result |= {"code": WorkbenchError.code, "problem": f"it broke here: {problem!r}"}
    for stream, cutter in lines.items():
        for line in cutter.close():
            await tell(Said(name, stream, line))
    await tell(Ended(result))


UNREACHABLE = 4
"""The exit code of errors that mean a machine could not be reached."""
