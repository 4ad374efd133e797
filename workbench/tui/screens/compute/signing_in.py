"""Attaching and signing in from the dashboard: the questions become dialogs, the answers go back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.tui.dialogs.question import Question as QuestionDialog
from workbench.tui.dialogs.question import host_key
from workbench.workspace.signing_in import Call, HostKey, Question, conversation

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def sign_in(
    app: Dashboard, name: str, method: str, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Attach or sign in to a machine; the service's answer, None when the user gave up.

    Has to be called from a worker, since it waits for dialogs. Raises WorkbenchError.
    """
    talk = conversation(name, method, parameters)
    async with AsyncExitStack() as attending:
        asked = next(talk)
        while True:
            try:
                if isinstance(asked, Call):
                    try:
                        answer: Any = await app.services.call("compute", asked.method, **asked.parameters)
                    except WorkbenchError as problem:
                        asked = talk.throw(problem)
                        continue
                elif isinstance(asked, Question):
                    await attending.aclose()  # to the question before
                    held = app.services.items("compute", "attend", session=asked.session)
                    await attending.enter_async_context(aclosing(held))
                    await anext(held, None)  # from here on the question waits for its answer
                    dialog = QuestionDialog(f"Sign in to {name}", asked.text, echo=asked.echo)
                    answer = await app.push_screen_wait(dialog)
                else:
                    answer = await _accepted(app, asked)
                if answer is None:
                    talk.close()
                    return None
                asked = talk.send(answer)
            except StopIteration as end:
                found: dict[str, Any] = end.value
                return found


async def _accepted(app: Dashboard, asked: HostKey) -> str | None:
    """The fingerprint, if the user takes the key for the right one."""
    data = asked.problem.data
    yes = await app.push_screen_wait(host_key(data))
    return str(data.get("fingerprint", "")) if yes else None
