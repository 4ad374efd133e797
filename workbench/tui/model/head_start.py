"""What the first place asks, asked by a thread while the screen is still being imported.

Importing takes longer than the answers, which then are there when the first frame is drawn; and a server that
has to be started starts at once. Nothing here may import what it hides: no Textual.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from workbench.errors import WorkbenchError
from workbench.tui.model.feed import Services


class Question(NamedTuple):
    """A call of a service; absent parameters (None) are left out."""

    noun: str
    method: str
    parameters: dict[str, Any]


class Answer(NamedTuple):
    """What a service answered."""

    value: Any


Asked = tuple[Question, "Future[Answer | None]"]


class Asking(Protocol):
    """A client that may be used in a thread."""

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

    def close(self) -> None:
        """Let go of the services."""


class HeadStart:
    """Questions that are being asked already; an answer is for one call, later ones ask anew."""

    def __init__(self, questions: Sequence[Question], opener: Callable[[], Asking]) -> None:
        """questions: as they are asked, `events.last` first, so that no answer is older than it.

        opener: makes the client, in the thread, which starts at once.
        """
        self._left: list[Asked] = [(question, Future()) for question in questions]
        for _, answer in self._left:
            answer.set_running_or_notify_cancel()  # whoever waits may be cancelled, the question is not
        asked = list(self._left)
        threading.Thread(target=_ask, args=(opener, asked), name="head start", daemon=True).start()

    def take(self, question: Question) -> Future[Answer | None] | None:
        """The answer to a question, which may still be under way; None where nobody asks it.

        It holds None where it could not be had: whoever asks again hears why.
        """
        for place, (known, answer) in enumerate(self._left):
            if known == question:
                del self._left[place]
                return answer
        return None

    def drop(self) -> None:
        """Something happened: what was answered before may be wrong."""
        self._left.clear()


def _ask(opener: Callable[[], Asking], asked: list[Asked]) -> None:
    waiting = iter(asked)
    try:
        client = opener()
        try:
            for question, answer in waiting:
                try:
                    found = Answer(client.call(question.noun, question.method, **question.parameters))
                except BaseException:
                    answer.set_result(None)
                    raise
                answer.set_result(found)
        finally:
            client.close()
    except WorkbenchError:
        pass  # the dashboard asks again, and says why it fails
    finally:
        for _, answer in waiting:
            answer.set_result(None)


class Ahead:
    """Services some of whose answers are on their way already."""

    def __init__(self, services: Services, head_start: HeadStart) -> None:
        self._services = services
        self._head_start = head_start

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        said = {name: value for name, value in parameters.items() if value is not None}
        early = self._head_start.take(Question(noun, method, said))
        answer = None if early is None else await asyncio.wrap_future(early)
        if answer is not None:
            return answer.value
        return await self._services.call(noun, method, **parameters)

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come."""
        try:
            async with aclosing(self._services.items(noun, method, **parameters)) as values:
                async for value in values:
                    if noun == "events":
                        self._head_start.drop()
                    yield value
        finally:
            if noun == "events":
                self._head_start.drop()

    def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Bytes as they come."""
        return self._services.read(noun, method, **parameters)
