"""What goes on when the local server ends underneath: questions, and streams from where they stopped.

Killing the server harms nothing, so a follow must not notice more than a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from workbench.errors import ServerError
from workbench.workspace.exchange import ServerGone

TRIES = 20
"""Times in a row without anything new before the error is passed on."""
ASKED_AGAIN = 4
"""Times that a question is asked again."""
QUESTIONS = frozenset(("get", "list", "log_place"))
"""Methods that change nothing, whatever the noun: to ask twice is to ask once."""
PAUSE = 0.25
"""Seconds between them."""

Parameters = dict[str, Any]
T = TypeVar("T")


class Resumption:
    """How far a stream came, and so what to ask for its rest."""

    def __init__(self, parameters: Parameters, moved: Callable[[Parameters, Any], Parameters]) -> None:
        """moved: what of the parameters is another after a piece."""
        self._parameters = parameters
        self._moved = moved
        self._failures = 0
        timeout = parameters.get("timeout")
        self._until = None if timeout is None else time.monotonic() + timeout

    @property
    def parameters(self) -> Parameters:
        """What to ask for now; of a timeout, what is left of it."""
        if self._until is None:
            return self._parameters
        return {**self._parameters, "timeout": max(0.0, self._until - time.monotonic())}

    def came(self, piece: Any) -> None:
        """A piece arrived."""
        self._parameters = {**self._parameters, **self._moved(self._parameters, piece)}
        self._failures = 0

    def failed(self, problem: ServerError) -> None:
        """The stream broke; raises the problem when that happened too often without anything new."""
        self._failures += 1
        if self._failures > TRIES:
            raise problem


def asked_again(method: str) -> int:
    """How often a call is made again when the server went away before it had answered."""
    return ASKED_AGAIN if method in QUESTIONS else 0


def answered(method: str, ask: Callable[[], T]) -> T:
    """What ask answers; a question is asked again when the server went away before it had answered."""
    for _ in range(asked_again(method)):
        try:
            return ask()
        except ServerGone:
            time.sleep(PAUSE)
    return ask()


def item_resumption(noun: str, method: str, parameters: Parameters) -> Resumption | None:
    """For a stream of items; None when it is one that just breaks.

    After an interruption of runs.follow the run's row comes again; nothing of its output does. events.watch
    goes on after the last event seen, so before the first one exactly only where `after` was given.
    compute.watch begins anew, with all there is.
    """
    if noun == "runs" and method in ("follow", "watch", "log_print"):
        return Resumption(parameters, _followed)
    if (noun, method) == ("compute", "watch"):
        return Resumption(parameters, lambda *_: {})
    if (noun, method) == ("events", "watch"):
        return Resumption(parameters, lambda _, event: {"after": event["sequence"]})
    return None


def _followed(parameters: Parameters, item: Any) -> Parameters:
    if "run" in item:
        return {"run": item["run"]["id"]}  # @1 may mean another run by then
    if "offset" in item:
        begun = {name: None for name in ("lines", "since") if parameters.get(name) is not None}
        return {"offset": max(parameters.get("offset") or 0, item["offset"]), **begun}
    return {}


def follows_log(noun: str, method: str, parameters: Parameters) -> bool:
    """Whether a stream of bytes is one that `log_resumption` is for."""
    return (noun, method) == ("runs", "logs") and bool(parameters.get("follow"))


def log_question(parameters: Parameters) -> Parameters:
    """The parameters of the call runs.log_place that `log_resumption` wants the answer of."""
    return {name: value for name, value in parameters.items() if name != "follow"}


def log_resumption(place: dict[str, Any]) -> Resumption:
    """For the followed log of a run, by what runs.log_place said of its beginning."""
    asked = {**place, "follow": True}
    return Resumption(asked, lambda before, block: {"offset": before["offset"] + len(block)})


def resumed(source: Callable[[Parameters], Iterator[T]], stream: Resumption) -> Generator[T, None, None]:
    """All pieces of a stream, however often it breaks."""
    while True:
        try:
            for piece in source(stream.parameters):
                stream.came(piece)
                yield piece
            return
        except ServerError as problem:
            stream.failed(problem)
            time.sleep(PAUSE)
