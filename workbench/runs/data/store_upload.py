"""Outputs of runs into datastores, over this side: file by file, each gone on with where a cut left it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from workbench.data.backend import Backend
from workbench.data.opened import OpenDatastores
from workbench.entities.datastore import Datastore
from workbench.errors import Conflict, NotFound, StoreError, Unreachable, WorkbenchError
from workbench.runs.activity import Progress
from workbench.runs.data.after_outputs import Upload
from workbench.runs.data.machine_origin import MachineOrigin
from workbench.runs.data.origins import OriginFile
from workbench.runs.data.sent_files import Sent, SentFiles
from workbench.store.sqlite.problems import explain_disk

log = logging.getLogger(__name__)


def store_upload(datastores: OpenDatastores, notes: Path) -> Upload:
    """What writes the files of an origin below a path of a datastore, in place of what is there.

    notes: the folder in which it is kept what is there already, until all of it is.
    """

    async def upload(
        run: str, origin: MachineOrigin, datastore: Datastore, path: str, progress: Progress
    ) -> None:
        sent = SentFiles(notes, run, "\n".join([origin.identity, datastore.name, datastore.root, path]))
        try:
            _, backend = await datastores.writable(datastore.name)
            await _Sending(origin, backend, datastore.name, sent, progress).all(path)
        except (Unreachable, StoreError):
            raise  # it is tried again
        except WorkbenchError:
            await asyncio.to_thread(sent.forget)
            raise

    return upload


class _Sending:
    """One output on its way."""

    def __init__(
        self, origin: MachineOrigin, backend: Backend, name: str, sent: SentFiles, progress: Progress
    ) -> None:
        self._origin = origin
        self._backend = backend
        self._name = name
        self._sent = sent
        self._progress = progress
        self._done = self._total = 0

    async def all(self, path: str) -> None:
        """Send what is not there; raises Unreachable when the rest has to wait."""
        files = await self._origin.files(lambda text: None)
        self._total = sum(file.size for file in files)
        known = await asyncio.to_thread(self._sent.read)
        for file in files:
            key = f"{path}/{file.path}" if path else file.path
            token = _token(key, file)
            before = self._done
            if not await self._there(key, known.get((key, token))):
                item = await self._one(file, key, token)
                await self._note(key, token, Sent(item.size, item.etag))
            self._done = before + file.size
        await asyncio.to_thread(self._sent.forget)

    async def _note(self, key: str, token: str, sent: Sent) -> None:
        """Keep that it is there; raises StoreError where this side's disk takes no note."""
        try:
            await asyncio.to_thread(self._sent.add, key, token, sent)
        except OSError as problem:
            raise explain_disk(problem, self._sent.path) from problem

    async def _there(self, key: str, sent: Sent | None) -> bool:
        """Whether what was sent is there still, and nobody put something else in its place."""
        if sent is None:
            return False
        try:
            item = await self._backend.stat(key)
        except (NotFound, Conflict):
            return False
        return (item.size, item.etag) == sent

    async def _one(self, file: OriginFile, key: str, token: str) -> Sent:
        arrived = min(await self._backend.arrived(key, token), file.size)
        try:
            return await self._write(file, key, token, arrived)
        except Conflict as problem:
            if not arrived or problem.data.get("changed"):
                raise
            log.info("%s is sent anew: %s", key, problem.message)  # what arrived was not what it seemed
            return await self._write(file, key, token, 0)

    async def _write(self, file: OriginFile, key: str, token: str, offset: int) -> Sent:
        begun = self._done
        self._done += offset

        async def content() -> AsyncIterator[bytes]:
            async with aclosing(self._origin.content(file, offset)) as blocks:
                async for block in blocks:
                    yield block
                    self._done = min(self._done + len(block), begun + file.size)
                    await self._progress.report(f"sending to {self._name}", self._done, self._total)

        try:
            item = await self._backend.write(
                key, content(), token=token, size=file.size, offset=offset, overwrite=True
            )
        except BaseException:
            self._done = begun
            raise
        return Sent(item.size, item.etag)


def _token(key: str, file: OriginFile) -> str:
    """Names this content of this file: what arrived of another one is not gone on with."""
    return hashlib.sha256(f"{key}\n{file.size}\n{file.token}".encode(errors="replace")).hexdigest()[:24]
