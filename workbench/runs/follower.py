"""The follower: brings what machines write about runs into the store, exactly once.

One task a run. It resumes from the offsets the store committed, so a lost link, a killed server or a laptop
that slept repeats nothing and misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.entities.base import replace
from workbench.entities.run import Run, RunState
from workbench.errors import NotFound, RemoteError, StoreError, Unreachable, WorkbenchError
from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.runs.status import Status, read_status
from workbench.store.arriving.offsets import offsets
from workbench.store.async_store import AsyncStore
from workbench.store.logs.log_file import LogFile
from workbench.store.runs import children
from workbench.text.last_words import TAIL, last_words

RETRY_SECONDS = 2.0
MAX_OFFSET = 1 << 50
MAX_FILE_NAME = 300
TOGETHER = 1 << 20
"""Bytes of output that are committed at once at most, a little more."""
TIMES = "stream.idx"
log = logging.getLogger(__name__)


class TakenBack(Exception):
    """The run was taken back from its machine before it started; it is to go to another."""


class Watcher:
    """What the follower tells about a run as it goes; all methods are called on the event loop."""

    def stream(self, run: str) -> None:
        """More output was committed, or a gap of it."""

    def records(self, run: str) -> None:
        """Records were committed."""

    def changed(self, run: str) -> None:
        """The run's row changed."""


class RunFollower:
    """Follows one run until it is over and everything it wrote is here."""

    def __init__(self, run: Run, store: AsyncStore, fleet: Fleet, watcher: Watcher) -> None:
        self._run = run
        self._store = store
        self._fleet = fleet
        self._watcher = watcher
        self._link: Link | None = None
        self._told = ""

    def heard(self) -> datetime | None:
        """When the machine was last heard, while there is a link to it."""
        if self._link is None or self._link.lost_reason is not None:
            return None
        return datetime.now(UTC) - timedelta(seconds=self._link.silent)

    async def follow(self, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Run:
        """The run's final row. Retries for ever while its machine cannot be reached (law 3).

        A machine that does not have the run decides nothing either: its root may have moved, or its disk not
        be mounted. Only `cancel` ends such a run. Raises TakenBack.
        """
        while True:
            try:
                self._link = await self._fleet.link(self._run.target)
                if await self._session(self._link):
                    return self._run
            except Unreachable as problem:
                log.info("run %s: %s", self._run.id, problem.message)
            except NotFound as problem:
                await self._missing(problem)
            except WorkbenchError as problem:
                # A full disk here or there, a hole in what came: what was not committed is asked for again.
                log.warning("run %s: %s", self._run.id, problem.message)
            await wait(RETRY_SECONDS)

    async def _missing(self, problem: NotFound) -> None:
        """Say in the row that its machine does not have the run."""
        note = f"{self._run.target} has no record of it: {problem.message}"
        if self._told != note:
            self._told = note
            log.warning("run %s: %s", self._run.id, note)
            with suppress(StoreError):  # only a note, and the next look writes it again
                await self.apply(Status([], [], None, note))

    async def _wanted(self) -> dict[str, Any]:
        """What is asked of the machine: all from where it ends here."""
        here = await self._store.read(offsets, self._store.spool, self._run.id)
        return {
            "run": self._run.id,
            "seq": here.seq,
            "stream": here.stream,
            "times": await asyncio.to_thread(self._store.spool.times(self._run.id).size),
            "records": dict(here.records),
        }

    async def _session(self, link: Link) -> bool:
        """Follow over one link; whether the run is over and drained.

        The end is written down last: a server killed before it finds the run active and asks for the rest.
        """
        end: Status | None = None
        stream = link.stream("follow", await self._wanted())
        async with stream:
            async for message in stream:
                if not isinstance(message, dict):
                    await self._data(message, stream)
                elif isinstance(raw := message.get("status"), dict):
                    status = read_status(raw)
                    end = status if status.terminal else None
                    await self.apply(status.without_end)
                else:
                    await self._gap(message)
            await stream.result()
        if end is None:
            return self._run.status.terminal
        if end.transitions[-1].cause == protocol.CAUSE_WITHDRAWN:
            raise TakenBack
        await self.apply(await self._in_its_own_words(end))
        return True

    async def fetch(self) -> None:
        """Bring what is not here of the output of a run that is over; its row stays as it is.

        Raises what a link raises, StoreError.
        """
        link = await self._fleet.link(self._run.target)
        async with link.stream("follow", await self._wanted()) as stream:
            async for message in stream:
                if not isinstance(message, dict):
                    await self._data(message, stream)
                elif "gap" in message:
                    await self._gap(message)
        self._store.spool.taken_back(self._run.id)

    async def _in_its_own_words(self, end: Status) -> Status:
        """An end by an exit code with what the command itself said of it last, where it said anything."""
        last = end.transitions[-1]
        bare = last.cause == protocol.CAUSE_EXIT and last.message == f"exit code {last.exit_code}"
        if last.state is not RunState.FAILED or not bare or last.attempt > 1:
            return end  # the machine knows more; or output of the attempts before stands there, too
        said = await asyncio.to_thread(_last_words, self._store.spool.path(self._run.id))
        if said is None:
            return end
        return end._replace(transitions=[*end.transitions[:-1], replace(last, message=said)])

    async def _gap(self, message: dict[str, Any]) -> None:
        gap = message.get("gap")
        if isinstance(gap, dict):
            first, last = _offset(gap.get("from")), _offset(gap.get("to"))
            await self._store.write(self._store.spool.add_gap, self._run.id, first, last)
            self._watcher.stream(self._run.id)

    async def apply(self, status: Status) -> Run:
        """Write a status into the store and tell the watcher."""
        self._run = await self._store.write(
            children.apply,
            self._run.id,
            status.transitions,
            gpus=status.gpus,
            resources=status.resources,
            note=status.note,
            as_of=datetime.now(UTC),
        )
        self._watcher.changed(self._run.id)
        return self._run

    async def _data(self, chunk: bytes, stream: LinkStream) -> None:
        name, offset, body = _read_chunk(chunk)
        if name == "stream":
            if stream.waiting is not None:
                body = await _with_waiting(offset, body, stream)
            await self._store.write(self._store.spool.append, self._run.id, offset, body)
            self._watcher.stream(self._run.id)
        elif name == TIMES:
            await asyncio.to_thread(self._store.spool.times(self._run.id).add, offset, body)
        else:
            if await self._store.write(self._store.intake.take, self._run.id, name, offset, body):
                self._watcher.records(self._run.id)


def _last_words(spool: Path) -> str | None:
    try:
        with LogFile(spool) as output:
            return last_words(output.read(max(0, output.size - TAIL), output.size))
    except (OSError, StoreError):
        return None  # its output cannot be read: the exit code says it


async def _with_waiting(offset: int, body: bytes, stream: LinkStream) -> bytes:
    """Output with what follows it and is here already: a commit for many chunks, when many come."""
    parts, stop = [body], offset + len(body)
    while stop - offset < TOGETHER and isinstance(stream.waiting, bytes):
        name, start, more = _read_chunk(stream.waiting)
        if name != "stream" or start != stop:
            break
        await anext(stream)
        parts.append(more)
        stop += len(more)
    return b"".join(parts)


def _read_chunk(chunk: bytes) -> tuple[str, int, bytes]:
    """File, offset and bytes of a DATA chunk; raises RemoteError for what no machine of ours sends."""
    try:
        name, offset, body = frames.split_chunk(chunk)
        return name[:MAX_FILE_NAME], _offset(offset), body
    except frames.FrameError as problem:
        raise RemoteError("the machine sent a chunk that makes no sense") from problem


def _offset(value: Any) -> int:
    """A place in a file; raises RemoteError for what is none."""
    if not isinstance(value, int) or not 0 <= value <= MAX_OFFSET:
        raise RemoteError("the machine sent an offset that makes no sense")
    return value
