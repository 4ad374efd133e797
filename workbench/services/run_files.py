"""The files runs kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from workbench.entities.run import Run, RunFile
from workbench.errors import NotFound, RemoteError, Unreachable, UsageError
from workbench.remote.tracking.child_runs import FOLDER
from workbench.runs.collect import read_file, safe_path
from workbench.services.context import Context
from workbench.services.operation import call, read
from workbench.services.spool_reading import blocks
from workbench.store.metrics import tables
from workbench.store.runs import files

PATIENCE = 5.0
"""Seconds a machine has to list a run's files before what was seen last is shown."""


class RunFileService:
    """outputs/ and logs/ of runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def files(self, run: str, ask: bool = True) -> list[RunFile]:
        """What stands in outputs/ and logs/ (AZ-86): as its machine has it now, else as last seen.

        ask: whether the machine is asked at all.
        """
        asked, found = await self._context.resolve(run), await self._context.place(run)
        below = "" if asked.inside is None else f"outputs/{FOLDER}/{asked.id}/"
        return [file for file in await self._files(found, ask) if file.path.startswith(below)]

    async def _files(self, run: Run, ask: bool) -> list[RunFile]:
        if not ask or await self._context.brought(run):
            return await self._store.read(files.every, run.id)
        with suppress(Unreachable, RemoteError, NotFound, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                link = await self._context.link(run.target)
                return await self._context.collector.list(link, run.id)
        return await self._store.read(files.every, run.id)

    @call
    async def artifacts(self, run: str) -> dict[str, str]:
        """What the run called some of its files: name to path (AZ-86)."""
        found = await self._context.resolve(run)
        return await self._store.read(tables.artifacts, found.id)

    @read
    async def download(self, run: str, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """A file's bytes from offset: from here when it was collected, else from its machine."""
        found = await self._context.place(run)
        if not safe_path(path):
            raise UsageError(
                f"{path!r} is no file of a run", "wb run files lists them; outputs/... or logs/..."
            )
        known = {file.path: file for file in await self._store.read(files.every, found.id)}
        here = self._context.collector.path(found.id, path)
        if found.status.terminal and path in known and known[path].collected and here.exists():
            async for block in blocks(here, offset, here.stat().st_size):
                yield block
            return
        if await self._context.brought(found):
            raise NotFound(
                f"{path} was not in the bundle that {found.name} came in",
                "ask for one that was made with wb run export --files",
            )
        link = await self._context.link(found.target)
        async for block in read_file(link, found.id, path, offset):
            yield block

    @call
    async def file_hash(self, run: str, path: str) -> dict[str, str]:
        """{"sha256"} of a file as its machine has it now: what a download is checked by."""
        found = await self._context.place(run)
        if not safe_path(path):
            raise UsageError(
                f"{path!r} is no file of a run", "wb run files lists them; outputs/... or logs/..."
            )
        known = {file.path: file for file in await self._store.read(files.every, found.id)}
        if path in known and known[path].collected and known[path].sha256 is not None:
            return {"sha256": str(known[path].sha256)}
        link = await self._context.link(found.target)
        size = known[path].size if path in known else 0
        async with link.stream("read", {"run": found.id, "path": path, "offset": size}) as stream:
            return {"sha256": str((await stream.result()).get("sha256"))}
