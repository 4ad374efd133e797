"""Sign-ins in progress: of a machine there is one at most."""

from __future__ import annotations

import asyncio

from workbench.compute.signin import Prompt, SignIn
from workbench.services.sign_ins import SignIns


async def test_two_that_begin_at_once_for_a_machine_leave_one() -> None:
    asked: list[int] = []
    given_up: list[int] = []
    signs = SignIns()

    def attempt(number: int):  # type: ignore[no-untyped-def]
        async def work(sign_in: SignIn) -> dict[str, str]:
            asked.append(number)
            try:
                await sign_in.answer(Prompt(kind="password", text="Password:", host="ada@gpu1"))
            except asyncio.CancelledError:
                given_up.append(number)
                await asyncio.sleep(0.02)
                raise
            return {"done": str(number)}

        return work

    first = await signs.begin("gpu1", attempt(0))
    second, third = await asyncio.gather(
        signs.begin("gpu1", attempt(1)), signs.begin("gpu1", attempt(2)), return_exceptions=True
    )
    living = [
        found
        for found in (first, second, third)
        if isinstance(found, dict) and found["session"] in signs._sessions
    ]
    assert len(living) == 1
    assert len(given_up) == len(asked) - 1
    assert await signs.answer(living[0]["session"], "x") in ({"done": "1"}, {"done": "2"})
    await signs.close()
