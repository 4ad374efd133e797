"""Making the archive of a bundle as a stream: what is large is read as it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.entities.base import replace, to_wire
from workbench.entities.run import Run, RunFile
from workbench.entities.run_bundle import FORM, VERSION, BundledRun, BundleEntry, BundleManifest
from workbench.entities.snapshot import EntryKind, Manifest
from workbench.runs.bundles import MANIFEST, handed_on, own_digest
from workbench.runs.collect import fetch, safe_path
from workbench.runs.compared_facts import MACHINE
from workbench.runs.retrieval import retrieve_contents
from workbench.services.context import Context
from workbench.services.imported_state import machine_there
from workbench.services.log_return import bring_back
from workbench.services.run_snapshots import snapshot_of
from workbench.snapshots.zipstream import ZipStream
from workbench.store.arriving import run_bundle
from workbench.store.fleet import targets
from workbench.store.logs.log_file import LogFile
from workbench.store.runs import files

PIECE = 1 << 20
_MODE = stat.S_IFREG | 0o644


class BundleMaking:
    """One bundle on its way. folder: a place for what is written before it is sent."""

    def __init__(self, context: Context, folder: Path) -> None:
        self._context = context
        self._store = context.store
        self._folder = folder
        self._zip = ZipStream()
        self._entries: dict[str, BundleEntry] = {}

    async def pieces(self, runs: list[Run], *, files: bool, code: bool) -> AsyncIterator[bytes]:
        """The archive. Raises NotFound, Unreachable."""
        for run in runs:
            async for piece in self._run(run, fetched=files):
                yield piece
        if code:
            for snapshot in dict.fromkeys(run.snapshot for run in runs):
                owner = next(run for run in runs if run.snapshot == snapshot)
                if snapshot is not None:
                    async for piece in self._code(owner):
                        yield piece
        told = BundleManifest(
            form=FORM,
            version=VERSION,
            made=datetime.now(UTC),
            runs={run.id: own_digest(run.id, self._entries) for run in runs},
            entries=dict(self._entries),
        )
        async for piece in self._value(MANIFEST, told):
            yield piece
        for piece in self._zip.end():
            yield piece

    async def _run(self, run: Run, *, fetched: bool) -> AsyncIterator[bytes]:
        begin = f"runs/{run.id}"
        stored = await self._files(run, fetched=fetched)
        folder = self._folder / run.id
        folder.mkdir()
        names = await self._store.read(run_bundle.write_records, run.id, folder)
        bundled = await self._store.read(run_bundle.contents, run.id)
        machine = await asyncio.to_thread(machine_there, self._context.folder, run.id)
        if machine is None:
            machine = await self._store.read(targets.facts, run.target)
        bundled = replace(
            bundled,
            configuration=handed_on(bundled.configuration),
            records=names,
            stored=[file.path for file in stored],
            machine={name: machine[name] for name in MACHINE if name in machine},
        )
        async for piece in self._value(f"{begin}/run.json", bundled):
            yield piece
        for at in range(len(names)):
            async for piece in self._file(f"{begin}/records/{at}", folder / str(at)):
                yield piece
        async for piece in self._output(run, bundled):
            yield piece
        for at, file in enumerate(stored):
            place = self._context.collector.path(run.id, file.path)
            async for piece in self._file(f"{begin}/files/{at}", place):
                yield piece

    async def _files(self, run: Run, *, fetched: bool) -> list[RunFile]:
        """The files whose bytes are here, after fetching what is small, or all where that is wanted."""
        if not await self._context.brought(run):
            await self._context.conductor.settled(run.id)  # it may have ended a moment ago
            await self._context.collector.collect(run)
        known = [file for file in await self._store.read(files.every, run.id) if safe_path(file.path)]
        place = self._context.collector.path
        if fetched:
            for file in known:
                if not (file.collected and place(run.id, file.path).exists()):
                    link = await self._context.link(run.target)
                    digest = await fetch(link, run.id, file.path, place(run.id, file.path))
                    await self._store.write(files.mark_collected, run.id, file.path, digest)
            known = await self._store.read(files.every, run.id)
        return [file for file in known if file.collected and place(run.id, file.path).exists()]

    async def _output(self, run: Run, bundled: BundledRun) -> AsyncIterator[bytes]:
        """The log without what its machine did not keep, and when its bytes came."""
        await bring_back(self._context, run, whole=True)
        spool = self._store.spool
        length = await self._store.read(spool.length, run.id)
        if not length:
            return
        gone = sum(min(stop, length) - start for start, stop in bundled.gaps if start < length)
        blocks = _log(spool.path(run.id), length, bundled.gaps)
        async for piece in self._entry(f"runs/{run.id}/output", blocks, length - gone):
            yield piece
        times = await asyncio.to_thread(spool.times(run.id).whole)
        if times:
            async for piece in self._entry(f"runs/{run.id}/times", (times,), len(times)):
                yield piece

    async def _code(self, run: Run) -> AsyncIterator[bytes]:
        manifest = await snapshot_of(self._context, run)
        await retrieve_contents(self._store, self._context.fleet, manifest)
        async for piece in self._value(f"snapshots/{run.snapshot}.json", _lines(manifest)):
            yield piece
        for sha256 in sorted({entry.sha256 for entry in manifest.entries if entry.sha256}):
            if f"blobs/{sha256}" not in self._entries:
                async for piece in self._file(f"blobs/{sha256}", self._store.blob_path(sha256)):
                    yield piece

    async def _value(self, name: str, value: Any) -> AsyncIterator[bytes]:
        data = json.dumps(to_wire(value), separators=(",", ":"), allow_nan=False).encode("ascii")
        async for piece in self._entry(name, (data,), len(data)):
            yield piece

    async def _file(self, name: str, path: Path) -> AsyncIterator[bytes]:
        size = (await asyncio.to_thread(path.stat)).st_size
        async for piece in self._entry(name, _blocks(path), size):
            yield piece

    async def _entry(self, name: str, blocks: Iterable[bytes], size: int) -> AsyncIterator[bytes]:
        """One entry of the archive, made in a thread, and what the manifest will tell of it."""
        told = _Told()
        packed = self._zip.entry(name.encode("ascii"), _MODE, told.of(blocks), size)
        while (piece := await asyncio.to_thread(next, packed, None)) is not None:
            yield piece
        if name != MANIFEST:
            self._entries[name] = BundleEntry(size=told.size, sha256=told.digest.hexdigest())


class _Told:
    """What went through: how much, and its hash."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()

    def of(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            for start in range(0, len(block), PIECE):
                piece = block[start : start + PIECE]
                self.size += len(piece)
                self.digest.update(piece)
                yield piece


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(PIECE):
            yield block


def _log(path: Path, length: int, gaps: list[tuple[int, int]]) -> Iterator[bytes]:
    with LogFile(path) as log:
        at = 0
        for start, stop in [*sorted(gaps), (length, length)]:
            end = min(start, length)
            while at < end and (block := log.read(at, min(end, at + PIECE))):
                at += len(block)
                yield block
            at = max(at, stop)


def _lines(manifest: Manifest) -> list[list[Any]]:
    return [
        [
            entry.path,
            entry.kind.value,
            entry.mode,
            entry.size,
            entry.target if entry.kind is EntryKind.LINK else entry.sha256,
        ]
        for entry in manifest.entries
    ]
