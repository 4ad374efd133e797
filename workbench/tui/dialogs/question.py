"""What only the user knows: a password, a pass phrase, a code; and whether a host's key is the right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input

from workbench.text.sanitize import clean, clean_name
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.dialog import Dialog


class Question(Dialog[str]):
    """One line of answer; it is shown while it is typed only where the asker wants that."""

    DO = "answer"

    def __init__(self, title: str, said: str, *, echo: bool) -> None:
        super().__init__(title, clean(said, 1000))
        self._echo = echo

    def content(self) -> ComposeResult:
        """The line."""
        yield OpeningLine(password=not self._echo, id="answer", compact=True)

    def on_mount(self) -> None:
        """Type at once."""
        super().on_mount()
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        event.stop()
        self.go_on()

    def answer(self) -> str | None:
        """What was typed; an empty answer is one."""
        return self.query_one(Input).value


def host_key(data: Mapping[str, Any]) -> Confirm:
    """Ask whether an unknown host's key is the right one; data is that of HostKeyUnknown."""
    host = clean_name(str(data.get("host") or "the host"))
    port = data.get("port")
    kind = clean_name(str(data.get("algorithm", "")))
    short = kind.removeprefix("ssh-").partition("-")[0] or "ed25519"
    said = Text()
    said.append(host if port in (None, 22) else f"{host} port {port}", "bold")
    said.append(f" has not been seen before. Its {kind} key is\n\n  ")
    said.append(clean_name(str(data.get("fingerprint", ""))), "bold")
    said.append("\n\nThe same must come of this, run on the machine itself:\n\n  ")
    said.append(f"ssh-keygen -lf /etc/ssh/ssh_host_{short}_key.pub")
    return Confirm("An unknown machine", said, do="accept the key", destroys=False)
