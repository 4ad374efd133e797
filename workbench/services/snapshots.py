"""Snapshots as a service: what of a tree is missing here, and taking it in."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import Refused, UsageError
from workbench.remote.forms import protocol
from workbench.remote.snapshots.archive import ArchiveError
from workbench.services.context import Context
from workbench.services.operation import call, write
from workbench.store.registry import manifests
from workbench.store.sqlite.problems import explain_disk

MAX_ENTRIES = 200_000
MAX_UPLOAD = 8 << 30
UPLOAD = "upload-"
"""What the files of uploads in progress begin with; those of a killed server are swept at its next start."""


class SnapshotService:
    """Content-addressed: only files nobody has sent before travel (AZ-115)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def known(self, id: str) -> dict[str, bool]:
        """{"known": whether the snapshot is here whole}: then nothing of it need be sent."""
        # What is here stays for a submit under way: its age counts from now.
        if not await self._store.write(manifests.renew, id):
            return {"known": False}
        return {"known": not await self._store.missing_blobs(await self._store.read(manifests.hashes, id))}

    @call
    async def missing(self, entries: list[Entry]) -> dict[str, Any]:
        """{"id": the snapshot's id, "missing": hashes of files to upload}; the manifest is kept."""
        if len(entries) > MAX_ENTRIES:
            raise UsageError(f"a snapshot of {len(entries)} paths is more than {MAX_ENTRIES}")
        manifest = Manifest(entries=tuple(entries))
        identity, shas = await asyncio.to_thread(_summed_up, manifest)
        missing = await self._store.missing_blobs(shas)
        if not missing:
            await self._store.write(manifests.put, manifest)
        return {"id": identity, "missing": missing}

    @write
    async def upload(self, *, source: AsyncIterator[bytes]) -> dict[str, int]:
        """Take in a zip whose entries are named by their sha256: {"stored": files}; hostile ones refused."""
        name = str(self._context.folder / f"{UPLOAD}{uuid.uuid4().hex}.zip")
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as spool:
                size = 0
                async for block in source:
                    size += len(block)
                    if size > MAX_UPLOAD:
                        raise UsageError(f"the upload is over {MAX_UPLOAD} bytes")
                    await asyncio.to_thread(spool.write, block)
            return {"stored": await self._store.take_blobs(Path(name))}
        except OSError as problem:
            raise explain_disk(problem, self._context.folder) from problem
        except ArchiveError as problem:
            raise UsageError(f"the upload is not a clean archive: {problem}") from problem
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)

    @write
    async def content(self, sha256: str, *, source: AsyncIterator[bytes]) -> dict[str, int]:
        """Take in one file of any size, as it is: {"stored": bytes}; what a zip would be too large for.

        Raises Refused when its bytes have another hash, UsageError for text that is none, StoreError.
        """
        if not protocol.SHA256.fullmatch(sha256):
            raise UsageError(f"{sha256[:80]!r} is no sha256")
        name = str(self._context.folder / f"{UPLOAD}{uuid.uuid4().hex}.content")
        digest, size = hashlib.sha256(), 0
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as spool:
                async for block in source:
                    size += len(block)
                    await asyncio.to_thread(_written, spool, digest, block)
                await asyncio.to_thread(_synced, spool)
            if digest.hexdigest() != sha256:
                raise Refused("the file is not what it was said to be", "it changed meanwhile: send it again")
            await self._store.adopt_blob(name, sha256)
            return {"stored": size}
        except OSError as problem:
            raise explain_disk(problem, self._context.folder) from problem
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)


def _written(spool: IO[bytes], digest: Any, block: bytes) -> None:
    spool.write(block)
    digest.update(block)


def _synced(spool: IO[bytes]) -> None:
    spool.flush()
    os.fsync(spool.fileno())


def _summed_up(manifest: Manifest) -> tuple[str, list[str]]:
    """A snapshot's id and the contents of its files."""
    return manifest.id, sorted({entry.sha256 for entry in manifest.entries if entry.sha256})
