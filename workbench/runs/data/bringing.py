"""Bringing files to a machine's cache: what it lacks, several at once, resumed after every cut."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from workbench.compute.link import Link
from workbench.errors import Conflict, RemoteError, Unreachable, UsageError, WorkbenchError
from workbench.remote.data.cache import MAX_ENTRIES, key_of
from workbench.remote.forms.tree_paths import path_problem
from workbench.runs.data.origins import Origin, OriginFile, entries_of
from workbench.text.sanitize import clean_name

AT_ONCE = 4
"""Streams that carry files to one machine."""
SMALL = 1 << 20
"""Bytes up to which files travel together."""
TOGETHER = 32 << 20
MOST_TOGETHER = 500
MOST_FETCHED = 1000
"""Files that a machine is left to fetch by itself; more are begun from here."""
ROUNDS = 8
"""Times what is missing is asked for again, where somebody else's turn or a pruning came in between."""
EVERY = 0.5
log = logging.getLogger(__name__)
Say = Callable[[str, int, int], Awaitable[None]]
"""Is told in words how far it is, with bytes that came and of how many."""


class Brought(NamedTuple):
    """A tree of a machine's cache."""

    key: str
    path: str | None
    """Where it lies; None while the machine has still to fetch it."""
    file: str | None
    """The one file that it is; None for a folder."""
    files: int
    bytes: int
    sent: int
    """Bytes that were brought for it just now."""
    fetch: list[dict[str, Any]]
    """What the machine has still to get by itself, from public addresses."""


class Missing(NamedTuple):
    """A file that the machine lacks."""

    id: str
    file: OriginFile
    arrived: int


class NotFetched(Exception):
    """The machine does not get there, or is not let in where this side is."""


class Bringing:
    """One dataset on its way to one machine's cache."""

    def __init__(self, link: Link, origin: Origin, name: str, say: Say) -> None:
        self._link = link
        self._origin = origin
        self._name = name
        self._say = say
        self._text = f"looking at {name}"
        self._done = 0
        self._total = 0
        self._sent = 0
        self._direct = True

    async def bring(self, *, leave: bool = False) -> Brought:
        """Have all of it in the cache.

        leave: the machine may fetch by itself later what has a public address (then it is in `fetch`).
        Raises UsageError, Conflict (it changed meanwhile), what the machine says (no room), Unreachable.
        """
        telling = asyncio.create_task(self._tell(), name=f"progress of {self._name}")
        try:
            return await self._bring(leave)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._say(self._text, self._done, self._total)

    async def _bring(self, leave: bool) -> Brought:
        files = await self._origin.files(self._look)
        self._check(files)
        entries = entries_of(self._origin, files)
        by_path = {file.path: file for file in files}
        by_id = {identity: by_path[path] for path, _, identity in entries}
        key = key_of(entries)
        fetch: list[dict[str, Any]] = []
        wanted = {"key": key, "entries": entries, "name": self._name}
        answer: dict[str, Any] = await self._link.call("data_want", wanted)
        for _ in range(ROUNDS):
            if answer.get("ready"):
                break
            missing = _missing(answer, by_id)
            if leave and (fetch := await self._left(missing)):
                break
            try:
                await self._send(missing)
                answer = await self._link.call("data_seal", {"key": key})
            except RemoteError as problem:
                if problem.data.get("code") != "busy":
                    raise
                await asyncio.sleep(EVERY)  # another connection brings some of it: what is left then?
                answer = await self._link.call("data_want", wanted)
            except NotFetched as problem:
                log.info("%s is sent from here: the machine: %s", self._name, problem)
                self._direct = False
                answer = await self._link.call("data_want", wanted)
        else:
            raise RemoteError(f"the machine does not keep {self._name}", "somebody removes it meanwhile")
        path = answer.get("path") if answer.get("ready") else None
        file = files[0].path if self._origin.single else None
        size = sum(item.size for item in files)
        return Brought(key, None if path is None else str(path), file, len(files), size, self._sent, fetch)

    def _look(self, text: str) -> None:
        self._text = text

    def _check(self, files: list[OriginFile]) -> None:
        if len(files) > MAX_ENTRIES:
            raise UsageError(
                f"{self._name} has {len(files)} files; a machine's cache takes {MAX_ENTRIES} of one dataset",
                "pack them, or put them on the machine and name that: MACHINE:PATH",
            )
        for file in files:
            if (problem := path_problem(file.path)) is not None:
                raise UsageError(f"{self._name}: {clean_name(file.path, 200)!r}: {problem}")

    async def _left(self, missing: list[Missing]) -> list[dict[str, Any]]:
        """What the machine fetches by itself; empty unless that is all of it, and lets nobody in anywhere."""
        if not missing or len(missing) > MOST_FETCHED:
            return []
        found = []
        for item in missing:
            url = await self._origin.url(item.file)
            if url is None or urlsplit(url).query or urlsplit(url).username:
                return []
            found.append(_fetched(item, url))
        return found

    async def _send(self, missing: list[Missing]) -> None:
        """Bring what is missing: by the machine itself where it can, else over the link."""
        self._text = f"sending {self._name}"
        self._total = sum(item.file.size - item.arrived for item in missing)
        self._done = 0
        direct, carried = [], []
        for item in missing:
            url = await self._origin.url(item.file) if self._direct else None
            if url is None:
                carried.append(item)
            else:
                direct.append(_fetched(item, url))
        if direct:
            await self._fetch(direct)
        groups = iter(_groups(carried))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(self._carry(groups))
        except BaseExceptionGroup as problems:
            raise first_problem(problems) from None

    async def _fetch(self, files: list[dict[str, Any]]) -> None:
        self._text = f"the machine fetches {self._name}"
        came = 0
        try:
            async with self._link.stream("data_fetch", {"files": files}) as stream:
                async for message in stream:
                    if isinstance(message, dict) and isinstance(message.get("bytes"), int):
                        came = min(max(0, message["bytes"]), self._total)
                        self._done = came
                await stream.result()
        except (Conflict, Unreachable):  # another content, or our own link is gone
            raise
        except WorkbenchError as problem:
            if problem.data.get("code") in ("busy", "disk_full"):
                raise
            self._sent += came
            raise NotFetched(problem.message) from problem
        self._sent += self._total

    async def _carry(self, groups: Iterator[list[Missing]]) -> None:
        for group in groups:
            files = [[item.id, item.file.size, item.arrived] for item in group]
            async with aclosing(self._blocks(group)) as blocks:
                async with self._link.stream("data_put", {"files": files}, blocks) as stream:
                    async for _ in stream:
                        pass
                    await stream.result()

    async def _blocks(self, group: list[Missing]) -> AsyncGenerator[bytes, None]:
        for item in group:
            async with aclosing(self._origin.blocks(item.file, item.arrived)) as blocks:
                async for block in blocks:
                    self._done += len(block)
                    self._sent += len(block)
                    yield block


def _fetched(item: Missing, url: str) -> dict[str, Any]:
    asked = {"id": item.id, "size": item.file.size, "url": url}
    token = item.file.token
    return {**asked, "etag": token} if token.startswith(('"', "W/")) else asked


def _groups(missing: list[Missing]) -> list[list[Missing]]:
    """What travels in one stream each: a large file, or many small ones. The largest first."""
    groups: list[list[Missing]] = []
    together: list[Missing] = []
    size = 0
    for item in sorted(missing, key=lambda item: -item.file.size):
        if item.file.size > SMALL:
            groups.append([item])
            continue
        if len(together) >= MOST_TOGETHER or size + item.file.size > TOGETHER:
            groups.append(together)
            together, size = [], 0
        together.append(item)
        size += item.file.size
    return [*groups, together] if together else groups


def _missing(answer: dict[str, Any], known: dict[str, OriginFile]) -> list[Missing]:
    """What a machine says it lacks: it cannot ask for other files, nor for bytes that are none."""
    rows = answer.get("missing")
    if not isinstance(rows, list):
        raise RemoteError("the machine did not say which files of the data it lacks")
    found = []  # none where all contents are there already, of another dataset
    for row in rows:
        identity = row[0] if isinstance(row, list) and len(row) == 3 else None
        file = known.get(identity) if isinstance(identity, str) else None
        if file is not None and identity is not None and isinstance(row[2], int):
            found.append(Missing(identity, file, row[2] if 0 <= row[2] <= file.size else 0))
    return found


def first_problem(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of several tasks that says most: ours before what else came of it."""
    flat: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        problem = waiting.pop(0)
        if isinstance(problem, BaseExceptionGroup):
            waiting += problem.exceptions
        else:
            flat.append(problem)
    return next((problem for problem in flat if isinstance(problem, WorkbenchError)), flat[0])
