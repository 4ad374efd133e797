"""Asking for a key by having it pressed."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from workbench.tui.dialogs.dialog import Dialog

USUAL = "usual"


class Press(Dialog[str]):
    """The name of the key that is pressed; USUAL for backspace. Escape gives up."""

    DO = "as usual"

    def __init__(self, what: str, now: str) -> None:
        said = f"Press the key for: {what}\n\nNow it is {now}; backspace takes the usual one."
        super().__init__("Another key", said)

    def content(self) -> ComposeResult:
        """Something that has the focus and takes every key."""
        waiting = Static("")
        waiting.can_focus = True
        yield waiting

    def on_mount(self) -> None:
        """Wait for a key."""
        super().on_mount()
        self.query(Static).last().focus()

    def on_key(self, event: events.Key) -> None:
        """Take it, whatever it is bound to."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.key not in ("tab", "shift+tab", "enter"):
            self.dismiss(USUAL if event.key == "backspace" else event.key)

    def answer(self) -> str | None:
        """The button: as usual."""
        return USUAL
