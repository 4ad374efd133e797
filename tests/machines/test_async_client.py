"""The asyncio client against the real server as a process, and with the services in this process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.machines.settled import settled
from tests.machines.wb import Wb
from workbench.entities.base import to_wire
from workbench.entities.identity import make_run_id
from workbench.errors import NotFound, ServerError
from workbench.home import Home
from workbench.runs.configuration import Options, configuration_from_command
from workbench.version import __version__
from workbench.workspace import exchange
from workbench.workspace.async_client import AsyncClient

COUNTING = "for i in $(seq 120); do echo line $i; sleep 0.05; done"
COUNTED = "".join(f"line {number}\n" for number in range(1, 121))
OLD = (
    "import sys, workbench.version; workbench.version.__version__ = '0.0.1'\n"
    "from workbench.server.main import main; sys.exit(main())"
)


def opened(wb: Wb, embedded: bool = False) -> AsyncClient:
    """A client of that user's home."""
    return AsyncClient.open("default", embedded=embedded, home=Home(wb.folder, wb.folder))


@pytest.fixture(params=["socket", "embedded"])
async def client(wb: Wb, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[AsyncClient]:
    """Both kinds, with this machine ready for runs."""
    async with opened(wb, embedded=request.param == "embedded") as made:
        await prepare(made, tmp_path)
        yield made


async def prepare(client: AsyncClient, folder: Path) -> None:
    """Keep this machine's runs in folder."""
    changes = {"root": str(settled(folder / "root")), "lease_dir": str(folder / "lease")}
    await client.call("compute", "set", name="local", changes=changes)


async def submit(client: AsyncClient, command: str) -> str:
    """Start a run of a shell line; its id."""
    configuration = configuration_from_command(command, Options(target="local"))
    run = await client.call(
        "runs",
        "submit",
        id=make_run_id(time.time_ns() // 1_000_000, os.urandom(10)),
        configuration=to_wire(configuration),
    )
    return str(run["id"])


def connections(wb: Wb) -> int:
    """Connections that the server of that user has open."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return sum(
        len(line) == 8 and line[7] == str(wb.folder / "server.sock") and line[5] == "03" for line in lines
    )


async def until(condition: Any, what: str) -> None:
    """Wait until condition() is true."""
    for _ in range(1200):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"waited for {what}")


async def test_calls_items_and_bytes(client: AsyncClient) -> None:
    run = await submit(client, "echo hello; echo there")
    items = [item async for item in client.items("runs", "follow", run=run)]
    assert "".join(item.get("log", "") for item in items) == "hello\nthere\n"
    assert items[-1]["run"]["status"] == "Completed"
    assert b"".join([block async for block in client.read("runs", "logs", run=run)]) == b"hello\nthere\n"
    followed = client.read("runs", "logs", run=run, follow=True, lines=1)
    assert b"".join([block async for block in followed]) == b"there\n"
    assert [found["id"] for found in await client.call("runs", "list")] == [run]
    with pytest.raises(NotFound):
        await client.call("runs", "get", run="nobody")


async def test_an_upload_that_is_no_archive_is_refused_and_harms_nothing(client: AsyncClient) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"no zip " * 10_000

    with pytest.raises(Exception, match=r"zip|archive"):
        await client.write("snapshots", "upload", source())
    assert await client.call("runs", "list") == []


async def test_cancelling_ends_a_stream_and_leaves_the_client_usable(client: AsyncClient) -> None:
    """Cancelled where it waits, whatever for; the run goes on."""
    run = await submit(client, "echo hello; sleep 600")
    heard = asyncio.Event()

    async def listen() -> None:
        async for item in client.items("runs", "follow", run=run):
            if "log" in item:
                heard.set()

    task = asyncio.ensure_future(listen())
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    still = (await client.call("runs", "get", run=run))["status"]
    assert still in ("Preparing", "Running"), "its output may be here before its state"
    await client.call("runs", "cancel", run=run)
    *_, last = [item async for item in client.items("runs", "follow", run=run)]
    assert last["run"]["status"] == "Canceled"


async def test_many_at_once_start_one_server(wb: Wb) -> None:
    async with opened(wb) as client:
        infos = await asyncio.gather(*[client.call("server", "info") for _ in range(8)])
    assert len({info["pid"] for info in infos}) == 1
    assert (wb.folder / "server.log").read_text().count(" as process ") == 1


@pytest.mark.parametrize("how", ["follow", "logs"])
async def test_following_goes_on_across_killed_servers(wb: Wb, tmp_path: Path, how: str) -> None:
    """Each byte once, in order."""
    async with opened(wb) as client:
        await prepare(client, tmp_path)
        run = await submit(client, COUNTING)
        got = ""
        kills = 0

        async def texts() -> AsyncIterator[str]:
            if how == "follow":
                async for item in client.items("runs", "follow", run="@1"):
                    yield item.get("log", "")
            else:
                async for block in client.read("runs", "logs", run="@1", follow=True):
                    yield block.decode()

        async for text in texts():
            got += text
            if got.count("\n") > 30 * (kills + 1) and kills < 2:
                kills += 1
                await asyncio.to_thread(wb.kill_server)
        assert kills == 2
        assert got == COUNTED
        assert (await client.call("runs", "get", run=run))["status"] == "Completed"


async def test_events_go_on_across_a_killed_server(wb: Wb, tmp_path: Path) -> None:
    async with opened(wb) as client:
        await prepare(client, tmp_path)
        run = await submit(client, "sleep 2; echo done")
        killed = False
        sequences = []
        async with aclosing(client.items("events", "watch", after=0)) as events:
            async for event in events:
                sequences.append(event["sequence"])
                if not killed:
                    killed = True
                    await asyncio.to_thread(wb.kill_server)
                if event["kind"] == "RunCompleted" and event["subject"].endswith(run):
                    break
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_a_cancelled_stream_leaves_no_connection_in_the_server(wb: Wb, tmp_path: Path) -> None:
    async with opened(wb) as client:
        await prepare(client, tmp_path)
        run = await submit(client, "echo hello; sleep 600")
        heard = asyncio.Event()

        async def listen(method: str) -> None:
            async for _ in client.items("runs", method, run=run):
                heard.set()

        tasks = [asyncio.ensure_future(listen(method)) for method in ("follow", "watch")]
        await heard.wait()
        await until(lambda: connections(wb) == 2, "two streams")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: connections(wb) == 0, "no connection")
        await client.call("runs", "cancel", run=run)


async def test_an_older_server_hands_over(wb: Wb) -> None:
    """426"""
    old = subprocess.Popen([sys.executable, "-c", OLD], env=wb.environ, cwd="/")
    wb.started.append(old)
    await until((wb.folder / "server.sock").exists, "the old server")
    async with opened(wb) as client:
        info = await client.call("server", "info")
    assert info["version"] == __version__
    assert info["pid"] != old.pid
    assert await asyncio.to_thread(old.wait, 60) == 0


async def test_a_server_that_stays_older_is_told_and_not_asked_for_ever(
    wb: Wb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "__version__", "99.0")
    async with opened(wb) as client:
        with pytest.raises(ServerError, match="older version"):
            await client.call("server", "info")


async def test_a_server_that_cannot_start_says_why(wb: Wb) -> None:
    (wb.folder / "settings.toml").write_text("[nonsense\n")
    async with opened(wb) as client:
        with pytest.raises(ServerError, match=r"did not start.*settings"):
            await client.call("server", "info")
