"""Signing in to a machine as a conversation: what has to be asked, and of whom. Without I/O.

A face drives the generator: it does each Call and sends back the answer (or throws the error it raised),
asks its user each Question and HostKey and sends back what they say. The generator returns the last answer
of the service, which has "target".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from workbench.errors import HostKeyUnknown, WorkbenchError

MOST_HOSTS = 10
"""Host keys one attempt may ask about: the machine and those on the way to it."""


class Call(NamedTuple):
    """A call of the noun `compute` to be made."""

    method: str
    parameters: Mapping[str, Any]


class Question(NamedTuple):
    """Something only the user knows; the answer is a text.

    The driver attends to the session (`attend` of `compute`) from before it asks until the next call is done.
    """

    text: str
    echo: bool
    session: str


class HostKey(NamedTuple):
    """An unknown host's key; the answer is its fingerprint, once it is accepted."""

    problem: HostKeyUnknown


Asked = Call | Question | HostKey
Conversation = Generator[Asked, Any, dict[str, Any]]


def conversation(name: str, method: str, parameters: Mapping[str, Any]) -> Conversation:
    """Attach or sign in to `name` by the method `attach` or `login` of `compute`.

    Raises what the service raises, and WorkbenchError where one unknown key follows the other.
    """
    accepted: dict[str, Any] = {}
    for _ in range(MOST_HOSTS):
        try:
            found = yield Call(method, {"name": name, **parameters, **accepted})
            while "prompt" in found:
                prompt = found["prompt"]
                text = str(prompt.get("text") or prompt.get("kind") or "password")
                answer = yield Question(text, bool(prompt.get("echo")), found["session"])
                found = yield Call("login", {"name": name, "session": found["session"], "answer": answer})
        except HostKeyUnknown as problem:
            accepted = {"accept_key": (yield HostKey(problem))}
            continue
        return dict(found)
    raise WorkbenchError(
        f"{name} shows one unknown key after the other", f"ssh {name} says which hosts are on the way"
    )
