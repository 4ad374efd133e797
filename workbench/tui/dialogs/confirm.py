"""Yes or no, before something ends or goes; no is what Enter means."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Button, Input

from workbench.tui.dialogs.dialog import Dialog


class Confirm(Dialog[bool]):
    """Ask before a thing is done.

    do: the verb on the button. name: what has to be typed before it works, for what cannot be undone.
    """

    DEFAULT_CSS = "Confirm #name { margin: 1 0 0 0; }"

    def __init__(
        self, title: str, said: str | Text, *, do: str, destroys: bool = True, name: str | None = None
    ) -> None:
        super().__init__(title, said)
        self.DO = do
        self.DESTROYS = destroys
        self._name = name

    def content(self) -> ComposeResult:
        """The line for the name, where one is asked for."""
        if self._name is not None:
            yield Input(placeholder=f"type {self._name} to go on", id="name", compact=True)

    def on_mount(self) -> None:
        """Cancel has the focus: Enter changes nothing."""
        super().on_mount()
        self.query_one("#name" if self._name is not None else "#cancel").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter after the whole name was typed is a yes."""
        event.stop()
        self.go_on()

    def answer(self) -> bool | None:
        """Yes, once the name is right."""
        if self._name is not None and self.query_one("#name", Input).value != self._name:
            self.complain(f"this cannot be undone: type {self._name}")
            return None
        return True

    def on_key(self, event: events.Key) -> None:
        """y and n answer too, where nothing is typed; they mean nothing to what lies behind."""
        key = event.key
        if self._name is not None or key not in ("y", "n", "left", "right", "h", "l"):
            return
        event.stop()
        if key in ("y", "n"):
            self.dismiss(True if key == "y" else None)
        else:
            other = "#do" if self.query_one("#cancel", Button).has_focus else "#cancel"
            self.query_one(other).focus()
