"""Operations that send and receive at once: over the socket and inside the process, waiting and not."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.socket_service import Served, socket_service
from workbench import duplex_form
from workbench.errors import Conflict, NotFound, ServerError, UsageError
from workbench.services.operation import operations
from workbench.workspace.async_duplex import conversed
from workbench.workspace.async_socket import AsyncSocketClient
from workbench.workspace.duplex import Duplex
from workbench.workspace.embedded_services import _conversing
from workbench.workspace.exchange import AnswerParser, Shape
from workbench.workspace.socket_client import SocketClient

__all__ = ["socket_service"]
Open = Callable[..., Any]


@pytest.fixture(params=["socket", "inside"])
async def opened(request: pytest.FixtureRequest, socket_service: Served) -> Open:
    """Opens an operation of the noun `thing`, to be driven in a thread."""
    loop = asyncio.get_running_loop()

    async def inside(method: str, parameters: dict[str, Any]) -> socket.socket:
        operation = operations([("thing", socket_service.service)])[f"thing.{method}"]
        theirs, ours = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        tasks.append(
            asyncio.ensure_future(_conversing(operation, operation.arguments(parameters), reader, writer))
        )
        return theirs

    tasks: list[asyncio.Future[None]] = []

    def open_one(method: str, **parameters: Any) -> Duplex:
        if request.param == "socket":
            return SocketClient(socket_service.home.socket, "default").duplex("thing", method, **parameters)
        connection = asyncio.run_coroutine_threadsafe(inside(method, parameters), loop).result(20)
        return Duplex(connection, AnswerParser(Shape.PIECES, headed=True), framed=False)

    return open_one


def until(duplex: Duplex, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Send and receive until what came is enough, or all; neighbouring bytes are joined."""
    found: list[Any] = []
    deadline = time.monotonic() + 60
    while not duplex.over and not enough(found):
        assert time.monotonic() < deadline, found[-1]
        select.select([duplex], [duplex] if duplex.unsent else [], [], 1)
        duplex.flush()
        for value in duplex.receive():
            if isinstance(value, bytes) and found and isinstance(found[-1], bytearray):
                found[-1] += value
            else:
                found.append(bytearray(value) if isinstance(value, bytes) else value)
    return found


async def test_both_sides_speak_in_turn(opened: Open) -> None:
    def talk() -> None:
        with opened("talk", greeting="good day") as duplex:
            assert until(duplex, len) == [{"greeting": "good day"}]
            duplex.send(b"ab")
            assert until(duplex, len) == [b"abab"]
            duplex.send({"rows": 3})
            duplex.send(b"")
            assert until(duplex, len) == [{"heard": {"rows": 3}}]
            duplex.finish()
            assert until(duplex, lambda _: False) == [{"count": 2}]

    await asyncio.to_thread(talk)


async def test_much_goes_both_ways_at_once(opened: Open) -> None:
    def talk() -> None:
        with opened("talk", greeting="x") as duplex:
            for _ in range(300):
                duplex.send(b"0123456789" * 10_000)
            duplex.finish()
            greeting, data, count = until(duplex, lambda _: False)
            assert (greeting, count) == ({"greeting": "x"}, {"count": 300})
            assert data == b"0123456789" * 6_000_000

    await asyncio.to_thread(talk)


async def test_its_error_comes_after_what_was_said(opened: Open) -> None:
    def talk() -> None:
        with opened("talk", greeting="x", fail=True) as duplex:
            duplex.send(b"a")
            duplex.finish()
            assert until(duplex, lambda found: len(found) == 2) == [{"greeting": "x"}, b"aa"]
            with pytest.raises(Conflict, match="enough") as caught:
                until(duplex, lambda _: False)
            assert caught.value.hint == "say less"

    await asyncio.to_thread(talk)


async def test_who_stops_reading_is_not_written_for(opened: Open, socket_service: Served) -> None:
    def listen() -> None:
        with opened("pour") as duplex:
            until(duplex, len)
            before = -1
            while socket_service.service.poured != before:
                before = socket_service.service.poured
                time.sleep(0.3)
            assert before < 8 << 20

    await asyncio.to_thread(listen)
    assert await asyncio.to_thread(socket_service.service.closed.wait, 20)


async def test_who_is_not_heard_is_held_back(opened: Open) -> None:
    def shout() -> None:
        with opened("deaf") as duplex:
            until(duplex, len)
            for _ in range(100):
                duplex.send(b"x" * 100_000)
            deadline = time.monotonic() + 1.0
            while time.monotonic() < deadline:
                select.select([], [duplex], [], 0.1)
                duplex.flush()
            assert duplex.unsent > 5 << 20

    await asyncio.to_thread(shout)


@pytest.mark.parametrize("full", [False, True])
async def test_hanging_up_ends_it_even_when_nothing_is_read(
    opened: Open, socket_service: Served, full: bool
) -> None:
    def leave() -> None:
        with opened("deaf") as duplex:
            until(duplex, len)
            for _ in range(100 if full else 0):
                duplex.send(b"x" * 100_000)

    await asyncio.to_thread(leave)
    assert await asyncio.to_thread(socket_service.service.closed.wait, 20)


async def test_what_is_refused_is_refused_at_once(socket_service: Served) -> None:
    client = SocketClient(socket_service.home.socket, "default")
    with pytest.raises(NotFound):
        await asyncio.to_thread(client.duplex, "thing", "nothing")
    with pytest.raises(UsageError):
        await asyncio.to_thread(client.duplex, "thing", "talk", wrong=1)
    with pytest.raises(UsageError):
        await asyncio.to_thread(client.duplex, "thing", "talk")


async def test_what_is_no_piece_is_refused(socket_service: Served) -> None:
    def shout() -> bytes:
        connection = SocketClient(socket_service.home.socket, "default")._connect()
        with connection:
            connection.sendall(
                b"POST /v1/default/thing/talk HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\n\x07\x00\x00\x00\x01\r\n0\r\n\r\n"
            )
            answer = b""
            while block := connection.recv(65536):
                answer += block
            return answer

    assert b"no pieces of ours" in await asyncio.to_thread(shout)


async def test_a_server_that_dies_is_told(socket_service: Served) -> None:
    theirs, ours = socket.socketpair()
    duplex = Duplex(theirs, AnswerParser(Shape.PIECES, headed=True))
    ours.sendall(duplex_form.of_bytes(b"last") + duplex_form.of_bytes(b"torn")[:-1])
    ours.close()
    assert duplex.receive() == [b"last"]
    with pytest.raises(ServerError, match="in the middle"):
        duplex.receive()
    duplex.send(b"to nobody")
    duplex.close()


def conversation(served: Served, method: str, source: Any, inside: bool, **parameters: Any) -> Any:
    """An operation as an asynchronous generator, in one of two ways."""
    if not inside:
        return AsyncSocketClient(served.home, "default").duplex("thing", method, source, **parameters)

    async def values() -> AsyncIterator[Any]:
        operation = operations([("thing", served.service)])[f"thing.{method}"]
        theirs, ours = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        task = asyncio.ensure_future(_conversing(operation, operation.arguments(parameters), reader, writer))
        mine = await asyncio.open_connection(sock=theirs)
        try:
            async with aclosing(conversed(*mine, source, framed=False)) as found:
                async for value in found:
                    yield value
        finally:
            mine[1].transport.abort()
            await asyncio.wait({task})

    return values()


@pytest.mark.parametrize("inside", [False, True])
async def test_in_a_loop_both_sides_speak(socket_service: Served, inside: bool) -> None:
    said: asyncio.Queue[Any] = asyncio.Queue()

    async def source() -> AsyncIterator[Any]:
        while (value := await said.get()) is not None:
            yield value

    async with aclosing(conversation(socket_service, "talk", source(), inside, greeting="hi")) as values:
        assert await anext(values) == {"greeting": "hi"}
        said.put_nowait({"a": 1})
        assert await anext(values) == {"heard": {"a": 1}}
        said.put_nowait(b"y" * 300_000)
        said.put_nowait(None)
        rest = [value async for value in values]
        assert b"".join(rest[:-1]) == b"y" * 600_000
        assert rest[-1] == {"count": 2}


@pytest.mark.parametrize("inside", [False, True])
async def test_in_a_loop_leaving_ends_it(socket_service: Served, inside: bool) -> None:
    async def source() -> AsyncIterator[Any]:
        await asyncio.sleep(3600)
        yield b""

    async with aclosing(conversation(socket_service, "deaf", source(), inside)) as values:
        assert await anext(values) == {"deaf": True}
    assert await asyncio.to_thread(socket_service.service.closed.wait, 20)


async def test_in_a_loop_a_broken_source_breaks_it(socket_service: Served) -> None:
    async def source() -> AsyncIterator[Any]:
        yield b"a"
        raise KeyError("mine")

    async with aclosing(conversation(socket_service, "talk", source(), False, greeting="hi")) as values:
        with pytest.raises(KeyError):
            async for _ in values:
                pass
    assert await asyncio.to_thread(socket_service.service.closed.wait, 20)


async def test_in_a_loop_what_is_refused_is_told(socket_service: Served) -> None:
    async def source() -> AsyncIterator[Any]:
        yield b"a"

    with pytest.raises(NotFound):
        async for _ in conversation(socket_service, "nothing", source(), False):
            pass


@given(st.lists(st.binary(max_size=50)), st.integers(1, 7))
def test_pieces_are_found_in_any_split(bodies: list[bytes], size: int) -> None:
    data = b"".join(
        duplex_form.of_message(body) if n % 2 else duplex_form.of_bytes(body) for n, body in enumerate(bodies)
    )
    parser = duplex_form.PieceParser()
    found = [
        piece for start in range(0, len(data), size) for piece in parser.feed(data[start : start + size])
    ]
    expected = [(n % 2, body) for n, body in enumerate(bodies) if n % 2 or body]
    assert [(piece.kind, piece.body) for piece in found] == expected
    assert not parser.torn


def test_bytes_longer_than_a_piece_are_several() -> None:
    found = duplex_form.PieceParser().feed(duplex_form.of_bytes(b"x" * (3 << 20)))
    assert [len(piece.body) for piece in found] == [1 << 20] * 3
    with pytest.raises(UsageError):
        duplex_form.PieceParser().feed(duplex_form.HEADER.pack(duplex_form.BYTES, (1 << 20) + 1))
