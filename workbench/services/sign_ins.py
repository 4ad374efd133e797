"""Sign-ins in progress: attempts to reach machines that wait for their user's answers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from workbench.compute.signin import Prompt, SignIn, SignInSession
from workbench.errors import NeedsSignIn, Refused

MAX_SESSIONS = 16
Answer = dict[str, Any]
Attempt = Callable[[SignIn], Awaitable[Answer]]


class SignIns:
    """One workspace's; of a machine there is one at most."""

    def __init__(self) -> None:
        self._sessions: dict[str, SignInSession[Answer]] = {}
        self._machines: dict[str, str] = {}

    async def begin(self, machine: str, attempt: Attempt) -> Answer:
        """Start an attempt: {"session", "prompt"}, or what it returned; raises what it raised.

        One that still goes on for the same machine is given up: its user may be long gone. Raises Refused.
        """
        await self._end([key for key, session in self._sessions.items() if session.done])
        while before := [key for key, name in self._machines.items() if name == machine]:
            await self._end(before)  # meanwhile another may have begun: the last one stays
        if len(self._sessions) >= MAX_SESSIONS:
            raise Refused("too many sign-ins are waiting for an answer", "answer or interrupt one of them")
        key, session = uuid.uuid4().hex, SignInSession[Answer]()
        self._sessions[key], self._machines[key] = session, machine
        session.start(attempt)
        return await self._advance(key, session)

    async def answer(self, key: str, text: str) -> Answer:
        """Answer the question that waits: the next one, or the end, as `begin`. Raises NeedsSignIn."""
        session = self._session(key)
        session.give(text)
        return await self._advance(key, session)

    async def attend(self, key: str) -> AsyncGenerator[dict[str, Any], None]:
        """One empty item, then nothing until the question is answered. Ending it earlier ends the attempt."""
        async with self._session(key).attended() as answer:
            yield {}
            await asyncio.wait({answer})

    async def close(self) -> None:
        """Give all of them up."""
        await self._end(list(self._sessions))

    def _session(self, key: str) -> SignInSession[Answer]:
        session = self._sessions.get(key)
        if session is None:
            raise NeedsSignIn("that sign-in is over", "start again with: wb compute login")
        return session

    async def _advance(self, key: str, session: SignInSession[Answer]) -> Answer:
        try:
            step = await session.next()
        except BaseException:
            await self._end([key])
            raise
        if isinstance(step, Prompt):
            return {"session": key, "prompt": step}
        await self._end([key])
        return step

    async def _end(self, keys: list[str]) -> None:
        ended = [self._sessions.pop(key) for key in keys if key in self._sessions]
        for key in keys:
            self._machines.pop(key, None)
        for session in ended:
            await session.close()
