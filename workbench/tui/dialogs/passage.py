"""Words that may be longer than the screen, to be read and scrolled; every key that closes closes."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.dialogs.notice import Notice


class Passage(Notice):
    """A notice with a text of any length."""

    DEFAULT_CSS = """
    Passage #passage { height: auto; max-height: 60vh; margin: 1 0 0 0; }
    """

    def __init__(self, title: str, words: str) -> None:
        super().__init__(title)
        self._words = words

    def content(self) -> ComposeResult:
        """The text."""
        with VerticalScroll(id="passage"):
            yield Static(self._words, markup=False)

    def on_mount(self) -> None:
        """The arrows scroll."""
        super().on_mount()
        self.query_one("#passage").focus()

    def on_key(self, event: events.Key) -> None:
        """Enter closes too, though the button has not the focus."""
        if event.key == "enter":
            event.stop()
            self.go_on()
        else:
            super().on_key(event)
