"""Long answers and long requests leave the server's loop to the others: what is asked meanwhile is answered.

Nothing here measures time. Either a stage of the long call waits, where it is, until another call's whole round
trip is over - on the loop it would wait for ever - or the real work is done while turns of the loop are counted.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.services import Services, services
from tests.store_making import FILE, header, make_run, run_id
from workbench import long_json
from workbench.entities import encoding
from workbench.entities.configuration import RunConfiguration
from workbench.entities.snapshot import Manifest
from workbench.server import app
from workbench.services import run_compare
from workbench.services.operation import Operation
from workbench.store.metrics import series
from workbench.store.runs import kept_runs
from workbench.workspace.exchange import AnswerParser, Shape, decode, request, told

POINTS = 500_000
ENTRIES = 60_000


class Served:
    """A workspace's services behind the real application on a Unix socket."""

    def __init__(self, live: Services, socket: Path) -> None:
        self.live = live
        self._socket = str(socket)

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One round trip on a connection of its own."""
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=1 << 26)
        try:
            writer.write(request("default", noun, method, parameters))
            await writer.drain()
            parser = AnswerParser(Shape.VALUE)
            while (piece := parser.next_piece()) is None:
                parser.feed(await reader.read(1 << 20))
            return await asyncio.to_thread(lambda: told(decode(piece.data)).value)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with services(tmp_path) as live, asyncio.timeout(120):

        async def lookup(_: str) -> dict[str, Operation]:
            return live.workspace.operations

        runner = web.AppRunner(app.make_app(lookup, lambda _: None), access_log=None)
        await runner.setup()
        await web.UnixSite(runner, str(tmp_path / "s")).start()
        try:
            yield Served(live, tmp_path / "s")
        finally:
            await runner.cleanup()


async def fill(served: Served, points: int = POINTS) -> str:
    """A run with one long series."""
    store = served.live.store
    await store.write(kept_runs.insert, make_run(target="local"), RunConfiguration(command="true"))
    noise = random.Random(1)
    first = json.dumps(header()).encode() + b"\n"
    offset = 0
    for start in range(0, points, 50_000):
        lines = [
            b'{"k":"metric","n":"loss","v":%r,"s":%d,"t":%d.25}\n' % (noise.random(), step, step)
            for step in range(start, start + 50_000)
        ]
        data = (first if not start else b"") + b"".join(lines)
        await store.write(store.intake.take, run_id(), FILE, offset, data)
        offset += len(data)
    return run_id()


def entries(count: int = ENTRIES) -> list[dict[str, Any]]:
    return [
        {"path": f"src/part{n % 100}/m{n}.py", "kind": "file", "size": n, "sha256": f"{n:064x}"}
        for n in range(count)
    ]


class Stage:
    """A function of the long call that goes on only once another call was answered."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.answered = threading.Event()

    def at(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def held(*args: Any, **kwargs: Any) -> Any:
            self.reached.set()
            assert self.answered.wait(60), "nobody was answered meanwhile"
            return function(*args, **kwargs)

        return held


async def meanwhile(served: Served, stage: Stage, long: asyncio.Task[Any]) -> Any:
    """Another call's round trip while the long one stands at its stage; what the long one answers."""
    assert await asyncio.to_thread(stage.reached.wait, 60)
    assert (await served.call("compute", "get", name="local"))["name"] == "local"
    assert not long.done()
    stage.answered.set()
    return await long


async def test_others_are_answered_while_a_long_answer_is_read_from_the_store(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await fill(served, 50_000)
    stage = Stage()
    monkeypatch.setattr(series, "columns", stage.at(series.columns))
    long = asyncio.create_task(served.call("runs", "points", run=run, name="loss"))
    assert len((await meanwhile(served, stage, long))["steps"]) == 50_000


async def test_others_are_answered_while_a_long_answer_is_encoded(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await fill(served, 50_000)
    stage = Stage()
    monkeypatch.setattr(encoding, "_array", stage.at(encoding._array))
    long = asyncio.create_task(served.call("runs", "points", run=run, name="loss"))
    found = await meanwhile(served, stage, long)
    assert found["steps"] == list(range(50_000))
    assert found["times"][:2] == [1_790_000_000_250_000, 1_790_000_001_250_000]


@pytest.mark.parametrize("stage_of", ["read", "checked", "summed up"])
async def test_others_are_answered_while_a_long_request_is_taken_in(
    served: Served, monkeypatch: pytest.MonkeyPatch, stage_of: str
) -> None:
    stage = Stage()
    if stage_of == "read":
        monkeypatch.setattr(long_json, "loads", stage.at(long_json.loads))
    elif stage_of == "checked":
        monkeypatch.setattr(Operation, "arguments", longest(stage, Operation.arguments))
    else:
        monkeypatch.setattr(Manifest, "id", property(stage.at(Manifest.id.fget)))  # type: ignore[arg-type]
    long = asyncio.create_task(served.call("snapshots", "missing", entries=entries(20_000)))
    found = await meanwhile(served, stage, long)
    assert len(found["missing"]) == 20_000


def longest(stage: Stage, function: Callable[..., Any]) -> Callable[..., Any]:
    """function, held for parameters with many entries alone."""

    def arguments(self: Operation, parameters: Any) -> Any:
        many = isinstance(parameters, dict) and len(parameters.get("entries", ())) > 1000
        return (stage.at(function) if many else function)(self, parameters)

    return arguments


async def test_others_are_answered_while_runs_are_compared(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = served.live.store
    for number in (1, 2):
        await store.write(
            kept_runs.insert, make_run(number, target="local"), RunConfiguration(command="true")
        )
    stage = Stage()
    monkeypatch.setattr(run_compare, "compare", stage.at(run_compare.compare))
    long = asyncio.create_task(served.call("runs", "compare", runs=[run_id(1), run_id(2)]))
    assert len((await meanwhile(served, stage, long))["runs"]) == 2


class Turns:
    """Counts the loop's turns, and in which of them something began and ended."""

    def __init__(self) -> None:
        self.count = 0
        self.seen: list[int] = []

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1

    def at(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.seen.append(self.count)
            try:
                return function(*args, **kwargs)
            finally:
                self.seen.append(self.count)

        return noted

    @property
    def passed(self) -> int:
        """Turns between the first beginning and the last end."""
        return self.seen[-1] - self.seen[0]


async def counted(long: Callable[[], Any], turns: Turns) -> Any:
    ticking = asyncio.create_task(turns.tick())
    try:
        return await long()
    finally:
        ticking.cancel()


async def test_the_loop_turns_while_half_a_million_points_become_an_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the interpreter's lock is given up on the way, not at the end."""
    run = await fill(served)
    turns = Turns()
    monkeypatch.setattr(app, "_blocks", turns.at(app._blocks))
    found = await counted(lambda: served.call("runs", "points", run=run, name="loss"), turns)
    assert len(found["values"]) == POINTS
    assert turns.passed >= 20


async def test_the_loop_turns_while_sixty_thousand_entries_are_taken_in(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns()
    monkeypatch.setattr(long_json, "loads", turns.at(long_json.loads))
    many = entries()
    found = await counted(lambda: served.call("snapshots", "missing", entries=many), turns)
    assert len(found["missing"]) == ENTRIES
    assert turns.passed >= 5
