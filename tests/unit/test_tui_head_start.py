"""Answers that are on their way before they are asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from workbench.errors import ServerError
from workbench.tui.model.head_start import Ahead, HeadStart, Question

ORDER = Question("runs", "order", {"sort": "created"})
LIST = Question("experiments", "list", {})


class Early:
    """What the thread asks."""

    def __init__(self, broken: str = "", gate: threading.Event | None = None) -> None:
        self.broken, self.gate = broken, gate
        self.closed = threading.Event()

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        if self.gate is not None:
            assert self.gate.wait(30)
        if method == self.broken:
            raise ServerError("gone", "try again")
        return f"early {noun}.{method}"

    def close(self) -> None:
        self.closed.set()


class Late:
    """The services proper."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        self.asked.append(f"{noun}.{method}")
        return f"late {noun}.{method}"

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        yield 1
        yield 2

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        yield b"bytes"


async def test_an_answer_is_for_one_call_and_the_next_asks_anew() -> None:
    early, late = Early(), Late()
    services = Ahead(late, HeadStart([ORDER, LIST], lambda: early))
    assert await services.call("runs", "order", sort="created", experiment=None) == "early runs.order"
    assert await services.call("runs", "order", sort="created") == "late runs.order"
    assert await services.call("experiments", "list") == "early experiments.list"
    assert late.asked == ["runs.order"]
    assert early.closed.wait(30)


async def test_other_parameters_are_another_question() -> None:
    services = Ahead(Late(), HeadStart([ORDER], Early))
    assert await services.call("runs", "order", sort="name") == "late runs.order"


@pytest.mark.parametrize("broken", ["order", "list"])
async def test_what_could_not_be_had_is_asked_again(broken: str) -> None:
    services = Ahead(Late(), HeadStart([ORDER, LIST], lambda: Early(broken)))
    first = await services.call("runs", "order", sort="created")
    assert first == ("late runs.order" if broken == "order" else "early runs.order")
    assert await services.call("experiments", "list") == "late experiments.list"


async def test_a_client_that_cannot_be_made_leaves_everything_to_the_services() -> None:
    def opener() -> Early:
        raise ServerError("the local server did not start", "see its log")

    services = Ahead(Late(), HeadStart([ORDER, LIST], opener))
    assert await services.call("experiments", "list") == "late experiments.list"
    assert await services.call("runs", "order", sort="created") == "late runs.order"


async def test_once_something_happened_old_answers_count_no_more() -> None:
    services = Ahead(Late(), HeadStart([ORDER, LIST], Early))
    values = [value async for value in services.items("events", "watch", after=0)]
    assert values == [1, 2]
    assert await services.call("runs", "order", sort="created") == "late runs.order"


async def test_who_stops_waiting_harms_nobody() -> None:
    gate = threading.Event()
    services = Ahead(Late(), HeadStart([ORDER, LIST], lambda: Early(gate=gate)))
    waiting = asyncio.create_task(services.call("runs", "order", sort="created"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    assert await services.call("experiments", "list") == "early experiments.list"


async def test_bytes_pass_through() -> None:
    services = Ahead(Late(), HeadStart([], Early))
    assert [block async for block in services.read("runs", "log")] == [b"bytes"]
