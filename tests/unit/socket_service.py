"""A service with one operation of each kind and of each way to fail, served by the real application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from workbench.errors import Conflict, NotFound
from workbench.home import Home
from workbench.server.app import make_app, make_runner
from workbench.services.operation import call, duplex, items, operations, read, write


class Served:
    """Where it is served, and the service itself."""

    def __init__(self, home: Home, service: Service) -> None:
        self.home = home
        self.service = service


class Service:
    """Operations of the noun `thing`."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.poured = 0

    @call
    async def echo(self, value: Any) -> Any:
        return value

    @call
    async def nan(self) -> dict[str, float]:
        return {"loss": float("nan"), "best": float("-inf")}

    @call
    async def refuse(self) -> None:
        raise Conflict("it exists", "choose another", place="here")

    @call
    async def broken(self) -> None:
        raise ZeroDivisionError("secret detail")

    @items
    async def count(self, to: int, fail: bool = False) -> AsyncIterator[dict[str, int]]:
        for number in range(to):
            yield {"n": number}
        if fail:
            raise NotFound("no more")

    @items
    async def forever(self) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.001)
        finally:
            self.closed.set()

    @items
    async def silent(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(3600)
        finally:
            self.closed.set()

    @call
    async def slow(self, finished: str) -> None:
        await asyncio.sleep(0.3)
        Path(finished).touch()

    @call
    async def many(self, count: int) -> list[dict[str, float]]:
        return [{"step": number, "value": number / 7} for number in range(count)]

    @read
    async def blob(self, size: int, fail: bool = False) -> AsyncIterator[bytes]:
        for start in range(0, size, 100_000):
            yield bytes(min(100_000, size - start))
        if fail:
            raise Conflict("changed underway")

    @write
    async def take(self, *, source: AsyncIterator[bytes]) -> int:
        return sum([len(block) async for block in source])

    @write
    async def named(self, path: str, *, source: AsyncIterator[bytes]) -> str:
        return path + "".join([block.decode() async for block in source])

    @duplex
    async def talk(
        self, greeting: str, fail: bool = False, *, source: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        """Says its greeting, gives back what it gets, bytes doubled, and counts it at the end."""
        count = 0
        try:
            yield {"greeting": greeting}
            async for value in source:
                count += 1
                yield value * 2 if isinstance(value, bytes) else {"heard": value}
            if fail:
                raise Conflict("enough", "say less")
            yield {"count": count}
        finally:
            self.closed.set()

    @duplex
    async def pour(self, *, source: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        """Pours bytes without end and hears nothing."""
        try:
            while True:
                self.poured += 1 << 16
                yield b"x" * (1 << 16)
        finally:
            self.closed.set()

    @duplex
    async def deaf(self, *, source: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Neither hears nor says anything."""
        try:
            yield {"deaf": True}
            await asyncio.sleep(3600)
        finally:
            self.closed.set()


@pytest.fixture
async def socket_service(tmp_path: Path) -> AsyncIterator[Served]:
    """A service over a Unix socket."""
    service = Service()
    table = operations([("thing", service)])

    async def lookup(_: str) -> Any:
        return table

    runner = make_runner(make_app(lookup, lambda _: None), 0.1)
    await runner.setup()
    home = Home(tmp_path, tmp_path)
    await web.UnixSite(runner, str(home.socket)).start()
    yield Served(home, service)
    await runner.cleanup()
