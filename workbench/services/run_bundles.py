"""Runs handed on in one file: made of what is here, and brought in as the same runs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.entities.run import Run
from workbench.entities.run_bundle import BundledRun
from workbench.errors import Conflict, UsageError
from workbench.home import private_folder
from workbench.opened_file import opened
from workbench.runs.bundles import Bundle
from workbench.services.bundle_making import BundleMaking
from workbench.services.context import Context
from workbench.services.imported_state import read_state, write_state
from workbench.services.operation import call, read, write
from workbench.services.snapshots import UPLOAD
from workbench.store.arriving import run_bundle
from workbench.store.registry import manifests
from workbench.store.runs import files, kept_runs, run_rows
from workbench.store.sqlite.problems import explain_disk

Runs = list[str]

MOST = 1 << 40
"""Bytes of a bundle that is taken in."""
PIECE = 1 << 20
TOGETHER = 8 << 20
"""Bytes of records that are taken in at once."""


class RunBundleService:
    """Runs out of this workspace and into it, whole: rows, points, output, files, code, notes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._one = asyncio.Lock()
        """One bundle at a time is taken in."""

    @call
    async def bundled(self, runs: Runs) -> list[Run]:
        """The runs that a bundle of these has: with whatever they made in their own process.

        Raises NotFound; Conflict when one is not over.
        """
        found: dict[str, Run] = {}
        for reference in runs:
            run = await self._context.resolve(reference)
            for other in await self._store.read(run_bundle.family, run.id):
                found[other] = await self._store.read(run_rows.get, other)
        for run in found.values():
            if not run.status.terminal:
                raise Conflict(f"{run.name} is not over", f"wb run wait {run.name}, then export it")
        if not found:
            raise UsageError("no run is named")
        return list(found.values())

    @read
    async def bundle(self, runs: Runs, files: bool = False, code: bool = True) -> AsyncIterator[bytes]:
        """Runs as one archive: files that are not here come from their machines only when files is true.

        Secrets are not in it, nor what was to be done at a run's end. Raises NotFound, Conflict, Unreachable.
        """
        found = await self.bundled(runs)
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="bundle-", dir=self._context.folder)
        try:
            making = BundleMaking(self._context, Path(folder))
            async for piece in making.pieces(found, files=files, code=code):
                yield piece
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))

    @write
    async def unbundle(self, *, source: AsyncIterator[bytes]) -> dict[str, Any]:
        """Bring in a bundle: {"runs": [{"run": id, "name", "state"}]}, state new, updated, known or older.

        A run that came in a bundle before becomes what the newer one says; its name, note and tags stay where
        they were changed here. One that was submitted from here is left as it is. Raises UsageError for an
        archive that is not clean: nothing of it was brought in then.
        """
        place = self._context.folder / f"{UPLOAD}{uuid.uuid4().hex}.wb"
        try:
            await self._spool(place, source)
            async with self._one:
                return {"runs": await self._take(place)}
        except OSError as problem:
            raise explain_disk(problem, self._context.folder) from problem
        finally:
            with suppress(FileNotFoundError):
                os.unlink(place)

    async def _spool(self, place: Path, source: AsyncIterator[bytes]) -> None:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as spool:
            size = 0
            async for block in source:
                size += len(block)
                if size > MOST:
                    raise UsageError(f"the bundle is over {MOST} bytes")
                await asyncio.to_thread(spool.write, block)

    async def _take(self, place: Path) -> list[dict[str, str]]:
        """Bring in what is new; all of that is looked at before anything is changed."""
        async with opened(lambda: Bundle(place)) as bundle:
            found = {run: await asyncio.to_thread(bundle.bundled, run) for run in bundle.manifest.runs}
            standing = {run: await self._standing(bundle, run) for run in found}
            for run, (state, before) in standing.items():
                above = standing.get(found[run].run.inside or "")
                if state == "known" and above is not None and above[0] == "updated":
                    standing[run] = ("updated", before)  # it goes with the run it was made in
            wanted = [run for run, (state, _) in standing.items() if state in ("new", "updated")]
            await asyncio.to_thread(_look_through, bundle, [found[run] for run in wanted])
        if not wanted:
            return [_told(before, state) for state, before in standing.values() if before is not None]
        # Anew, since what comes out of an archive is counted against its size.
        async with opened(lambda: Bundle(place)) as bundle:
            told = []
            for run, (state, before) in standing.items():
                row = await self._bring(bundle, run, before) if run in wanted else before
                told += [] if row is None else [_told(row, state)]
            return told

    async def _standing(self, bundle: Bundle, run_id: str) -> tuple[str, Run | None]:
        """What becomes of a run of a bundle, and the run as it is here."""
        before = await self._store.read(run_bundle.find, run_id)
        if before is None:
            return "new", None
        state = await asyncio.to_thread(read_state, self._state(run_id)) or {}
        if "bundle" not in state or state["bundle"] == bundle.manifest.runs[run_id]:
            return "known", before
        newer = bundle.manifest.made >= datetime.fromisoformat(state["made"])
        return ("updated" if newer or not state["bundle"] else "older"), before

    async def _bring(self, bundle: Bundle, run_id: str, before: Run | None) -> Run:
        """Bring one run in, in place of what is here of it; what was changed here of its note stays."""
        bundled = await asyncio.to_thread(bundle.bundled, run_id)
        made = bundle.manifest.made.isoformat()
        state = await asyncio.to_thread(read_state, self._state(run_id)) or {}
        said = {"name": bundled.run.name, "note": bundled.run.description, "tags": bundled.run.tags}
        mine = state.get("mine")  # of an import that was cut off
        if mine is None:
            mine = {} if before is None else _changed_here(before, state.get("said") or {})
        # Half of it may be all that is there when somebody pulls the plug: the next import does it again.
        unfinished = {"bundle": "", "made": made, "said": said, "mine": mine}
        await asyncio.to_thread(write_state, self._state(run_id), unfinished)
        if bundled.run.snapshot is not None:
            await self._bring_code(bundle, bundled.run.snapshot)
        if await self._store.read(run_bundle.find, run_id) is not None:  # not gone with what made it
            await self._context.conductor.forget(run_id)
            await self._store.remove_run(run_id)
        run = await self._store.write(run_bundle.put, bundled)
        await self._bring_records(bundle, bundled)
        await self._bring_output(bundle, bundled)
        await self._bring_files(bundle, bundled)
        await self._restore(run, mine)
        digest = bundle.manifest.runs[run_id]
        done = {"bundle": digest, "made": made, "said": said, "machine": bundled.machine}
        await asyncio.to_thread(write_state, self._state(run_id), done)
        return run

    async def _bring_code(self, bundle: Bundle, snapshot: str) -> None:
        """The snapshot and its contents, where the bundle has them."""
        if not bundle.has(f"snapshots/{snapshot}.json"):
            return
        manifest = await asyncio.to_thread(bundle.snapshot, snapshot)
        wanted = {entry.sha256 for entry in manifest.entries if entry.sha256}
        for sha256 in await self._store.missing_blobs(wanted):
            with tempfile.SpooledTemporaryFile(max_size=PIECE, dir=str(self._store.directory)) as spool:
                await asyncio.to_thread(spool.writelines, bundle.pieces(f"blobs/{sha256}"))
                spool.seek(0)
                await self._store.put_blob(spool, sha256)
        await self._store.write(manifests.put, manifest)

    async def _bring_records(self, bundle: Bundle, bundled: BundledRun) -> None:
        run = bundled.run.id
        for at, name in enumerate(bundled.records):
            offset, held = 0, b""
            pieces = bundle.pieces(f"runs/{run}/records/{at}")
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                held += piece
                if len(held) >= TOGETHER:
                    await self._store.write(self._store.intake.take, run, name, offset, held)
                    offset, held = offset + len(held), b""
            if held:
                await self._store.write(self._store.intake.take, run, name, offset, held)

    async def _bring_output(self, bundle: Bundle, bundled: BundledRun) -> None:
        """The log, byte for byte where it was; what was not kept is a gap here, too."""
        run, spool, offset = bundled.run.id, self._store.spool, 0
        if not bundle.has(f"runs/{run}/output"):
            return
        gaps = sorted(bundled.gaps)
        pieces = bundle.pieces(f"runs/{run}/output")
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            while piece:
                if gaps and gaps[0][0] <= offset:
                    start, stop = gaps.pop(0)
                    await self._store.write(spool.add_gap, run, start, stop)
                    offset = max(offset, stop)
                    continue
                room = gaps[0][0] - offset if gaps else len(piece)
                part, piece = piece[:room], piece[room:]
                await self._store.write(spool.append, run, offset, part)
                offset += len(part)
        for start, stop in gaps:
            await self._store.write(spool.add_gap, run, start, stop)
        if bundle.has(f"runs/{run}/times"):
            times = b"".join(bundle.pieces(f"runs/{run}/times"))
            await asyncio.to_thread(spool.times(run).add, 0, times)
        await self._store.write(run_bundle.settle_output, bundled.run)

    async def _bring_files(self, bundle: Bundle, bundled: BundledRun) -> None:
        run = bundled.run.id
        listed = {file.path for file in await self._store.read(files.every, run)}
        for at, path in enumerate(bundled.stored):
            if path not in listed:
                continue
            to = self._context.collector.path(run, path)
            digest = await asyncio.to_thread(_save, bundle, f"runs/{run}/files/{at}", to)
            await self._store.write(files.mark_collected, run, path, digest)

    async def _restore(self, run: Run, mine: dict[str, Any]) -> None:
        """What was changed here of the run stays."""
        if "name" in mine or "note" in mine:
            await self._store.write(kept_runs.describe, run.id, mine.get("note"), mine.get("name"))
        if "tags" in mine:
            gone = [name for name in run.tags if name not in mine["tags"]]
            await self._store.write(kept_runs.tag, run.id, mine["tags"], gone)
        if mine.get("archived"):
            await self._store.write(kept_runs.archive, run.id)

    def _state(self, run: str) -> Path:
        return private_folder(self._context.folder / "imports") / f"{run}.json"


def _changed_here(now: Run, said: dict[str, Any]) -> dict[str, Any]:
    """What is other than a bundle said last: somebody changed it here."""
    mine: dict[str, Any] = {"archived": now.archived}
    if now.name != said.get("name"):
        mine["name"] = now.name
    if (now.description or None) != (said.get("note") or None):
        mine["note"] = now.description or ""
    if now.tags != said.get("tags"):
        mine["tags"] = now.tags
    return mine


def _told(run: Run, state: str) -> dict[str, str]:
    return {"run": run.id, "name": run.name, "state": state}


def _look_through(bundle: Bundle, runs: list[BundledRun]) -> None:
    """Read all that would be brought in, for what is wrong with it. Raises UsageError."""
    wanted: set[str] = set()
    for found in runs:
        begin, snapshot = f"runs/{found.run.id}/", found.run.snapshot
        entries = (name for name in bundle.manifest.entries if name.startswith(begin))
        wanted.update(name for name in entries if name != f"{begin}run.json")
        if snapshot is not None and bundle.has(f"snapshots/{snapshot}.json"):
            code = bundle.snapshot(snapshot).entries
            wanted.update(f"blobs/{entry.sha256}" for entry in code if entry.sha256)
    for name in sorted(wanted):
        for _ in bundle.pieces(name):
            pass


def _save(bundle: Bundle, name: str, to: Path) -> str:
    """Write an entry to a file, put in place by rename; its sha256."""
    digest = hashlib.sha256()
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as out:
            for piece in bundle.pieces(name):
                digest.update(piece)
                out.write(piece)
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest()
