"""Words to be read: there is nothing to decide, so there is one button and every key that closes closes."""

from __future__ import annotations

from textual import events

from workbench.tui.dialogs.dialog import Dialog


class Notice(Dialog[bool]):
    """Say something that is too long to be said in passing."""

    CANCEL = ""

    def on_mount(self) -> None:
        """Enter closes."""
        super().on_mount()
        self.query_one("#do").focus()

    def on_key(self, event: events.Key) -> None:
        """So does space, with which one may have asked for it."""
        if event.key == "space":
            event.stop()
            self.go_on()

    def answer(self) -> bool:
        """It was read."""
        return True
