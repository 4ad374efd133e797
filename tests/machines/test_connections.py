"""TCP connections from a machine over a link: bytes both ways, half closes, what cannot be reached."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.machines.links import MakeLink, make_link, until
from tests.machines.rig import free_port
from tests.machines.tcp import MakeServe, Pouring, echo, half, pour, serve
from workbench.compute.link import Link
from workbench.errors import NotFound, Refused, RemoteError, UsageError, WorkbenchError
from workbench.remote.forms import protocol

__all__ = ["make_link", "serve"]


async def talk(
    link: Link, source: AsyncIterator[bytes] | None = None, **params: Any
) -> tuple[bytes, list[Any]]:
    """All bytes and events of a connection until both sides ended."""

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    seen, events = b"", []
    async with link.stream("connect", params, source or nothing()) as stream:
        async for item in stream:
            if isinstance(item, bytes):
                seen += item
            else:
                events.append(item)
        assert await stream.result() == {}
    return seen, events


async def test_bytes_go_both_ways_and_each_end_is_told(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    port = await serve(echo)

    async def source() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%05d" % number * 20_000

    seen, events = await talk(link, source(), host="127.0.0.1", port=port)
    assert seen == b"".join(b"%05d" % number * 20_000 for number in range(100))
    assert events == [{"connected": True}, {"end": True}]


async def test_the_other_side_may_end_first(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    heard: list[bytes] = []
    said = asyncio.Event()

    async def mine_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"mine")
        writer.write_eof()
        heard.append(await reader.read())

    async def source() -> AsyncIterator[bytes]:
        await said.wait()
        yield b"yours"

    port = await serve(mine_first)
    async with link.stream("connect", {"port": port}, source()) as stream:
        found = [await anext(stream) for _ in range(3)]
        assert found == [{"connected": True}, b"mine", {"end": True}]
        said.set()
        assert await stream.result() == {}
    await until(lambda: heard == [b"yours"], "what came after the end")


async def test_what_cannot_be_connected_to_is_said(make_link: MakeLink) -> None:
    link = await make_link()
    port = free_port()
    with pytest.raises(Refused, match=f"localhost port {port} on the machine: connection refused"):
        await talk(link, port=port)
    with pytest.raises(NotFound, match="knows no host"):
        await talk(link, host="no-such-host.invalid", port=80)
    for params in ({}, {"port": 0}, {"port": "80"}, {"port": True}, {"port": 70000}, {"port": 80, "host": 3}):
        with pytest.raises(UsageError):
            await talk(link, **params)


async def test_a_connection_that_breaks_is_no_end(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()

    async def source() -> AsyncIterator[bytes]:
        yield b"go"
        await asyncio.sleep(60)

    port = await serve(half)
    with pytest.raises(WorkbenchError, match="reset"):
        await talk(link, source(), port=port)


async def test_who_stops_reading_stops_the_sender(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    pouring = Pouring()
    stream = link.stream("connect", {"port": await serve(pouring)})
    async with stream:
        await until(lambda: stream._waiting_size >= protocol.CONNECTION_WINDOW - 65536, "the window to fill")
        assert await pouring.stopped() < 32 << 20
        assert stream._waiting_size <= protocol.CONNECTION_WINDOW + 65536
        assert "time" in await link.call("ping")


async def test_giving_it_up_closes_it(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    ended = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()

    port = await serve(listen)
    stream = link.stream("connect", {"port": port})
    async with stream:
        assert await anext(stream) == {"connected": True}
    await asyncio.wait_for(ended.wait(), 30)


async def test_two_hundred_at_once_take_no_turns_from_others(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    port = await serve(pour)
    streams = [link.stream("connect", {"port": port}) for _ in range(200)]

    async def drain(stream: Any) -> None:
        async for _ in stream:
            pass

    draining = [asyncio.ensure_future(drain(stream)) for stream in streams]
    try:
        for _ in range(5):
            answer = await link.call("exec", {"argv": ["echo", "here"]}, timeout=30)
            assert answer == {"exit_code": 0}
    finally:
        for stream in streams:
            stream.cancel()
        await asyncio.wait(draining)
    pid = link.hello["pid"]
    await until(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 60, "the sockets to be closed")
    assert len(os.listdir(f"/proc/{pid}/task")) < 60, "they are no threads"


async def test_there_is_a_most(make_link: MakeLink, serve: MakeServe) -> None:
    link = await make_link()
    port = await serve(echo)
    streams = [link.stream("connect", {"port": port}) for _ in range(512)]
    for stream in streams:
        assert await anext(stream) == {"connected": True}
    with pytest.raises(RemoteError, match="512 connections are open"):
        await talk(link, port=port)
    for stream in streams:
        stream.cancel()
