"""Signing in from the dashboard: whoever closes the question ends the sign-in, whoever answers does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from workbench.errors import NeedsSignIn
from workbench.tui.app import Dashboard
from workbench.tui.screens.compute.signing_in import sign_in


class Asking:
    """A machine that asks two questions, and a user with answers for them; None is Escape."""

    def __init__(self, *answers: str | None) -> None:
        self.services = self
        self.answers = list(answers)
        self.given: list[str] = []
        self.held: list[str] = []
        self.left: list[str] = []

    async def call(self, noun: str, method: str, **parameters: Any) -> dict[str, Any]:
        if "answer" in parameters:
            assert self.held[-1] == parameters["session"], "nobody attends to the question"
            assert not self.left or self.left[-1] != parameters["session"]
            self.given.append(parameters["answer"])
        if parameters.get("answer") == "wrong":
            raise NeedsSignIn("that was not it")
        if len(self.given) == 2:
            return {"target": {"name": "box"}}
        number = len(self.given)
        return {"session": f"s{number}", "prompt": {"text": f"question {number}", "echo": False}}

    async def items(self, noun: str, method: str, session: str) -> AsyncGenerator[dict[str, Any], None]:
        assert (noun, method) == ("compute", "attend")
        self.held.append(session)
        try:
            yield {}
            await asyncio.Event().wait()
        finally:
            self.left.append(session)

    async def push_screen_wait(self, dialog: object) -> str | None:
        return self.answers.pop(0)


async def attempt(asking: Asking) -> dict[str, Any] | None:
    return await sign_in(cast(Dashboard, asking), "box", "attach", {"kind": "ssh", "settings": {}})


async def test_each_question_is_attended_to_until_its_answer_was_taken() -> None:
    asking = Asking("one", "two")
    assert await attempt(asking) == {"target": {"name": "box"}}
    assert asking.given == ["one", "two"]
    assert asking.held == asking.left == ["s0", "s1"]


async def test_escape_ends_the_sign_in() -> None:
    asking = Asking("one", None)
    assert await attempt(asking) is None
    assert asking.left == ["s0", "s1"], "somebody still attends, so the machine still waits"


async def test_a_refusal_leaves_nobody_attending() -> None:
    asking = Asking("wrong")
    with pytest.raises(NeedsSignIn):
        await attempt(asking)
    assert asking.left == ["s0"]
