"""Data that this side keeps by the hash of its contents: the files of a model version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from workbench.errors import NotFound
from workbench.opened_file import opened
from workbench.runs.data.origins import BLOCK, OriginFile, Tell
from workbench.store.async_store import AsyncStore
from workbench.store.registry import manifests


class BlobOrigin:
    """The files of a manifest, whose contents are in the store."""

    def __init__(self, store: AsyncStore, manifest: str, single: bool) -> None:
        self._store = store
        self._manifest = manifest
        self.identity = f"manifest:{manifest}"
        self.single = single
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them; raises NotFound when the manifest is gone."""
        found = await self._store.read(manifests.get, self._manifest)
        return [
            OriginFile(entry.path, entry.size, "", entry.sha256) for entry in found.entries if entry.sha256
        ]

    async def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes from offset on; raises NotFound for a content that was removed."""
        place = self._store.blob_path(file.sha256 or "")
        try:
            async with opened(lambda: open(place, "rb")) as source:
                await asyncio.to_thread(source.seek, offset)
                while block := await asyncio.to_thread(source.read, BLOCK):
                    yield block
        except FileNotFoundError as problem:
            raise NotFound(f"the contents of {file.path} are not here any more") from problem

    async def url(self, file: OriginFile) -> str | None:
        """None: only this side has it."""
        return None
