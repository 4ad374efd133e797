"""Requests to one S3 service: signed, tried again where that is harmless, their errors in words."""

from __future__ import annotations

import asyncio
import hashlib
import io
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from workbench.data.s3.answers import LARGEST, read_error
from workbench.data.s3.signing import EMPTY, Credentials, presigned_url, query_text, quoted, signed_headers
from workbench.errors import Conflict, NotFound, Refused, RemoteError, Unreachable, WorkbenchError
from workbench.text.sanitize import clean_name

TRIES = 5
FIRST_PAUSE = 0.2
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
SILENT = 60.0
"""Seconds without a byte after which a connection is given up."""
CONNECTING = 20.0
ASIDE = 1 << 20
"""Bytes from which on a hash is made beside the loop."""


class Answer(NamedTuple):
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class S3Client:
    """One bucket of one service. credentials: None where nobody signs."""

    def __init__(
        self,
        bucket: str,
        credentials: Credentials | None,
        *,
        endpoint: str | None,
        region: str | None,
        name: str,
    ) -> None:
        self._credentials = credentials
        self._region = region or "us-east-1"
        self._name = name
        self.bucket = bucket
        if endpoint is not None:
            self._base = f"{endpoint.rstrip('/')}/{quoted(bucket)}"
        elif "." in bucket or bucket != bucket.lower():  # no certificate fits such a host
            self._base = f"https://s3.{self._region}.amazonaws.com/{quoted(bucket)}"
        else:
            self._base = f"https://{bucket}.s3.{self._region}.amazonaws.com"
        self._session: aiohttp.ClientSession | None = None

    def address(self, key: str) -> str:
        """Where a key is."""
        return f"{self._base}/{quoted(key, safe='/-_.~')}"

    def presigned(self, key: str, seconds: int) -> str:
        """An address that gives the key to whoever has it, for so many seconds."""
        url = self.address(key)
        if self._credentials is None:
            return url
        return presigned_url(url, self._credentials, self._region, datetime.now(UTC), seconds)

    async def call(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        expected: tuple[int, ...] = (200, 204),
    ) -> Answer:
        """One request and its whole answer; tried again while the service is busy or the way is cut.

        Raises NotFound, Refused, Conflict, Unreachable, RemoteError.
        """
        payload = await _hash(body)
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                async with self._opened(method, key, query or {}, headers or {}, body, payload) as response:
                    text = await _whole(response)
                    if response.status in expected:
                        return Answer(response.status, response.headers, text)
                    if response.status not in AGAIN or last:
                        raise self.refused(response, text, key)
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                if last:
                    raise self.unreachable(problem) from problem
            await asyncio.sleep(FIRST_PAUSE * 2**attempt * (0.5 + random.random()))
        raise AssertionError("not reached")

    @asynccontextmanager
    async def reading(self, key: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """A GET whose body the caller reads; its status is looked at by the caller.

        Raises Unreachable where the service cannot be reached; a cut while reading is aiohttp's error.
        """
        async with self._opened("GET", key, {}, headers, b"", EMPTY) as response:
            yield response

    def refused(self, response: aiohttp.ClientResponse, body: bytes, key: str) -> WorkbenchError:
        """What a status that was not hoped for means."""
        code, message = read_error(body)
        what = f"{clean_name(key, 200)} in {self._name}" if key else self._name
        said = f" ({message or code})" if message or code else ""
        if response.status == 404 or code in ("NoSuchKey", "NoSuchBucket", "NoSuchUpload"):
            if code == "NoSuchBucket" or not key:
                return NotFound(f"there is no bucket {self.bucket}", "wb datastore show says what is asked")
            return NotFound(f"there is no {what}", f"wb datastore ls {self._name} lists what is there")
        if response.status in (409, 412) or code in ("PreconditionFailed", "ConditionalRequestConflict"):
            return Conflict(f"{what} is not as it was")
        if response.status in (301, 307, 400) and response.headers.get("x-amz-bucket-region"):
            region = clean_name(response.headers["x-amz-bucket-region"], 40)
            return Refused(
                f"{what} is in the region {region}", f"wb datastore set {self._name} region={region}"
            )
        if response.status in (401, 403) or code.startswith(("InvalidAccess", "Signature", "ExpiredToken")):
            if self._credentials is None:
                return Refused(f"{what} lets nobody in without credentials{said}", "add --secret NAME")
            return Refused(
                f"{what} does not let us in{said}",
                "look at its secret: wb datastore show, wb secret set NAME",
            )
        return RemoteError(f"{what}: the S3 service answered {response.status}{said}", status=response.status)

    def unreachable(self, problem: BaseException) -> Unreachable:
        """The error for a service that does not answer, or whose answer was cut."""
        host = URL(self._base).host or "?"
        why = "it did not answer" if isinstance(problem, TimeoutError) else type(problem).__name__
        return Unreachable(
            f"{self._name}: the S3 service at {clean_name(host, 100)} cannot be reached: {why}",
            f"look at its endpoint: wb datastore show {self._name}",
        )

    @asynccontextmanager
    async def _opened(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        payload: str,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self.address(key) if key else f"{self._base}/"
        sent = dict(headers)
        if self._credentials is not None:
            now = datetime.now(UTC)
            sent = signed_headers(method, url, query, headers, payload, self._credentials, self._region, now)
            sent.pop("host")
        data = io.BytesIO(body) if body else None  # as bytes a large one would hold up the loop
        whole = URL(f"{url}?{query_text(query)}" if query else url, encoded=True)
        async with self._connected().request(
            method, whole, headers=sent, data=data, allow_redirects=False, proxy=proxy_for(whole)
        ) as response:
            yield response

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECTING, sock_read=SILENT)
            self._session = aiohttp.ClientSession(
                timeout=timeout,
                auto_decompress=False,
                headers={"Accept-Encoding": "identity"},
                skip_auto_headers=("Content-Type",),
            )
        return self._session

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def proxy_for(url: URL) -> str | None:
    """The proxy that this user's environment names for an address; a .netrc is never read."""
    host = url.host or ""
    return None if proxy_bypass(host) else getproxies().get(url.scheme)


async def _hash(body: bytes) -> str:
    if len(body) < ASIDE:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """A body that fits in memory; raises RemoteError for one that does not."""
    found = bytearray()
    async for block in response.content.iter_any():
        found += block
        if len(found) > LARGEST:
            raise RemoteError("the S3 service answered with more than any answer has")
    return bytes(found)
