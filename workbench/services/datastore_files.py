"""What is in datastores, as a service: looked at, read and written, whatever kind of place it is (AZ-45)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from workbench.data.sources import checked_key
from workbench.entities.datastore import DataItem
from workbench.errors import NotFound, UsageError
from workbench.remote.files.file_bytes import TOKEN
from workbench.runs.activity import activity
from workbench.runs.locks import Locks
from workbench.services.context import Context
from workbench.services.operation import call, items, read, write
from workbench.text.sanitize import clean_name

LONGEST_URL = 7 * 24 * 3600


class DatastoreFileService:
    """Paths are keys below a datastore's root, "" is the root; without a name the default one is meant."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._datastores = context.datastores
        self._turns = Locks()

    @call
    async def browse(self, name: str | None = None, path: str = "") -> dict[str, Any]:
        """{"folders": [name], "items": [DataItem], "left_out"} directly below a path; raises NotFound.

        left_out: keys that no path may be.
        """
        _, backend = await self._datastores.get(name)
        found = await backend.folder(_key(path))
        return {"folders": found.folders, "items": found.items, "left_out": found.left_out}

    @items
    async def walk(self, name: str | None = None, path: str = "") -> AsyncIterator[dict[str, Any]]:
        """All files at and below a path: {"items": [DataItem], "left_out"} again and again."""
        _, backend = await self._datastores.get(name)
        async for page in backend.items(_key(path)):
            yield {"items": page.items, "left_out": page.left_out}

    @call
    async def stat(self, path: str, name: str | None = None, token: str | None = None) -> dict[str, Any]:
        """{"item"?: DataItem}; raises NotFound.

        With the token of an upload also "arrived", the bytes of it that are there, and no NotFound.
        """
        _, backend = await self._datastores.get(name)
        key = checked_key(path)
        try:
            item: DataItem | None = await backend.stat(key)
        except NotFound:
            if token is None:
                raise
            item = None
        if token is None:
            return {"item": item}
        return {"item": item, "arrived": await backend.arrived(key, _token(token))}

    @read
    async def read(
        self,
        path: str,
        name: str | None = None,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> AsyncIterator[bytes]:
        """A file's bytes; raises Conflict when it is, or becomes, another than etag says."""
        _, backend = await self._datastores.get(name)
        async for block in backend.read(checked_key(path), offset, length, etag):
            yield block

    @write
    async def write(
        self,
        path: str,
        token: str,
        size: int,
        source: AsyncIterator[bytes],
        name: str | None = None,
        offset: int = 0,
        overwrite: bool = False,
    ) -> DataItem:
        """Put a file there: bytes from offset on, then the 32 bytes of the whole's sha256.

        token: 8 to 64 hexadecimal digits; the same one goes on with what a cut left. Raises Conflict for one
        that is there, unless it may be replaced.
        """
        datastore, backend = await self._datastores.writable(name)
        told = f"sending {clean_name(path, 100)}"
        key = checked_key(path)
        # Who sends the same anew may come before the end of what a killed command had sent whole.
        async with (
            self._turns.of(f"{datastore.name}\n{key}\n{_token(token)}"),
            activity(self._store, "upload", f"datastores/{datastore.name}", told) as progress,
        ):
            return await backend.write(
                key,
                progress.counted(source, told, offset, size),
                token=_token(token),
                size=size,
                offset=offset,
                overwrite=overwrite,
            )

    @call
    async def delete(self, path: str, name: str | None = None) -> dict[str, Any]:
        """Remove a file for good; raises NotFound, Refused where nothing may be written."""
        _, backend = await self._datastores.writable(name)
        await backend.delete(checked_key(path))
        return {}

    @call
    async def url(self, path: str, name: str | None = None, seconds: int = 3600) -> dict[str, Any]:
        """{"url"?}: an address that gives the file to whoever has it, for so many seconds; S3 has such."""
        if not 0 < seconds <= LONGEST_URL:
            raise UsageError("an address lets in for seven days at most", "3600 seconds are an hour")
        return {"url": await self._datastores.presigned(name, checked_key(path), seconds)}


def _key(path: str) -> str:
    path = path.strip("/")
    return checked_key(path) if path else ""


def _token(token: str) -> str:
    if not TOKEN.match(token):
        raise UsageError("a token is 8 to 64 hexadecimal digits")
    return token
