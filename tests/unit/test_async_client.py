"""The asyncio client against the real application, over a real Unix socket, and against services in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.unit.socket_service import Served, socket_service
from workbench import long_json
from workbench.errors import Conflict, NotFound, UsageError
from workbench.workspace.async_socket import AsyncSocketClient

__all__ = ["socket_service"]


@pytest.fixture
async def client(socket_service: Served) -> AsyncSocketClient:
    return AsyncSocketClient(socket_service.home, "default")


async def test_values_and_errors(client: AsyncSocketClient) -> None:
    assert await client.call("thing", "echo", value=[1, {"a": "ü\x00"}]) == [1, {"a": "ü\x00"}]
    with pytest.raises(Conflict, match="it exists") as caught:
        await client.call("thing", "refuse")
    assert (caught.value.hint, caught.value.data) == ("choose another", {"place": "here"})
    with pytest.raises(UsageError):
        await client.call("thing", "echo", value=None)


@pytest.mark.parametrize(("noun", "method"), [("thing", "nothing"), ("nothing", "echo")])
async def test_unknown_operations_are_not_found_in_every_shape(
    client: AsyncSocketClient, noun: str, method: str
) -> None:
    with pytest.raises(NotFound):
        await client.call(noun, method)
    for stream in (client.items(noun, method), client.read(noun, method)):
        with pytest.raises(NotFound):
            async for _ in stream:
                pass


async def test_items_arrive_in_order_and_their_error_after_them(client: AsyncSocketClient) -> None:
    failing = client.items("thing", "count", to=3, fail=True)
    assert [(await anext(failing))["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(NotFound, match="no more"):
        await anext(failing)
    assert [item["n"] async for item in client.items("thing", "count", to=20_000)] == list(range(20_000))


async def test_bytes_are_counted_and_a_failure_is_told(client: AsyncSocketClient) -> None:
    assert sum([len(block) async for block in client.read("thing", "blob", size=3_000_001)]) == 3_000_001
    with pytest.raises(Conflict, match="changed"):
        async for _ in client.read("thing", "blob", size=10, fail=True):
            pass


async def test_an_upload_of_many_blocks(client: AsyncSocketClient) -> None:
    async def source() -> AsyncIterator[bytes]:
        for number in range(51):
            yield b"x" * 70_000 if number != 7 else b""

    assert await client.write("thing", "take", source()) == 3_500_000


async def test_many_operations_at_once(client: AsyncSocketClient) -> None:
    values = await asyncio.gather(*[client.call("thing", "echo", value=n) for n in range(50)])
    assert values == list(range(50))


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_leaving_a_silent_stream_ends_the_operation(
    client: AsyncSocketClient, socket_service: Served, way: str
) -> None:
    first = asyncio.Event()

    async def listen() -> None:
        async with aclosing(client.items("thing", "silent")) as stream:
            async for _ in stream:
                first.set()
                if way == "close":
                    return

    task = asyncio.ensure_future(listen())
    await first.wait()
    if way == "cancel":
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await task if way == "close" else None
    assert await asyncio.to_thread(socket_service.service.closed.wait, 20)


async def test_the_loop_goes_on_while_a_large_answer_is_parsed(
    client: AsyncSocketClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser would hold the interpreter's lock from end to end, in a thread as well."""
    beats = 0
    seen = set()

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    def noted(value: dict[str, Any]) -> dict[str, Any]:
        seen.add(beats)
        return value

    monkeypatch.setattr(long_json, "_same", noted)
    heart = asyncio.ensure_future(beat())
    answer = await client.call("thing", "many", count=100_000)
    heart.cancel()
    assert answer[-1] == {"step": 99_999, "value": 99_999 / 7}
    assert len(seen) > 1, "the loop stood still from the first object to the last"
