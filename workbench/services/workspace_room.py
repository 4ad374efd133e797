"""Room on this side: what the workspace keeps here, and removing what nothing refers to any more."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import prunable
from workbench.store.sqlite.problems import explained
from workbench.text import sizes

GRACE = 3600.0
"""Seconds in which what nothing refers to may be of something that is just being kept."""
PARTS = ("spool", "files", "blobs")


class WorkspaceRoomService:
    """What the disk of this side holds for a workspace."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._folder = context.folder

    @call
    async def usage(self) -> dict[str, Any]:
        """{"folder", "free", "total", "database", "spool" (logs), "files" (fetched), "blobs" (code)}, bytes.

        And "most", what logs may take (0: anything), and "dropped", how many runs' output only machines have.
        """
        told = await asyncio.to_thread(_usage, self._folder)
        dropped = await asyncio.to_thread(self._store.spool.count_dropped)
        return {**told, "most": self._context.settings.logs.max_bytes, "dropped": dropped}

    @call
    async def prune(self, dry_run: bool = True) -> dict[str, Any]:
        """Remove what belongs to no run: {"bytes", "blobs", "snapshots", "runs"}; with dry_run only count it.

        Code of snapshots that no run has; output and files of runs that were removed. `runs.remove` removes
        runs and leaves their code here until this.
        """
        if dry_run:
            return await self._pruned(dry_run=True)
        async with activity(self._store, "prune", "workspace", "making room here") as progress:
            found = await self._pruned(dry_run=False)
            await progress.report(f"{sizes.short(found['bytes'])} freed")
        return found

    async def _pruned(self, *, dry_run: bool) -> dict[str, Any]:
        pruned = await self._store.prune(dry_run)
        known = await self._store.read(prunable.every_id)
        orphans, size = await asyncio.to_thread(_orphans, self._folder, known, dry_run)
        found = {"bytes": pruned.bytes + size, "blobs": pruned.blobs, "snapshots": pruned.manifests}
        return {**found, "runs": orphans}


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it; raises StoreError."""
    with explained(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


async def folder_size(folder: Path) -> int:
    """Bytes on the disk of a folder with all in it."""
    return await asyncio.to_thread(_size, folder)


def _usage(folder: Path) -> dict[str, Any]:
    with explained(folder):
        sizes_ = {part: _size(folder / part) for part in PARTS}
        total = _size(folder)
        free = shutil.disk_usage(folder).free
    database = total - sum(sizes_.values())
    return {"folder": str(folder), "free": free, "total": total, "database": database, **sizes_}


def _size(path: Path) -> int:
    """Bytes on the disk of a file or of a folder with all in it."""
    try:
        return sum(facts.st_blocks * 512 for facts in _all(path))
    except FileNotFoundError:
        return 0


def _all(path: Path) -> Iterator[os.stat_result]:
    yield path.lstat()
    if path.is_dir() and not path.is_symlink():
        for entry in list(os.scandir(path)):
            yield from _all(path / entry.name)


def _orphans(folder: Path, known: set[str], dry_run: bool) -> tuple[int, int]:
    """Output and files of runs the store does not have: of how many, and their bytes."""
    horizon = time.time() - GRACE
    runs: set[str] = set()
    size = 0
    with explained(folder):
        for part in ("spool", "files"):
            for path in sorted((folder / part).iterdir()) if (folder / part).is_dir() else []:
                run = path.name.partition(".")[0]
                if run in known or path.lstat().st_mtime > horizon:
                    continue
                size += _size(path)
                runs.add(run)
                if not dry_run:
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return len(runs), size
