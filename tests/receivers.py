"""Servers on loopback that receive what is posted: one that keeps it, and some that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web


class Post(NamedTuple):
    """What arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, which is JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """A web server that answers with `status` (the next of `statuses` first) and keeps what came."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.status = 200
        self.statuses: list[int] = []
        self.location = ""
        self.port = 0
        self.came = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    async def answer(self, request: web.Request) -> web.Response:
        """Keep it and answer."""
        self.posts.append(Post(request.path_qs, dict(request.headers), await request.read()))
        self.came.set()
        status = self.statuses.pop(0) if self.statuses else self.status
        return web.Response(status=status, headers={"Location": self.location} if self.location else {})

    async def until(self, count: int) -> list[Post]:
        """All that came, once it is so many."""
        async with asyncio.timeout(60):
            while len(self.posts) < count:
                self.came.clear()
                await self.came.wait()
        return self.posts


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[int]:
    """A TCP server that says what talk says; its port."""
    talks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            talks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything, say nothing, until the other side goes."""
    while await reader.read(4096):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer that never ends: a byte of a header again and again."""
    writer.write(b"HTTP/1.1 10")
    while True:
        writer.write(b"0")
        await writer.drain()
        await asyncio.sleep(0.02)
