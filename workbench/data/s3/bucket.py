"""A bucket, or what is below a prefix of one, as a datastore."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from workbench.data.backend import Folder, Page, Tail, changed, exists
from workbench.data.s3.answers import read_listing
from workbench.data.s3.client import S3Client
from workbench.data.s3.uploads import PART, Uploads
from workbench.data.sources import safe_key, told_size
from workbench.entities.base import replace
from workbench.entities.datastore import DataItem
from workbench.errors import Conflict, NotFound
from workbench.text.sanitize import clean_name

TRIES = 8
"""Cuts in a row, without a byte between, after which a read ends."""
PAUSE = 0.3


class Bucket:
    """A `Backend`. notes: the folder where uploads in parts are remembered until they are whole."""

    def __init__(self, client: S3Client, prefix: str, notes: Path) -> None:
        self._client = client
        self._prefix = f"{prefix}/" if prefix else ""
        self._uploads = Uploads(client, notes)

    def _key(self, path: str) -> str:
        return self._prefix + path

    async def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """See Backend. Keys are any texts: those that no path can be are counted and left out."""
        found = 0
        if prefix:
            try:
                yield Page([await self.stat(prefix)])
                found = 1
            except NotFound:
                pass
        below = self._key(f"{prefix}/" if prefix else "")
        async for items, _, left_out in self._pages(below, ""):
            found += len(items) + left_out
            yield Page(items, left_out)
        if prefix and not found:
            raise NotFound(f"there is no {clean_name(prefix, 200)} in the bucket {self._client.bucket}")

    async def folder(self, path: str = "") -> Folder:
        """See Backend."""
        folders: list[str] = []
        items: list[DataItem] = []
        left_out = 0
        start = self._key(f"{path}/" if path else "")
        async for found, names, count in self._pages(start, "/"):
            items += found
            folders += names
            left_out += count
        if path and not folders and not items and not left_out:
            raise NotFound(f"there is no {clean_name(path, 200)} in the bucket {self._client.bucket}")
        return Folder(folders, items, left_out)

    async def _pages(
        self, start: str, delimiter: str
    ) -> AsyncIterator[tuple[list[DataItem], list[str], int]]:
        """Pages of what begins so: files with their paths below our root, names of folders, keys left out."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": start}
        query |= {"delimiter": delimiter} if delimiter else {}
        seen: set[str] = set()
        while True:
            listing = read_listing((await self._client.call("GET", query=query)).body)
            items, names, left_out = [], [], 0
            for item in listing.items:
                key = item.path[len(self._prefix) :]
                if item.path.startswith(start) and safe_key(key):
                    items.append(replace(item, path=key))
                elif not (item.path.endswith("/") and item.size == 0):  # a folder that a console made
                    left_out += 1
            for prefix in listing.prefixes:
                name = prefix[len(start) :].rstrip("/")
                fine = prefix.startswith(start) and "/" not in name and safe_key(name)
                names += [name] if fine else []
                left_out += not fine
            yield items, names, left_out
            if listing.more is None or listing.more in seen:
                return
            seen.add(listing.more)
            query["continuation-token"] = listing.more

    async def stat(self, path: str) -> DataItem:
        """See Backend."""
        answer = await self._client.call("HEAD", self._key(path))
        return _described(path, answer.headers)

    async def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """See Backend: a cut is gone over by asking for the rest of the same content."""
        if length == 0:
            return
        at, stop = offset, None if length is None else offset + length
        empty = 0
        while stop is None or at < stop:
            before = at
            try:
                async with self._client.reading(self._key(path), _asked(at, stop, etag)) as response:
                    if response.status == 416 and at == offset:
                        return  # it ends before the first byte that was asked for
                    if response.status == 412 or (at and response.status == 200 and etag is not None):
                        raise changed(clean_name(path, 300))
                    if response.status not in (200, 206):
                        raise self._client.refused(response, await response.content.read(1 << 16), path)
                    size, etag = _told(path, response, at, etag)
                    stop = size if stop is None else min(stop, size)
                    async for block in response.content.iter_any():
                        block = block[: stop - at]
                        at += len(block)
                        if block:
                            yield block
                        if at >= stop:
                            return
                    if before == at < stop:
                        raise aiohttp.ClientPayloadError("an answer without a byte")
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                empty = 0 if at > before else empty + 1
                if empty >= TRIES:
                    raise self._client.unreachable(problem) from problem
                await asyncio.sleep(PAUSE * min(empty, 4))

    async def arrived(self, path: str, token: str) -> int:
        """See Backend: the bytes of the parts that are there, from the first on."""
        return await self._uploads.arrived(self._key(path), token)

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """See Backend. Every part is signed with its hash; a whole that is sent at once is checked, too."""
        if not overwrite:
            try:
                await self.stat(path)
                raise exists(clean_name(path, 300))
            except NotFound:
                pass
        tail = Tail(source, size - offset)
        guard = {} if overwrite else {"If-None-Match": "*"}
        try:
            if size <= PART and not offset:
                digest = hashlib.sha256()
                body = bytearray()
                async for block in tail.content():
                    body += block
                    digest.update(block)
                if tail.digest != digest.digest():
                    raise Conflict(f"{clean_name(path, 300)} changed on its way", "send it again")
                await self._put(path, bytes(body), guard)
            else:
                await self._uploads.send(self._key(path), tail, token, size, offset, guard)
        except Conflict as problem:
            if problem.message.endswith("is not as it was"):  # what no condition let pass
                raise exists(clean_name(path, 300)) from problem
            raise
        return await self.stat(path)

    async def _put(self, path: str, body: bytes, guard: dict[str, str]) -> None:
        try:
            await self._client.call("PUT", self._key(path), headers=guard, body=body)
        except Conflict:  # by the first of two tries, whose answer was lost?
            etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            if (await self.stat(path)).etag != etag:
                raise

    async def delete(self, path: str) -> None:
        """See Backend."""
        await self.stat(path)
        await self._client.call("DELETE", self._key(path))

    async def presigned(self, path: str, seconds: int) -> str | None:
        """See Backend."""
        return self._client.presigned(self._key(path), seconds)

    async def close(self) -> None:
        """See Backend."""
        await self._client.close()


def _asked(at: int, stop: int | None, etag: str | None) -> dict[str, str]:
    headers = {"If-Match": f'"{etag}"'} if etag is not None else {}
    if at or stop is not None:
        headers["Range"] = f"bytes={at}-{'' if stop is None else stop - 1}"
    return headers


def _told(path: str, response: aiohttp.ClientResponse, at: int, etag: str | None) -> tuple[int, str | None]:
    """The size of the whole and the etag that an answer tells; raises Conflict for another than before."""
    found = response.headers.get("ETag", "").strip('"') or None
    size = told_size(response.headers.get("Content-Range", "").rpartition("/")[2])
    if size is None:
        size = told_size(response.headers.get("Content-Length", ""))
        if response.status == 206 or at or size is None:
            raise changed(clean_name(path, 300))
    if etag is not None and found is not None and found != etag:
        raise changed(clean_name(path, 300))
    return size, found or etag


def _described(path: str, headers: object) -> DataItem:
    from email.utils import parsedate_to_datetime

    get = getattr(headers, "get")  # noqa: B009
    size = told_size(str(get("Content-Length") or "")) or 0
    try:
        modified = parsedate_to_datetime(str(get("Last-Modified") or ""))
    except (ValueError, TypeError):
        modified = None
    etag = str(get("ETag") or "").strip('"') or None
    return DataItem(path=path, size=size, modified=modified, etag=etag)
