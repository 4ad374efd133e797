"""Who listens to a shared probe hears all of it in order, or is told anew what there is."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, cast

import pytest

from workbench.remote.forms import protocol
from workbench.remote.probe.shared_probe import Listener
from workbench.remote.wire import frames
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

FULL, ONE, TWO = b'{"full":{}}', b'{"delta":{"t":1}}', b'{"delta":{"t":2}}'


class Near(Exchange):
    """The stream of a request whose near end is this test."""

    def __init__(self, **params: Any) -> None:
        self.params = params
        self.cancelled = False
        self.left = 1000
        self.heard: list[bytes] = []
        self.said: deque[bytes] = deque()

    @property
    def credit(self) -> int:
        return self.left

    def forward(self, message: bytes) -> None:
        self.heard.append(message)
        self.left -= len(message)

    def read(self, timeout: float | None = None) -> bytes | None:
        return self.said.popleft() if self.said else None


def test_changes_are_told_only_after_the_whole() -> None:
    near = Near()
    listener = Listener(near)
    for line in (ONE, FULL, TWO):
        listener.tell(line, line == FULL)
    assert near.heard == [FULL, TWO]


def test_one_that_is_too_slow_misses_some_and_is_told_anew() -> None:
    near = Near()
    listener = Listener(near)
    listener.tell(FULL, True)
    near.left = 0
    listener.tell(ONE, False)
    assert not listener.in_step
    near.left = 1000
    listener.tell(TWO, False)
    assert near.heard == [FULL]
    listener.tell(FULL, True)
    listener.tell(TWO, False)
    assert near.heard == [FULL, FULL, TWO]


def test_what_is_wanted_changes_by_lines_however_they_are_cut() -> None:
    near = Near(every=2, detail=["GPU-1"])
    listener = Listener(near)
    assert (listener.every, listener.detail) == (2, ["GPU-1"])
    line = json.dumps({"every": 0.5, "detail": []}).encode() + b'\n{"full": true}\n{"every"'
    near.said.extend([line[:7], line[7:30], line[30:]])
    listener.in_step = True
    listener.hear()
    assert (listener.every, listener.detail, listener.in_step) == (0.5, [], False)
    near.said.append(b": 7}\n")
    listener.hear()
    assert listener.every == 7


def test_rates_are_kept_within_what_makes_sense() -> None:
    assert Listener(Near(every=1e-9)).every == 0.05
    assert Listener(Near(every=1e9)).every == 3600
    assert len(Listener(Near(detail=["GPU"] * 1000)).detail) == 64


@pytest.mark.parametrize(
    "line", [b"[]\n", b"nonsense\n", b'{"every": "x"}\n', b'{"detail": 3}\n', b"x" * 70000]
)
def test_nonsense_is_an_error_of_its_stream(line: bytes) -> None:
    near = Near()
    listener = Listener(near)
    near.said.append(line)
    with pytest.raises(RequestError):
        listener.hear()


def test_the_end_of_what_it_says_is_not_the_end_of_listening() -> None:
    near = Near()
    listener = Listener(near)
    near.said.append(b"")
    listener.hear()
    listener.tell(FULL, True)
    assert near.heard == [FULL]


class Leaving(Exchange):
    """One whose listener leaves it between two looks at who is told of changes."""

    told = 0

    @property
    def changed(self) -> Any:
        self.told += 1
        return (lambda: None) if self.told == 1 else None

    @changed.setter
    def changed(self, value: Any) -> None:
        """Nobody's business here."""


def test_a_stream_that_is_left_while_something_comes_does_not_end_the_link() -> None:
    exchange = Leaving(cast(Any, None), 1, "probe", {}, lambda _: None)
    exchange.deliver(frames.Frame(protocol.CANCEL, 1, b""))
    assert exchange.cancelled
