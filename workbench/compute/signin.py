"""Questions only the user can answer while a connection is made: passwords, pass phrases, codes.

A connection attempt asks through a `SignIn`. `SignInSession` holds such an attempt open over several calls
of a face: each call returns the next question or the end. A question waits only for who is seen to be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Literal, Protocol, TypeVar

from workbench.entities.base import Entity, to_wire
from workbench.errors import NeedsSignIn, NotAnswered, NotFound
from workbench.text.sanitize import clean, clean_name

PATIENCE = 300.0
"""Seconds a question waits for its answer while somebody attends to it."""
UNATTENDED = 20.0
"""Seconds it waits for somebody to do so: whoever began the attempt may have been interrupted or killed."""
MAX_PROMPT = 1000  # characters; a hostile server may say anything
MAX_ANSWER = 4096
CHANGE_PASSWORD = "sign in once with ssh in a terminal and change it there"

PromptKind = Literal["password", "passphrase", "code"]
IN_WORDS: dict[PromptKind, str] = {"password": "password", "passphrase": "pass phrase", "code": "code"}
T = TypeVar("T")


class Prompt(Entity, frozen=True, kw_only=True):
    """One question to the user, cleaned of control sequences."""

    kind: PromptKind
    text: str
    """As the machine or this side words it; may have several lines."""
    host: str
    """Who asks, in our words: USER@HOST of the hop, or the key's file."""
    echo: bool = False
    """Whether the answer may be seen while it is typed."""


def make_prompt(kind: PromptKind, text: str, host: str, *, echo: bool = False) -> Prompt:
    """A prompt whose texts may come from a hostile machine."""
    return Prompt(kind=kind, text=clean(text, MAX_PROMPT).strip(), host=clean_name(host), echo=echo)


class SignIn(Protocol):
    """Whoever can ask the user."""

    async def answer(self, prompt: Prompt) -> str:
        """The user's answer; raises NeedsSignIn when nobody answers."""


class NobodyToAsk:
    """For connections made without a user in front: every question ends them."""

    async def answer(self, prompt: Prompt) -> str:
        """Always raises NeedsSignIn; its data carries the prompt."""
        raise NeedsSignIn(
            f"{prompt.host} asks for a {IN_WORDS[prompt.kind]}",
            "sign in with: wb compute login",
            prompt=to_wire(prompt),
        )


class SignInSession(Generic[T]):
    """A connection attempt that a face carries on call by call; it is the attempt's SignIn.

    patience: seconds a question waits for its answer before the attempt ends with NotAnswered; unattended:
    the same until somebody attends to it.
    """

    def __init__(self, patience: float = PATIENCE, unattended: float = UNATTENDED) -> None:
        self.patience = patience
        self.unattended = min(unattended, patience)
        self._scope: asyncio.Timeout | None = None
        self._task: asyncio.Task[T] | None = None
        self._turn = asyncio.Lock()
        self._prompt: Prompt | None = None
        self._answer: asyncio.Future[str] | None = None
        self._asked = asyncio.Event()

    @property
    def prompt(self) -> Prompt | None:
        """The question that waits for `give`, if any."""
        return self._prompt

    @property
    def done(self) -> bool:
        """Whether the attempt has ended, well or not."""
        return self._task is not None and self._task.done()

    def start(self, attempt: Callable[[SignIn], Awaitable[T]]) -> None:
        """Begin the attempt; attempt gets this session to ask through."""
        if self._task is not None:
            raise RuntimeError("a sign-in session makes one attempt")

        async def run() -> T:
            return await attempt(self)

        self._task = asyncio.create_task(run(), name="sign-in")
        self._task.add_done_callback(_retrieve)

    async def next(self) -> Prompt | T:
        """The next question, or what the attempt returned; raises what the attempt raised."""
        if self._task is None:
            raise RuntimeError("the sign-in session was not started")
        asked = asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait({asked, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        if self._prompt is not None and not self._task.done():
            return self._prompt
        if self._task.cancelled():
            raise NeedsSignIn("the sign-in was given up", "start it again with: wb compute login")
        return await self._task

    def give(self, answer: str) -> None:
        """Answer the question that waits; raises NotFound when none does (it may have timed out)."""
        if self._answer is None or self._answer.done():
            raise NotFound("no question is waiting for an answer", "start again with: wb compute login")
        self._answer.set_result(answer[:MAX_ANSWER])
        self._prompt = None
        self._asked.clear()

    @asynccontextmanager
    async def attended(self) -> AsyncIterator[asyncio.Future[str]]:
        """While somebody is there to answer the question that waits: the answer to come.

        Leaving before it has come gives the attempt up. Raises NotFound when no question waits.
        """
        answer = self._answer
        if answer is None or self._scope is None or answer.done():
            raise NotFound("no question is waiting for an answer", "start again with: wb compute login")
        self._scope.reschedule(asyncio.get_running_loop().time() + self.patience)
        try:
            yield answer
        finally:
            if not answer.done():
                await self.close()

    async def close(self) -> None:
        """Give the attempt up and wait until it is gone."""
        if self._task is None or self._task.done():
            return
        self._task.cancel()
        await asyncio.wait({self._task})

    async def answer(self, prompt: Prompt) -> str:
        """Ask the face; raises NotAnswered when it does not answer in time."""
        async with self._turn:
            self._answer = asyncio.get_running_loop().create_future()
            self._prompt = prompt
            self._asked.set()
            try:
                async with asyncio.timeout(self.unattended) as self._scope:
                    return await self._answer
            except TimeoutError:
                raise NotAnswered(
                    f"nobody answered the {IN_WORDS[prompt.kind]} prompt of {prompt.host} in time",
                    "start again with: wb compute login",
                    prompt=to_wire(prompt),
                ) from None
            finally:
                self._prompt = None
                self._answer = self._scope = None
                self._asked.clear()


def _retrieve(task: asyncio.Task[T]) -> None:
    """Mark the attempt's error as seen: a face that went away never fetches it."""
    if not task.cancelled():
        task.exception()
