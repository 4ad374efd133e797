"""Several logs merged by time into a file that grows as they do, so that it is looked at as any other log.

One task a merging reads what its logs have; it ends when all have ended, or when nobody looked for a while,
and then the file goes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from workbench.errors import WorkbenchError
from workbench.opened_file import opened
from workbench.services.context import Context
from workbench.services.log_extent import LogExtent, one_extent
from workbench.store.logs.line_index import LineIndex
from workbench.store.logs.log_file import LogFile
from workbench.store.logs.log_times import LogTimes, Mark
from workbench.store.runs import run_rows
from workbench.store.sqlite.problems import explained
from workbench.text.log_merge import Merge, MergedLine, labels, tagged
from workbench.text.log_names import LogName, label

MOST = 64 << 20
"""Bytes of each log that are merged at most: its last ones."""
PART = 1 << 20
AHEAD = 20_000
"""Lines of one log that wait for those of others at most."""
QUIET = 0.7
"""Seconds after which a log that says nothing holds up the others no more: longer than bytes travel."""
LOOK = 0.15
UNWANTED = 60.0
MARKS = 20_000
log = logging.getLogger(__name__)


class LogMerging:
    """The mergings of one workspace that somebody looks at. Used from the event loop only."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, tuple[LogName, ...]], _Merging] = {}

    async def extent(
        self, context: Context, run_id: str, names: Sequence[LogName], *, whole: bool = False
    ) -> LogExtent:
        """The extent of the logs merged, as far as they are. whole: all that there is now.

        Raises what the extents of the logs raise, StoreError.
        """
        key = (run_id, tuple(names))
        merging = self._running.get(key)
        if merging is None:
            merging = self._running[key] = _Merging(context, run_id, names)
            merging.task.add_done_callback(lambda _: self._running.pop(key, None))
        if whole:
            await merging.caught_up()
        return await merging.extent()

    async def close(self) -> None:
        """End all."""
        tasks = [merging.task for merging in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Merging:
    """One merged log."""

    def __init__(self, context: Context, run_id: str, names: Sequence[LogName]) -> None:
        self._context = context
        self._run_id = run_id
        self._names = names
        self._merge = Merge(len(names))
        self._labels, self._width = labels([_label(name) for name in names])
        digest = hashlib.sha256("\n".join(f"{name.run}:{name.path}" for name in names).encode()).hexdigest()
        self._path: Path = context.store.spool.merged(run_id) / f"{digest[:32]}.log"
        self._times = LogTimes(self._path.with_suffix(".idx"))
        self._lines = LineIndex(self._path, self._path.with_suffix(".lines"))
        self._inputs: list[_Input] = []
        self._size = 0
        self._noted = float("-inf")
        self._ended = False
        self._writing = False
        """Whether lines were given out that do not stand in the file yet."""
        self._problem: WorkbenchError | None = None
        self._wanted = time.monotonic()
        self.task = asyncio.create_task(self._work(), name=f"logs merged of {run_id}")

    async def extent(self) -> LogExtent:
        """How much is merged; raises what keeps it from going on."""
        self._wanted = time.monotonic()
        if self._problem is not None:
            raise self._problem
        run = self._context.fresh(await self._context.store.read(run_rows.get, self._run_id))
        return LogExtent(run, self._path, self._size, [], self._ended, run.as_of, self._times, self._lines)

    async def caught_up(self) -> None:
        """Wait until all that is there now is merged, or has waited for others as long as it may."""
        sizes = [
            (await one_extent(self._context, self._run_id, name, whole=True)).size for name in self._names
        ]
        read_at = None
        while self._problem is None and not self._ended:
            self._wanted = now = time.monotonic()
            read = bool(self._inputs) and all(
                of.offset >= size for of, size in zip(self._inputs, sizes, strict=True)
            )
            read_at = now if read and read_at is None else read_at
            patient = read_at is not None and now - read_at > 2 * QUIET
            if read_at is not None and not self._writing and (patient or not self._waiting):
                return
            await asyncio.sleep(LOOK / 2)

    @property
    def _waiting(self) -> bool:
        """Whether lines wait for those of other logs."""
        return any(self._merge.waiting(number) for number in range(len(self._names)))

    async def _work(self) -> None:
        try:
            with explained(self._path.parent):
                await self._merge_on()
        except WorkbenchError as problem:
            self._problem = problem
            await asyncio.sleep(LOOK * 10)  # long enough to be told, then it is tried anew
        finally:
            _remove(self._path)

    async def _merge_on(self) -> None:
        await asyncio.to_thread(_clear, self._path)
        async with opened(lambda: open(self._path, "wb")) as file:
            await self._begin(file)
            while time.monotonic() - self._wanted < UNWANTED:
                if self._ended:
                    await asyncio.sleep(1.0)
                elif not await self._round(file):
                    await asyncio.sleep(LOOK)

    async def _begin(self, file: BinaryIO) -> None:
        """Begin where the last MOST bytes of each log do, all at the same time."""
        extents = await asyncio.gather(*(
            one_extent(self._context, self._run_id, name, whole=True) for name in self._names
        ))  # fmt: skip
        left_out, inputs = 0, []
        since = float("-inf")
        for extent in extents:
            if extent.size > MOST:
                begun = await asyncio.to_thread(extent.times.at, extent.size - MOST)
                since = max(since, begun if begun is not None else since)
        for extent in extents:
            start = max(0, extent.size - MOST)
            if since > float("-inf"):
                found = await asyncio.to_thread(extent.times.offset, since)
                start = max(start, found if found is not None else start)
            left_out += start
            inputs.append(_Input(start))
        self._inputs = inputs
        if left_out:
            await self._write(file, b"[... %d bytes before this are in the logs themselves ...]\n" % left_out)

    async def _round(self, file: BinaryIO) -> bool:
        """Take in what is new and write what is in order; whether there was anything."""
        moved = False
        for number, (name, of) in enumerate(zip(self._names, self._inputs, strict=True)):
            if of.over or self._merge.waiting(number) > AHEAD:
                continue
            extent = await one_extent(self._context, self._run_id, name)
            stop = min(extent.size, of.offset + PART)
            parts = await asyncio.to_thread(_parts, extent, of.offset, stop)
            for data, moment in parts:
                self._merge.put(number, data, moment)
            if stop > of.offset:
                of.offset, of.moved, moved = stop, time.monotonic(), True
            elif extent.ended:
                of.over = moved = True
                self._merge.end(number)
            silent = of.offset >= extent.size and time.monotonic() - of.moved > QUIET
            self._merge.quiet(number, silent)
        lines = list(self._merge.take())
        self._writing = bool(lines)
        if lines:
            await self._write_lines(file, lines)
        self._writing = False
        self._ended = all(of.over for of in self._inputs) and not lines
        return moved or bool(lines)

    async def _write_lines(self, file: BinaryIO, lines: list[MergedLine]) -> None:
        written, marks = bytearray(), []
        for line in lines:
            if line.time is not None and line.time != self._noted:
                self._noted = line.time
                marks.append(Mark(self._size + len(written), line.time))
            written += tagged(line.text, self._labels[line.source], line.source, self._width)

        def note() -> None:
            for mark in marks:
                self._times.note(mark.time, mark.offset)

        await asyncio.to_thread(note)
        await self._write(file, bytes(written))

    async def _write(self, file: BinaryIO, data: bytes) -> None:
        def write() -> None:
            file.write(data)
            file.flush()

        await asyncio.to_thread(write)
        self._size += len(data)


class _Input:
    """How far one log was read."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.moved = time.monotonic()
        self.over = False


def _label(name: LogName) -> str:
    if name.run is None:
        return label(name.path)
    return name.run[-4:].lower() + (f" {label(name.path)}" if name.path else "")


def _parts(extent: LogExtent, start: int, stop: int) -> list[tuple[bytes, float | None]]:
    """Bytes start to stop of a log, cut where others came at another time, gaps as a line."""
    if start >= stop:
        return []
    marks = extent.times.between(start, stop, MARKS)
    edges = sorted({start, stop, *(mark.offset for mark in marks if start < mark.offset < stop)}
                   | {edge for gap in extent.gaps for edge in gap if start < edge < stop})  # fmt: skip
    found: list[tuple[bytes, float | None]] = []
    at = 0
    with LogFile(extent.path) as file:
        for low, high in pairwise(edges):
            while at + 1 < len(marks) and marks[at + 1].offset <= low:
                at += 1
            moment = marks[at].time if marks and marks[at].offset <= low else None
            if any(gap[0] <= low < gap[1] for gap in extent.gaps):
                found.append((b"[... %d bytes were not kept ...]\n" % (high - low), moment))
            else:
                found.append((file.read(low, high), moment))
    return found


def _clear(path: Path) -> None:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    _remove(path)


def _remove(path: Path) -> None:
    for name in (path, path.with_suffix(".idx"), path.with_suffix(".lines")):
        name.unlink(missing_ok=True)
