"""The machines as the dashboard keeps them, with a server that says what is written here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from workbench.errors import NotFound
from workbench.tui.model import machines as model
from workbench.tui.model.machines import Looking, Machines


class Server:
    """Says what its machines are, once a look, and then nothing more; `refused`: what it answers instead."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.asked: list[tuple[str, ...]] = []
        self.refused: Exception | None = None

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """Nothing is asked for."""
        raise AssertionError(f"{noun}.{method}")

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """The watch."""
        names = tuple(parameters["names"])
        self.asked.append(names)
        if self.refused:
            raise self.refused
        yield {"machines": {name: {"age": 1.0} for name in names or self.names}}
        await asyncio.Event().wait()

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Nothing is read."""
        yield b""


@asynccontextmanager
async def followed(server: Server) -> AsyncIterator[tuple[Machines, set[str]]]:
    """The machines while they are followed, and the names told of."""
    told: set[str] = set()
    machines = Machines(server, told.update)
    running = asyncio.create_task(machines.run())
    try:
        yield machines, told
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not done():  # noqa: ASYNC110 - what is waited for is the machines' to say
            await asyncio.sleep(0.005)


async def test_a_machine_that_went_while_one_looked_elsewhere_is_gone() -> None:
    server = Server("a", "b")
    async with followed(server) as (machines, told):
        machines.look(Looking("visible"))
        await until(lambda: told == {"a", "b"})
        machines.look(Looking("closely", ("a",)))
        await until(lambda: server.asked[-1] == ("a",))
        assert set(machines.views) == {"a", "b"}, "one machine looked at says nothing of the others"
        server.names = {"a"}
        told.clear()
        machines.look(Looking("visible"))
        await until(lambda: "b" in told)
        assert set(machines.views) == {"a"}
        assert machines.row("b") is None
        assert machines.age("b") is None


async def test_a_machine_that_is_not_there_yet_is_asked_for_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(model, "AGAIN", 0.01)
    server = Server("a")
    server.refused = NotFound("there is no machine a")
    async with followed(server) as (machines, told):
        machines.look(Looking("closely", ("a",)))
        await until(lambda: len(server.asked) >= 2)
        server.refused = None
        await until(lambda: told == {"a"})
