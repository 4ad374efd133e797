"""Forwards: a local port that leads to a machine's, over cuts and restarts, with hundreds of connections."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machines.far_shell import Cutting, cutting, machine
from tests.machines.links import until
from tests.machines.rig import SshServer, free_port
from tests.machines.tcp import PAGE, MakeServe, Pouring, echo, fetch, half, page, pour, serve
from tests.machines.wb import Wb
from tests.services import Services, services
from workbench.errors import Conflict, NotFound, UsageError
from workbench.services import forwarding

__all__ = ["cutting", "machine", "serve"]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Services]:
    async with services(tmp_path) as opened:
        yield opened


async def soon(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first true value of look(), waited for."""
    try:
        async with asyncio.timeout(60):
            while not (value := await look()):  # noqa: ASYNC110 - what changes is on another side
                await asyncio.sleep(0.02)
            return value
    except TimeoutError:
        pytest.fail(f"waited for {what}")


async def opened(live: Services) -> list[Any]:
    """Those that are open."""
    return [one for one in await live.call("forwards.list") if one["state"] == "open"]


async def troubled(live: Services) -> list[Any]:
    """Those with a problem."""
    return [one for one in await live.call("forwards.list") if "problem" in one]


async def idle(live: Services) -> bool:
    """Whether nothing goes through."""
    return all(one["connections"] == 0 for one in await live.call("forwards.list"))


async def broken(reader: asyncio.StreamReader) -> bool:
    """Wait until a connection breaks or ends; whether nothing more came."""
    try:
        async with asyncio.timeout(60):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def none(live: Services) -> bool:
    """Whether there is none."""
    return not await live.call("forwards.list")


async def test_a_page_is_fetched_through_it(live: Services, serve: MakeServe) -> None:
    port = await serve(page)
    forward = await live.call("forwards.add", target="local", port=port)
    assert forward["state"] == "open"
    assert forward["url"] == f"http://127.0.0.1:{forward['local']}/"
    for _ in range(3):
        assert await fetch(forward["local"]) == PAGE
    await soon(lambda: idle(live), "the connections to be closed")
    (listed,) = await live.call("forwards.list")
    assert (listed["local"], listed["served"]) == (forward["local"], 3)
    assert live.workspace.forwards.active
    await live.call("forwards.remove", local=forward["local"])
    assert await live.call("forwards.list") == []
    assert not live.workspace.forwards.active
    with pytest.raises(ConnectionError):
        await fetch(forward["local"])


async def test_only_this_machine_is_let_in(live: Services, serve: MakeServe) -> None:
    forward = await live.call("forwards.add", target="local", port=await serve(page))
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{forward['local']:04X}") and line.split()[3] == "0A"
    ]
    assert [place.partition(":")[0] for place in listening] == ["0100007F"]


async def test_much_goes_both_ways_and_each_end_is_passed_on(live: Services, serve: MakeServe) -> None:
    forward = await live.call("forwards.add", target="local", port=await serve(echo))
    said = os.urandom(1 << 20) * 8
    assert await fetch(forward["local"], said) == said


async def test_what_does_not_listen_there_closes_here_and_is_told(live: Services, serve: MakeServe) -> None:
    port = free_port()
    forward = await live.call("forwards.add", target="local", port=port)
    assert await fetch(forward["local"]) == b""
    (listed,) = await live.call("forwards.list")
    assert "connection refused" in listed["problem"]
    other = await live.call("forwards.add", target="local", port=await serve(page), local=port)
    assert await fetch(forward["local"]) == PAGE, "through one after the other"
    assert "problem" not in (await live.call("forwards.list"))[0]
    assert other["local"] == port


async def test_a_connection_that_breaks_there_breaks_here(live: Services, serve: MakeServe) -> None:
    forward = await live.call("forwards.add", target="local", port=await serve(half))
    reader, writer = await asyncio.open_connection("127.0.0.1", forward["local"])
    assert await reader.readexactly(4) == b"half"
    writer.write(b"go")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.transport.abort()


async def test_what_cannot_be_is_refused(live: Services, serve: MakeServe) -> None:
    taken = await serve(page)
    with pytest.raises(Conflict, match="cannot be had"):
        await live.call("forwards.add", target="local", port=80, local=taken)
    forward = await live.call("forwards.add", target="local", port=80)
    with pytest.raises(Conflict, match="forwarded already"):
        await live.call("forwards.add", target="local", port=81, local=forward["local"])
    for wrong in ({"port": 0}, {"port": 70000}, {"port": 80, "local": -1}, {"port": 80, "run": "x"}):
        with pytest.raises((UsageError, NotFound)):
            await live.call("forwards.add", **{"target": "local", **wrong})
    with pytest.raises(UsageError):
        await live.call("forwards.add", port=80)
    with pytest.raises(NotFound):
        await live.call("forwards.add", target="nowhere", port=80)
    with pytest.raises(NotFound):
        await live.call("forwards.remove", local=1)
    assert len(await live.call("forwards.list")) == 1


async def test_it_is_there_again_with_the_next_server(tmp_path: Path, serve: MakeServe) -> None:
    port = await serve(page)
    async with services(tmp_path) as first:
        forward = await first.call("forwards.add", target="local", port=port)
        local = forward["local"]
    with pytest.raises(ConnectionError):
        await fetch(local)
    async with services(tmp_path) as second:
        await soon(lambda: opened(second), "it to be open")
        assert await fetch(local) == PAGE
        (listed,) = await second.call("forwards.list")
        assert (listed["local"], listed["port"]) == (local, port)
        await second.call("forwards.remove", local=local)
    async with services(tmp_path) as third:
        assert await third.call("forwards.list") == []


async def test_a_port_somebody_took_meanwhile_is_waited_for(
    tmp_path: Path, serve: MakeServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.services.kept_forward.AGAIN", 0.05)
    port = await serve(page)
    async with services(tmp_path) as first:
        local = (await first.call("forwards.add", target="local", port=port))["local"]
    other = socket.create_server(("127.0.0.1", local))
    async with services(tmp_path) as second:
        (listed,) = await soon(lambda: troubled(second), "it to be told")
        assert listed["state"] == "waiting"
        assert "cannot be had here" in listed["problem"]
        other.close()
        await soon(lambda: opened(second), "it to be open")
        assert await fetch(local) == PAGE


async def test_one_of_a_run_ends_with_it(live: Services, serve: MakeServe) -> None:
    """AZ-42: a port of a run's machine."""
    run = await live.submit(1, "sleep 1000")
    forward = await live.call("forwards.add", run=run["id"], port=await serve(page))
    assert (forward["target"], forward["run"], forward["run_name"]) == ("local", run["id"], run["name"])
    assert await fetch(forward["local"]) == PAGE
    await live.call("runs.cancel", run=run["id"])
    await soon(lambda: none(live), "it to be closed")
    with pytest.raises(Conflict, match="is over"):
        await live.call("forwards.add", run=run["id"], port=80)


async def test_it_outlives_the_link(live: Services, serve: MakeServe) -> None:
    port = await serve(echo)
    forward = await live.call("forwards.add", target="local", port=port)
    reader, writer = await asyncio.open_connection("127.0.0.1", forward["local"])
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"
    link = await live.workspace._fleet.link("local")
    os.kill(link.hello["pid"], signal.SIGKILL)
    assert await broken(reader)
    writer.transport.abort()
    assert await fetch(forward["local"], b"after") == b"after", "a new one waits until the machine is back"


async def test_hundreds_of_connections_do_not_starve_a_log(live: Services, serve: MakeServe) -> None:
    forward = await live.call("forwards.add", target="local", port=await serve(pour))
    pairs = [await asyncio.open_connection("127.0.0.1", forward["local"]) for _ in range(200)]
    drained = [0] * len(pairs)

    async def drain(number: int, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            drained[number] += len(data)

    draining = [asyncio.ensure_future(drain(n, reader)) for n, (reader, _) in enumerate(pairs)]
    try:
        await until(lambda: all(drained), "every connection to have its turn")
        run = await live.submit(1, "for n in $(seq 50); do echo line $n; sleep 0.02; done")
        said = ""
        async with asyncio.timeout(100):
            async for item in live.items("runs.follow", run=run["id"]):
                said += item.get("log", "")
        assert said.splitlines() == [f"line {n}" for n in range(1, 51)]
        (listed,) = await live.call("forwards.list")
        assert listed["connections"] == 200
    finally:
        for task in draining:
            task.cancel()
        await asyncio.wait(draining)
        for _, writer in pairs:
            writer.transport.abort()
    await soon(lambda: idle(live), "them to end")


async def test_who_stops_reading_costs_a_window(live: Services, serve: MakeServe) -> None:
    pouring = Pouring()
    forward = await live.call("forwards.add", target="local", port=await serve(pouring))
    _, writer = await asyncio.open_connection("127.0.0.1", forward["local"], limit=1024)
    assert await pouring.stopped() < 24 << 20
    writer.transport.abort()


async def test_no_more_than_so_many_at_once(
    live: Services, serve: MakeServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "MOST", 3)
    forward = await live.call("forwards.add", target="local", port=await serve(echo))
    pairs = [await asyncio.open_connection("127.0.0.1", forward["local"]) for _ in range(3)]
    await until(lambda: live.workspace.forwards._kept[forward["local"]]._open.connections == 3, "three")
    assert await fetch(forward["local"], b"x") == b""
    for _, writer in pairs:
        writer.transport.abort()


async def test_over_ssh_it_survives_a_cut(wb: Wb, cutting: Cutting, serve: MakeServe) -> None:
    port = await serve(page)

    def add() -> int:
        server: SshServer = cutting.machine
        wb("compute", "attach", "gpu1", "gpu1", "--set", f"ssh_config={server.ssh_config}", "--set",
           f"lease_dir={server.folder / 'lease'}", "--set", f"root={server.folder / 'root'}")  # fmt: skip
        forward = wb.json("compute", "forward", "gpu1", str(port))
        return int(forward["local"])

    local = await asyncio.to_thread(add)
    assert await fetch(local) == PAGE
    cutting.reset()
    assert await fetch(local) == PAGE, "the link is made again for it"
    await asyncio.to_thread(wb.kill_server, signal.SIGKILL)
    listed = await asyncio.to_thread(wb.json, "compute", "forwards")
    assert [forward["local"] for forward in listed] == [local]
    await soon(lambda: fetch(local), "it to be open again")
    assert await fetch(local) == PAGE
    await asyncio.to_thread(wb, "compute", "forwards", "--remove", str(local))
    with pytest.raises(ConnectionError):
        await fetch(local)


def test_the_server_stays_as_long_as_there_is_one(make_wb: Callable[..., Wb]) -> None:
    wb = make_wb(WORKBENCH_SERVER__IDLE="1")
    wb("compute", "forward", "local", "80")
    (local,) = [forward["local"] for forward in wb.json("compute", "forwards")]
    pid = wb.server_pid()
    assert pid is not None
    time.sleep(3)  # as long as it takes it to end otherwise, and more
    assert wb.server_pid() == pid
    wb("compute", "forwards", "--remove", str(local))
    wb.until(lambda: wb.server_pid() is None, "the server to end by itself")
