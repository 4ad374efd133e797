"""Files behind addresses of the web: looked at and read, nothing else."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

import aiohttp
from yarl import URL

from workbench.data.backend import changed
from workbench.data.s3.client import CONNECTING, SILENT, proxy_for
from workbench.data.sources import safe_key, told_size
from workbench.entities.datastore import DataItem
from workbench.errors import NotFound, Refused, RemoteError, Unreachable
from workbench.text.sanitize import clean_name

TRIES = 5
PAUSE = 0.3
REDIRECTS = 5


class Web:
    """Reads addresses; close it when done."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def stat(self, url: str) -> DataItem:
        """What is told of an address: its size, time and etag. Raises Refused where its size is not told."""
        async with self._get(url, "HEAD", {}) as response:
            if response.status not in (405, 501):  # some know no HEAD
                found = self._described(url, response)
                if found is not None:
                    return found
        async with self._get(url, "GET", {"Range": "bytes=0-0"}) as response:
            found = self._described(url, response)
        if found is None:  # what is fetched of it could end anywhere
            raise Refused(f"{shown(url)} does not say how large it is", "download it, and give the file")
        return found

    def _described(self, url: str, response: aiohttp.ClientResponse) -> DataItem | None:
        """What an answer tells; None where it does not say how large it all is."""
        if response.status not in (200, 206):
            raise _refused(url, response.status)
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
        size = told_size(whole if response.status == 206 else response.headers.get("Content-Length", ""))
        if size is None:
            return None
        try:
            modified = parsedate_to_datetime(response.headers.get("Last-Modified", ""))
        except (ValueError, TypeError):
            modified = None
        return DataItem(
            path=url_name(url),
            size=size,
            modified=modified,
            etag=_mark(response),
        )

    async def read(
        self, url: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of an address; a cut is gone over where the server can go on, with the same content.

        etag: what `stat` told, which it must be still; raises Conflict when it is not.
        """
        at, stop = offset, None if length is None else offset + length
        empty = 0
        while stop is None or at < stop:
            before = at
            headers = (
                {} if not at and stop is None else {"Range": f"bytes={at}-{'' if stop is None else stop - 1}"}
            )
            if etag is not None and not etag.startswith("W/"):
                headers["If-Range"] = etag
            try:
                async with self._get(url, "GET", headers) as response:
                    if response.status == 416:
                        return
                    if response.status not in (200, 206):
                        raise _refused(url, response.status)
                    now = _mark(response)
                    if etag is not None and now != etag:
                        raise changed(shown(url))
                    etag = now
                    skip = at if response.status == 200 else 0
                    async for block in response.content.iter_any():
                        piece, skip = block[skip:], max(0, skip - len(block))
                        piece = piece if stop is None else piece[: stop - at]
                        at += len(piece)
                        if piece:
                            yield piece
                        if stop is not None and at >= stop:
                            return
                    return
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                empty = 0 if at > before else empty + 1
                if empty >= TRIES or (at and etag is None):
                    raise _unreachable(url, problem) from problem
                await asyncio.sleep(PAUSE * min(empty, 4))

    def _get(self, url: str, method: str, headers: dict[str, str]) -> aiohttp.client._RequestContextManager:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECTING, sock_read=SILENT)
            plain = {"Accept-Encoding": "identity"}
            self._session = aiohttp.ClientSession(timeout=timeout, headers=plain, auto_decompress=False)
        place = URL(url)
        return self._session.request(
            method, place, headers=headers, max_redirects=REDIRECTS, proxy=proxy_for(place)
        )

    async def look(self, url: str) -> DataItem:
        """`stat`, with what a connection says in words of ours."""
        try:
            return await self.stat(url)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise _unreachable(url, problem) from problem

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _mark(response: aiohttp.ClientResponse) -> str | None:
    """What tells a content from another one at its address; None where nothing does."""
    told = response.headers.get("ETag") or response.headers.get("Last-Modified")
    return clean_name(told, 200) if told else None


def url_name(url: str) -> str:
    """What a file from an address is called here."""
    name = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    return name if safe_key(name) and "/" not in name else "data"


def shown(url: str) -> str:
    """An address as it may be told: without what lets one in."""
    parts = urlsplit(url)
    return clean_name(f"{parts.scheme}://{parts.hostname or '?'}{parts.path}", 300)


def _refused(url: str, status: int) -> Exception:
    if status in (404, 410):
        return NotFound(f"there is nothing at {shown(url)}")
    if status in (401, 403):
        return Refused(f"{shown(url)} lets nobody in without credentials", "put its place into a datastore")
    return RemoteError(f"{shown(url)} answered {status}")


def _unreachable(url: str, problem: BaseException) -> Unreachable:
    why = "it did not answer" if isinstance(problem, TimeoutError) else type(problem).__name__
    return Unreachable(f"{shown(url)} cannot be reached: {why}")
