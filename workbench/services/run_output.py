"""What runs gave: logs, metrics, files, snapshots, and how runs differ."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from workbench.entities.metric import Bucket, Evaluation, Point, SeriesSummary
from workbench.entities.run import Run, RunFile
from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import NotFound, RemoteError, Unreachable, UsageError
from workbench.runs.collect import read_file, safe_path
from workbench.runs.compare import Comparison, compare
from workbench.services.context import Context
from workbench.services.operation import call, items, read
from workbench.snapshots.archive import zip_tree
from workbench.snapshots.diff import unified
from workbench.store.records import RecordBatch
from workbench.store.store import Store
from workbench.store.summaries import METRIC, STEP, TIME, Selection

BLOCK = 1 << 18
MAX_COMPARED = 20
FILES_PATIENCE = 5.0


class RunOutputService:
    """The reading half of the noun `runs`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @read
    async def logs(
        self,
        run: str,
        offset: int = 0,
        lines: int | None = None,
        follow: bool = False,
        since: float | None = None,
    ) -> AsyncIterator[bytes]:
        """The output byte for byte, from offset, or the last `lines`, or the last `since` seconds.

        follow: goes on until the run is over and everything it wrote was given.
        """
        found = await self._context.resolve(run)
        path = await self._context.keep(Store.spool_path, found.id)
        offset = await self._place(found.id, offset, lines, since)
        with self._context.bus.listen(f"runs/{found.id}") as listener:
            while True:
                current = await self._context.keep(Store.run, found.id)
                end = (await self._context.keep(Store.offsets, found.id)).stream
                gaps = await self._context.keep(Store.gaps, found.id)
                async for piece in _stretches(path, offset, end, gaps):
                    offset = piece.stop
                    yield piece.data if piece.gap is None else _gap_line(piece.gap)
                if not follow or (current.status.terminal and not self._draining(found.id)):
                    return
                await listener.take(timeout=1.0)

    @call
    async def log_place(
        self, run: str, offset: int = 0, lines: int | None = None, since: float | None = None
    ) -> dict[str, Any]:
        """{"run": id, "offset"}: where `logs` with these parameters begins, for who may have to resume."""
        found = await self._context.resolve(run)
        return {"run": found.id, "offset": await self._place(found.id, offset, lines, since)}

    async def _place(self, run_id: str, offset: int, lines: int | None, since: float | None) -> int:
        path = await self._context.keep(Store.spool_path, run_id)
        if lines is not None:
            gaps = await self._context.keep(Store.gaps, run_id)
            least = max((stop for _, stop in gaps), default=0)
            offset = max(offset, await asyncio.to_thread(_tail_offset, path, lines, least))
        if since is not None:
            offset = max(offset, await self._context.keep(Store.stream_offset_since, run_id, since))
        return offset

    def _draining(self, run_id: str) -> bool:
        return self._context.conductor.follows(run_id)

    @items
    async def follow(self, run: str, offset: int = 0) -> AsyncIterator[dict[str, Any]]:
        """One live stream of everything: {"log", "offset"}, {"metric"}, {"run"}; ends when it is over.

        Metrics come from now on; logs from offset.
        """
        found = await self._context.resolve(run)
        path = await self._context.keep(Store.spool_path, found.id)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self._context.bus.listen(f"runs/{found.id}") as listener:
            current = await self._context.keep(Store.run, found.id)
            yield {"run": current}
            while True:
                over = current.status.terminal and not self._draining(found.id)
                end = (await self._context.keep(Store.offsets, found.id)).stream
                gaps = await self._context.keep(Store.gaps, found.id)
                async for piece in _stretches(path, offset, end, gaps):
                    offset = piece.stop
                    if piece.gap is not None:
                        yield {"gap": {"from": piece.gap[0], "to": piece.gap[1]}, "offset": offset}
                    else:
                        yield {"log": decoder.decode(piece.data), "offset": offset}
                if over:
                    break
                for kind, news in await listener.take(timeout=1.0):
                    if kind == "records":
                        for point in _points(news):
                            yield {"metric": point}
                    elif kind == "run" and news != current:
                        current = news
                        yield {"run": current}
            yield {"run": await self._context.keep(Store.run, found.id)}

    @call
    async def metrics(self, run: str) -> list[SeriesSummary]:
        """One row a series."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.series, found.id)

    @call
    async def points(
        self, run: str, name: str, rank: int | None = None, limit: int | None = None
    ) -> list[Point]:
        """The values of one metric (AZ-100); raises NotFound for a name the run never logged."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.points, found.id, name, rank, limit)

    @call
    async def envelope(
        self,
        run: str,
        name: str,
        buckets: int = 500,
        rank: int | None = None,
        attempt: int | None = None,
        x: str = "step",
        low: float | None = None,
        high: float | None = None,
    ) -> list[Bucket]:
        """The series as min/max buckets, for a picture buckets columns wide.

        attempt: of one alone, with what newer ones replaced. x: "step", "time" (seconds since 1970), or
        "metric:" and the name of another one. low, high: the part of x that is wanted. Raises NotFound,
        UsageError.
        """
        if x not in (STEP, TIME) and not x.startswith(METRIC):
            raise UsageError(f"a metric has no x axis {x!r}", "it is step, time or metric:NAME")
        found = await self._context.resolve(run)
        selection = Selection(rank, attempt, x, low, high)
        return await self._context.keep(
            Store.envelope, found.id, name, max(1, min(buckets, 10_000)), selection
        )

    @call
    async def rows(self, run: str, name: str | None = None) -> dict[str, dict[str, list[Any]]]:
        """Tables logged row by row, as columns (AZ-99)."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.rows, found.id, name)

    @call
    async def distributions(self, run: str) -> dict[str, dict[str, str]]:
        """What was installed in the Pythons it used, name to version by the interpreter's path (AZ-90)."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.distributions, found.id)

    @call
    async def evaluations(self, run: str, name: str | None = None) -> dict[str, list[Evaluation]]:
        """Confusion matrices and the like by name, as they were logged (AZ-97)."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.evaluations, found.id, name)

    @call
    async def texts(
        self, run: str, name: str | None = None
    ) -> dict[str, list[tuple[int | None, str | None]]]:
        """Metrics whose values are texts, by name: step and text in the order written."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.texts, found.id, name)

    @call
    async def warnings(self, run: str) -> list[str]:
        """What the run's own logging complained about."""
        found = await self._context.resolve(run)
        return await self._context.keep(Store.warnings, found.id)

    @call
    async def compare(self, runs: list[str], all: bool = False) -> Comparison:
        """2 to 20 runs side by side: only what differs, unless all is asked for."""
        if not 2 <= len(runs) <= MAX_COMPARED:
            raise UsageError(f"compare takes 2 to {MAX_COMPARED} runs, not {len(runs)}")
        found = [await self._context.resolve(reference) for reference in runs]
        manifests = [await self._manifest(run) for run in found]
        installed = [await self._context.keep(Store.distributions, run.id) for run in found]
        experiment = await self._context.keep(Store.experiment, found[0].experiment)
        primary = (experiment.primary_metric, experiment.goal) if experiment.primary_metric else None
        return compare(found, manifests, installed, primary=primary, everything=all)

    async def _manifest(self, run: Run) -> Manifest | None:
        if run.snapshot is None or not await self._context.keep(Store.has_manifest, run.snapshot):
            return None
        return await self._context.keep(Store.manifest, run.snapshot)

    async def _manifest_or_fail(self, run: Run) -> Manifest:
        manifest = await self._manifest(run)
        if manifest is None:
            raise NotFound(
                f"{run.name} has no snapshot here", "it ran without code, or was adopted from its machine"
            )
        return manifest

    @call
    async def diff(self, a: str, b: str, path: str | None = None) -> dict[str, str]:
        """{"text": a unified diff of the code of two runs}, of one path if given."""
        before = await self._manifest_or_fail(await self._context.resolve(a))
        after = await self._manifest_or_fail(await self._context.resolve(b))
        shas = {entry.sha256 for manifest in (before, after) for entry in manifest.entries if entry.sha256}
        places = {sha: await self._context.keep(Store.blob_path, sha) for sha in shas}
        return {
            "text": await asyncio.to_thread(
                unified, before, after, lambda sha: places[sha].read_bytes(), path
            )
        }

    @call
    async def files(self, run: str) -> list[RunFile]:
        """What stands in outputs/ and logs/ (AZ-86): as its machine has it now, else as last seen."""
        found = await self._context.resolve(run)
        with suppress(Unreachable, RemoteError, NotFound, TimeoutError):
            async with asyncio.timeout(FILES_PATIENCE):
                link = await self._context.link(found.target)
                return await self._context.collector.list(link, found.id)
        return await self._context.keep(Store.files, found.id)

    @read
    async def download(self, run: str, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """A file's bytes from offset: from here when it was collected, else from its machine."""
        found = await self._context.resolve(run)
        if not safe_path(path):
            raise UsageError(
                f"{path!r} is no file of a run", "wb run files lists them; outputs/... or logs/..."
            )
        known = {file.path: file for file in await self._context.keep(Store.files, found.id)}
        here = self._context.collector.path(found.id, path)
        if found.status.terminal and path in known and known[path].collected and here.exists():
            async for block in _blocks(here, offset, here.stat().st_size):
                yield block
            return
        link = await self._context.link(found.target)
        async for block in read_file(link, found.id, path, offset):
            yield block

    @call
    async def file_hash(self, run: str, path: str) -> dict[str, str]:
        """{"sha256"} of a file as its machine has it now: what a download is checked by."""
        found = await self._context.resolve(run)
        if not safe_path(path):
            raise UsageError(
                f"{path!r} is no file of a run", "wb run files lists them; outputs/... or logs/..."
            )
        known = {file.path: file for file in await self._context.keep(Store.files, found.id)}
        if path in known and known[path].collected and known[path].sha256 is not None:
            return {"sha256": str(known[path].sha256)}
        link = await self._context.link(found.target)
        size = known[path].size if path in known else 0
        async with link.stream("read", {"run": found.id, "path": path, "offset": size}) as stream:
            return {"sha256": str((await stream.result()).get("sha256"))}

    @call
    async def snapshot(self, run: str) -> list[Entry]:
        """The paths of the run's snapshot (AZ-107)."""
        return list((await self._manifest_or_fail(await self._context.resolve(run))).entries)

    @read
    async def snapshot_zip(self, run: str) -> AsyncIterator[bytes]:
        """The run's snapshot as an ordinary zip with modes and links (AZ-117)."""
        manifest = await self._manifest_or_fail(await self._context.resolve(run))
        shas = {entry.sha256 for entry in manifest.entries if entry.sha256}
        places = {sha: await self._context.keep(Store.blob_path, sha) for sha in shas}
        blocks = zip_tree(manifest, lambda sha: _pieces(places[sha]))
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block

    @call
    async def git_diff(self, run: str) -> dict[str, str | None]:
        """{"text": what was not committed when the run was submitted} (AZ-125)."""
        found = await self._context.resolve(run)
        return {"text": await self._context.keep(Store.diff_text, found.id)}


class _Piece(NamedTuple):
    """A stretch of output that ends before stop: its bytes, or the gap the machine left there."""

    stop: int
    data: bytes
    gap: tuple[int, int] | None = None


async def _stretches(path: Path, start: int, end: int, gaps: list[tuple[int, int]]) -> AsyncIterator[_Piece]:
    """Bytes start to end of the spool; a gap is one piece without bytes, not a run of zeros."""
    for gap in [*sorted(gap for gap in gaps if start < gap[1] and gap[0] < end), (end, end)]:
        async for block in _blocks(path, start, min(gap[0], end)):
            start += len(block)
            yield _Piece(start, block)
        if gap[0] < end and start >= gap[0]:
            start = gap[1]
            yield _Piece(start, b"", gap)


def _gap_line(gap: tuple[int, int]) -> bytes:
    return b"\n[... %d bytes of output were not kept ...]\n" % (gap[1] - gap[0])


async def _blocks(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes start to end of a file; nothing when it does not exist yet."""
    handle = await asyncio.to_thread(_opened, path, start) if start < end else None
    if handle is None:
        return
    with handle:
        while start < end and (block := await asyncio.to_thread(handle.read, min(BLOCK, end - start))):
            start += len(block)
            yield block


def _opened(path: Path, start: int) -> BinaryIO | None:
    """The file at start; None when it does not exist (yet)."""
    try:
        handle = open(path, "rb")  # noqa: SIM115 - the caller closes it
    except FileNotFoundError:
        return None
    handle.seek(start)
    return handle


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            yield block


def _tail_offset(path: Path, lines: int, least: int = 0) -> int:
    """Where the last `lines` lines of a file begin, at least; reads backwards, whatever the file's size."""
    if lines <= 0 or not path.exists():
        return path.stat().st_size if path.exists() else 0
    with open(path, "rb") as handle:
        end = handle.seek(0, os.SEEK_END)
        position, wanted, last = end, lines + 1, True
        while position > least:
            size = min(BLOCK, position - least)
            position -= size
            handle.seek(position)
            block = handle.read(size)
            if last and not block.endswith(b"\n"):
                wanted -= 1  # the last line is not ended yet
            last = False
            breaks = (
                [index for index, byte in enumerate(block) if byte == 10]
                if block.count(b"\n") >= wanted
                else []
            )
            if breaks:
                return position + breaks[-wanted] + 1 if len(breaks) >= wanted else position
            wanted -= block.count(b"\n")
    return least


def _points(batch: RecordBatch) -> list[dict[str, Any]]:
    """The metric points of a batch as live items."""
    return [
        {"name": name, "step": step, "value": value, "rank": batch.rank}
        for name, steps, values in batch.metric_columns()
        for step, value in zip(steps, values, strict=True)
    ]
