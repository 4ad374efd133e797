# Written by docs/make_sdk.py from workbench/aio/compute_target.py: change it there.
"""Compute targets: machines one reaches over SSH, and this one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from workbench.errors import NeedsSignIn
from workbench.sdk.session import Session, Stream
from workbench.workspace.machine_views import MachineViews
from workbench.workspace.signing_in import Call, HostKey, conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.sdk.workspace import Workspace

Checks = list[dict[str, Any]]


class ComputeTarget:
    """A machine of the workspace (AZ-27 to AZ-30)."""

    def __init__(self, workspace: Workspace, name: str, details: dict[str, Any] | None = None) -> None:
        self._session: Session = workspace.session
        self.name = name
        self.details: dict[str, Any] = details or {}
        """The target's entity as it was when it was last asked for; empty before."""

    def __repr__(self) -> str:
        return f"<machine {self.name}>"

    @classmethod
    def list(cls, workspace: Workspace) -> list[ComputeTarget]:
        """All of a workspace."""
        found = workspace.session.call("compute", "list")
        return [cls(workspace, item["name"], item) for item in found]

    @classmethod
    def attach(
        cls,
        workspace: Workspace,
        name: str,
        address: str | None = None,
        *,
        accept_key: str | None = None,
        answer: Callable[[str], str] | None = None,
        **settings: Any,
    ) -> ComputeTarget:
        """Attach a machine over SSH under a name (AZ-29); nothing is installed there.

        address: [USER@]HOST[:PORT], or a Host of ~/.ssh/config; absent: one that is called like the machine.
        settings: identity, jump, root, python, ... as of `wb compute set`. answer is called with a question
        (a password, a pass phrase, a code) and answers it. Raises HostKeyUnknown, whose data has the
        fingerprint that accept_key takes once somebody compared it; NeedsSignIn where a question has no
        answer; Unreachable, Conflict.
        """
        kind = "local" if (address or name) == "local" else "ssh"
        if kind == "ssh":
            settings = {"address": address or name, **settings}
        asked: dict[str, Any] = {"kind": kind, "settings": settings}
        if accept_key is not None:
            asked["accept_key"] = accept_key
        found = _talk(workspace.session, name, "attach", asked, answer)
        return cls(workspace, name, found["target"])

    def login(self, answer: Callable[[str], str]) -> dict[str, Any]:
        """Sign in to a machine that asks for something; answers its entity. The connection then stays."""
        self.details = (_talk(self._session, self.name, "login", {}, answer))["target"]
        return self.details

    def refresh(self) -> dict[str, Any]:
        """Ask for its entity: state, settings, facts, running, waiting; raises NotFound."""
        self.details = self._session.call("compute", "get", name=self.name)
        return self.details

    def get_status(self) -> str:
        """Its state now: connected, idle, unreachable, needs sign-in, ..."""
        return str((self.refresh())["state"])

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change its settings (AZ-38), or default=True; answers its entity."""
        self.details = self._session.call("compute", "set", name=self.name, changes=changes)
        return self.details

    def detach(self) -> None:
        """Forget it; nothing on it is touched (AZ-30)."""
        self._session.call("compute", "detach", name=self.name)

    def doctor(self) -> Checks:
        """What is checked of it, and what to do: {name, state, text, hint?, fix?}, what is wrong first."""
        found: Checks = self._session.call("compute", "doctor", name=self.name)
        return found

    def watch(self, looking: str = "visible") -> Stream[dict[str, Any]]:
        """Its view as it changes, whole each time; looking as `Workspace.watch_machines` has it."""
        known = MachineViews()
        asked: dict[str, Any] = {"names": [self.name], "looking": looking}
        with closing(self._session.items("compute", "watch", **asked)) as stream:
            for item in stream:
                if known.take(item) and self.name in known.views:
                    yield known.views[self.name]


def _talk(
    session: Session,
    name: str,
    method: str,
    parameters: dict[str, Any],
    answer: Callable[[str], str] | None,
) -> dict[str, Any]:
    """Drive a conversation; who asked for no answers hears what was asked as an error."""
    talk = conversation(name, method, parameters)
    try:
        asked = next(talk)
        while True:
            if isinstance(asked, Call):
                try:
                    said = session.call("compute", asked.method, **asked.parameters)
                except Exception as problem:
                    asked = talk.throw(problem)
                else:
                    asked = talk.send(said)
            elif isinstance(asked, HostKey):
                raise asked.problem
            elif answer is None:
                raise NeedsSignIn(f"{name} asks: {asked.text}", "hand over answer=, or: wb compute login")
            else:
                with closing(session.items("compute", "attend", session=asked.session)) as attending:
                    for _ in attending:
                        break
                    asked = talk.send(answer(asked.text))
    except StopIteration as end:
        found: dict[str, Any] = end.value
        return found
