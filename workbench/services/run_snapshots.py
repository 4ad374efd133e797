"""The code runs ran: their snapshots, listed and as archives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from workbench.entities.run import Run
from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import NotFound
from workbench.runs.retrieval import retrieve_contents, retrieve_manifest
from workbench.services.context import Context
from workbench.services.operation import call, read
from workbench.services.spool_reading import BLOCK
from workbench.snapshots.archive import zip_tree
from workbench.store.async_store import AsyncStore
from workbench.store.registry import manifests
from workbench.store.runs import kept_runs


async def snapshot_if_any(store: AsyncStore, run: Run) -> Manifest | None:
    """The run's snapshot; None when it has none here."""
    if run.snapshot is None or not await store.read(manifests.has, run.snapshot):
        return None
    return await store.read(manifests.get, run.snapshot)


async def snapshot_of(context: Context, run: Run) -> Manifest:
    """The run's snapshot, asked of its machine where it is not here; raises NotFound, Unreachable."""
    if run.snapshot is None:
        raise NotFound(f"{run.name} has no snapshot", "it ran without code")
    manifest = await snapshot_if_any(context.store, run)
    if manifest is None:
        manifest = await retrieve_manifest(context.store, await context.link(run.target), run.snapshot)
    return manifest


class RunSnapshotService:
    """The snapshots of runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def snapshot(self, run: str) -> list[Entry]:
        """The paths of the run's snapshot (AZ-107)."""
        return list((await snapshot_of(self._context, await self._context.resolve(run))).entries)

    @read
    async def snapshot_zip(self, run: str) -> AsyncIterator[bytes]:
        """The run's snapshot as an ordinary zip with modes and links (AZ-117)."""
        manifest = await snapshot_of(self._context, await self._context.resolve(run))
        await retrieve_contents(self._store, self._context.fleet, manifest)
        blocks = zip_tree(manifest, lambda sha: _file_blocks(self._store.blob_path(sha)))
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block

    @call
    async def git_diff(self, run: str) -> dict[str, str | None]:
        """{"text": what was not committed when the run was submitted} (AZ-125)."""
        found = await self._context.resolve(run)
        return {"text": await self._store.read(kept_runs.diff_text, found.id)}


def _file_blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            yield block
