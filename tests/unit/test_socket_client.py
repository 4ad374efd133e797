"""The hand-written HTTP client against the real aiohttp application, over a real Unix socket."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from tests.unit.socket_service import Served, Service, socket_service
from workbench.errors import Conflict, NotFound, ServerError, UsageError
from workbench.workspace.exchange import ServerOutdated
from workbench.workspace.socket_client import SocketClient

__all__ = ["socket_service"]


@pytest.fixture
def served(socket_service: Served) -> tuple[SocketClient, Service]:
    return SocketClient(socket_service.home.socket, "default"), socket_service.service


@pytest.mark.parametrize("value", [None, 1, "ü\x00", [1, {"a": None}], {"x": 1.5}])
async def test_values_survive_the_way_there_and_back(served, value):
    client, _ = served
    if value is None:
        with pytest.raises(UsageError):  # an absent parameter is absent
            await asyncio.to_thread(client.call, "thing", "echo", value=value)
    else:
        assert await asyncio.to_thread(client.call, "thing", "echo", value=value) == value


async def test_numbers_json_cannot_carry_travel_as_texts(served):
    assert await asyncio.to_thread(served[0].call, "thing", "nan") == {"loss": "nan", "best": "-inf"}


async def test_errors_keep_their_class_hint_and_data(served):
    with pytest.raises(Conflict, match="it exists") as caught:
        await asyncio.to_thread(served[0].call, "thing", "refuse")
    assert caught.value.hint == "choose another"
    assert caught.value.data == {"place": "here"}


async def test_an_internal_error_says_nothing_of_its_inside(served):
    with pytest.raises(Exception, match="internal error") as caught:
        await asyncio.to_thread(served[0].call, "thing", "broken")
    assert "secret detail" not in str(caught.value)


@pytest.mark.parametrize(("noun", "method"), [("thing", "nothing"), ("nothing", "echo")])
async def test_unknown_operations_are_not_found_in_every_shape(served, noun, method):
    client, _ = served
    for use in (client.call, lambda *a: list(client.items(*a)), lambda *a: list(client.read(*a))):
        with pytest.raises(NotFound):
            await asyncio.to_thread(use, noun, method)


async def test_items_arrive_in_order_and_their_error_after_them(served):
    client, _ = served
    got = []

    def take() -> None:
        for item in client.items("thing", "count", to=3, fail=True):
            got.append(item["n"])

    with pytest.raises(NotFound, match="no more"):
        await asyncio.to_thread(take)
    assert got == [0, 1, 2]
    assert len(await asyncio.to_thread(lambda: list(client.items("thing", "count", to=50_000)))) == 50_000


async def test_closing_a_stream_ends_the_operation(served):
    client, service = served
    stream = client.items("thing", "forever")
    assert await asyncio.to_thread(next, stream) == 1
    await asyncio.to_thread(stream.close)
    assert await asyncio.to_thread(service.closed.wait, 20)


async def test_a_silent_stream_ends_with_its_client(served):
    client, service = served
    stream = client.items("thing", "silent")
    assert await asyncio.to_thread(next, stream) == 1
    await asyncio.to_thread(stream.close)
    assert await asyncio.to_thread(service.closed.wait, 20)


async def test_a_call_that_began_is_finished_without_its_client(served, tmp_path):
    client, _ = served
    connection = client._connect()
    body = json.dumps({"finished": str(tmp_path / "done")}).encode()
    head = f"POST /v1/default/thing/slow HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connection.sendall(head + body)
    await asyncio.sleep(0.1)
    connection.close()
    for _ in range(1200):
        if (tmp_path / "done").exists():
            return
        await asyncio.sleep(0.05)
    pytest.fail("the call was given up with its client")


async def test_bytes_are_counted_and_a_failure_is_told(served):
    client, _ = served
    assert (
        await asyncio.to_thread(lambda: sum(map(len, client.read("thing", "blob", size=3_000_001))))
        == 3_000_001
    )
    with pytest.raises(Conflict, match="changed"):
        await asyncio.to_thread(lambda: list(client.read("thing", "blob", size=10, fail=True)))


async def test_an_upload_of_many_blocks(served):
    client, _ = served
    blocks = (b"x" * 70_000 for _ in range(50))
    assert await asyncio.to_thread(client.write, "thing", "take", blocks) == 3_500_000


@pytest.mark.parametrize("letter", ["a", "\u6f22", "\U0001f600"])
async def test_an_upload_to_the_longest_path(served, letter):
    client, _ = served
    path = letter * (4096 // len(letter.encode()))
    found = await asyncio.to_thread(lambda: client.write("thing", "named", [b"!"], path=path))
    assert found == f"{path}!"


def test_nobody_there_is_a_server_error(tmp_path):
    with pytest.raises(ServerError, match="does not answer"):
        SocketClient(tmp_path / "none", "default").call("thing", "echo")


@pytest.mark.parametrize(("answer", "error"), [
    (b"HTTP/1.0 426 Upgrade Required\r\n\r\n", ServerOutdated),
    (b"SSH-2.0-OpenSSH\r\n\r\n", ServerError),
    (b"", ServerError),
    (b"HTTP/1.0 200 OK\r\n\r\n{\"ok\":", ServerError),
])  # fmt: skip
def test_strange_answers_are_told_apart(tmp_path, answer, error):
    import socket

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen(1)

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(answer)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(error):
        SocketClient(tmp_path / "s", "default").call("thing", "echo")
    thread.join()
    listener.close()
