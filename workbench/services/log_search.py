"""Searching the output of runs: each search in a process that ends with it."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from workbench.errors import StoreError, UsageError, from_wire
from workbench.services.context import Context
from workbench.services.log_extent import LogExtent, log_extent
from workbench.services.operation import items, read
from workbench.store.logs.log_file import LogFile
from workbench.text.log_pattern import parse
from workbench.text.log_scan import COUNTED
from workbench.text.sanitize import clean

LISTED = 100_000
"""Hits of which the places are told; more are counted only."""
EVERY = 1 << 62
MOST_NEWS = 1 << 26
"""Bytes of one line of news at most."""
BLOCK = 1 << 18
AT_ONCE = 8
"""Searches that compute at a time; others wait for their turn."""
SAID = 4096
"""Bytes of what a search that broke off said that are kept for the server's log."""
log = logging.getLogger(__name__)


class LogSearchService:
    """Which lines of a log match."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turns = asyncio.Semaphore(AT_ONCE)

    @items
    async def log_search(
        self,
        run: str,
        pattern: str,
        offset: int = 0,
        backwards: bool = False,
        most: int | None = None,
        log: str = "",
    ) -> AsyncIterator[dict[str, Any]]:
        """{"hits": [[offset, text]], "at", "count"}: the lines that match, as they are found.

        pattern is a text, or a regular expression as /.../; capitals in it make it tell them apart. From
        offset on, or before it. Places are told of the first LISTED hits, texts of what a regular expression
        found; after COUNTED hits it ends. A line that is still being written is searched for one hit only, as
        it would be counted again. Raises UsageError for a pattern that is none or costs too much.
        """
        parse(pattern)
        async with aclosing(self._searched(run, log, pattern, offset, backwards, most)) as found:
            async for news in found:
                yield news

    @items
    async def log_errors(
        self, run: str, offset: int = 0, most: int = 1, backwards: bool = False, log: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """As log_search: the first lines from offset on, or before it, that tell of an error."""
        async with aclosing(self._searched(run, log, None, offset, backwards, most)) as found:
            async for news in found:
                yield news

    async def _searched(
        self, run: str, log: str, pattern: str | None, offset: int, backwards: bool, most: int | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log)
        most = COUNTED if most is None else min(most, COUNTED)
        question = _question(extent, pattern, offset) | {"backwards": backwards, "most": most}
        if most == 1:  # who looks for one finds it in a line that is not whole yet, too
            question["unfinished"] = True
        async with self._turns, aclosing(_answers(question)) as answers:
            async for news in answers:
                yield {**news, "hits": [[place, text] for place, _, _, text in news["hits"]]}

    @read
    async def log_grep(
        self, run: str, pattern: str, offset: int = 0, log: str = "", stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """The lines that match, from offset on to stop, byte for byte; pattern as in log_search."""
        parse(pattern)
        found = await self._context.place(run)
        extent = await log_extent(self._context, found.id, log, whole=True)
        if stop is not None and stop < extent.size:
            extent = extent._replace(size=stop, ended=True)
        question = _question(extent, pattern, offset) | {"unfinished": True, "listed": EVERY, "spans": True}
        async with self._turns, aclosing(_answers(question)) as answers:
            lines = _Lines(extent)
            async for news in answers:
                for block in await asyncio.to_thread(lines.blocks, news["spans"]):
                    yield block
            if rest := lines.rest():
                yield rest


def _question(extent: LogExtent, pattern: str | None, offset: int) -> dict[str, Any]:
    return {
        "path": str(extent.path),
        "size": extent.size,
        "gaps": extent.gaps,
        "pattern": pattern,
        "offset": max(0, offset),
        "backwards": False,
        "most": None,
        "listed": LISTED,
        "spans": False,
        "unfinished": extent.ended,
    }


async def _answers(question: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """What the searching process says; it ends when nobody listens any more."""
    if not question["size"]:
        yield {"hits": [], "spans": [], "at": 0, "count": 0}
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "workbench.services.log_scanner",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        limit=MOST_NEWS,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(_last_words(process.stderr))
    try:
        process.stdin.write(json.dumps(question).encode())
        process.stdin.close()
        while line := await process.stdout.readline():
            news = json.loads(line)
            if "error" in news:
                raise from_wire(news["error"])
            yield news
        code = await process.wait()
        if code == -signal.SIGVTALRM:
            raise UsageError(
                f"{question['pattern']} takes too long to look for",
                "a repeat within a repeat, as in (a+)+, may never end",
            )
        if code:
            log.error("a search ended with %d: %s", code, clean(await said, SAID))
            raise StoreError("the search broke off", "try again")
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())
        said.cancel()


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The end of all that a process says, drained so that it never waits for us."""
    kept = b""
    while block := await stream.read(SAID):
        kept = (kept + block)[-SAID:]
    return kept.decode("utf-8", "replace")


class _Lines:
    """Lines of a log that are handed on, each ended by a newline; pieces of one that overlap come once."""

    def __init__(self, extent: LogExtent) -> None:
        self._path = extent.path
        self._told = 0
        self._open = False
        """Whether what was handed on last is a piece of a line that may go on."""

    def blocks(self, spans: list[tuple[int, int]]) -> list[bytes]:
        """The bytes of spans, together in blocks. Spans are in order, over all calls."""
        blocks, waiting = [], bytearray()
        with LogFile(self._path) as file:
            for start, stop in spans:
                if self._open and start > self._told:
                    waiting += b"\n"
                waiting += file.read(max(start, self._told), stop)
                self._told = max(stop, self._told)
                self._open = not waiting.endswith(b"\n") if waiting else self._open
                if len(waiting) >= BLOCK:
                    blocks.append(bytes(waiting))
                    waiting.clear()
        return [*blocks, bytes(waiting)] if waiting else blocks

    def rest(self) -> bytes:
        """What ends the last one."""
        return b"\n" if self._open else b""
