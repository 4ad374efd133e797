"""What is on the web, and services that answer what makes no sense."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from workbench.data.s3 import bucket
from workbench.data.s3.bucket import Bucket
from workbench.data.s3.client import S3Client
from workbench.data.web import Web
from workbench.errors import Conflict, NotFound, Refused, RemoteError, Unreachable


@asynccontextmanager
async def served(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_what_is_on_the_web_is_read_over_cuts(tmp_path: Path) -> None:
    """AZ-48: public URLs."""
    data = os.urandom(500_000)
    asked: list[str] = []
    etag = ['"one"']

    async def handler(request: web.Request) -> web.StreamResponse:
        if "gone" in request.path:
            raise web.HTTPNotFound
        if "closed" in request.path:
            raise web.HTTPForbidden
        headers = {"ETag": etag[0]}
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(data))})
        asked.append(request.headers.get("Range", ""))
        at = int(request.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")[0])
        response = web.StreamResponse(status=206 if at else 200, headers=headers)
        response.content_length = len(data) - at
        await response.prepare(request)
        await response.write(data[at : at + 200_000])
        if at + 200_000 < len(data):
            await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.abort()
        return response

    place = Web()
    try:
        async with served(handler) as url:
            item = await place.look(f"{url}/a/b%20c.csv?sig=secret")
            assert (item.path, item.size, item.etag) == ("b c.csv", 500_000, '"one"')
            found = b"".join([block async for block in place.read(f"{url}/x")])
            assert found == data
            assert asked[0] == ""
            assert len(asked) == 3
            assert b"".join([block async for block in place.read(f"{url}/x", 9, 5, item.etag)]) == data[9:14]
            with pytest.raises(Conflict, match="changed"):
                assert [block async for block in place.read(f"{url}/x", etag='"none"')]

            async def changing() -> None:
                async for _ in place.read(f"{url}/x"):
                    etag[0] = '"two"'

            with pytest.raises(Conflict, match="changed"):
                await changing()
            with pytest.raises(NotFound) as problem:
                await place.look(f"{url}/gone?sig=secret")
            assert "secret" not in problem.value.message
            with pytest.raises(Refused):
                await place.look(f"{url}/closed")
        with pytest.raises(Unreachable):
            await place.look(f"{url}/x")
    finally:
        await place.close()


async def test_a_server_that_knows_no_head_and_one_that_is_broken() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if "broken" in request.path:
            raise web.HTTPInternalServerError
        if "sick" in request.path and request.method == "GET":
            return web.Response(body=b"0", status=206, headers={"Content-Range": f"bytes 0-0/{'9' * 5000}"})
        if "stream" in request.path:  # made as it is asked for
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            return response
        if request.method == "HEAD":
            raise web.HTTPMethodNotAllowed("HEAD", ["GET"])
        return web.Response(body=b"0", status=206, headers={"Content-Range": "bytes 0-0/17"})

    place = Web()
    try:
        async with served(handler) as url:
            assert (await place.look(f"{url}/")).size == 17
            for silent in ("sick", "stream"):
                with pytest.raises(Refused, match="how large"):
                    await place.look(f"{url}/{silent}")
            with pytest.raises(RemoteError):
                await place.look(f"{url}/broken")
    finally:
        await place.close()


async def test_a_service_that_answers_without_a_byte_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        size = "0" if "empty" in request.path else "100"
        return web.Response(status=206, headers={"Content-Range": f"bytes 0-0/{size}"})

    monkeypatch.setattr(bucket, "PAUSE", 0.0)
    async with served(handler) as url:
        client = S3Client("lake", None, endpoint=url, region=None, name="lake")
        place = Bucket(client, "", Path("notes"))
        try:
            assert [block async for block in place.read("empty")] == []
            with pytest.raises(Unreachable):
                async with asyncio.timeout(60):
                    assert [block async for block in place.read("a")] == []
            assert asked == ["/lake/empty", *["/lake/a"] * bucket.TRIES]
        finally:
            await client.close()
