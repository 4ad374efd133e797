"""A text in a window of its own: read, scrolled, closed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.reading import Reading
from workbench.tui.frame.words import Said


class Window(Acting, ModalScreen[None]):
    """The text may become longer while it is read: who is at its end stays there."""

    PLACES: ClassVar[tuple[str, ...]] = ("dialog",)
    HINT = "esc closes"
    DEFAULT_CSS = """
    Window { align: center middle; background: $background 60%; }
    Window > Vertical {
        width: 96%; height: 92%; background: $surface; border: round $primary;
        border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, title: str, text: Said = "") -> None:
        super().__init__()
        self._titled = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The text in a box."""
        with Vertical() as box:
            box.border_title = Content(clean_name(self._titled, 70))
            box.border_subtitle = Content(self.HINT)
            yield Reading()

    def on_mount(self) -> None:
        """Read at once."""
        self.query_one(Reading).focus()
        if self._text:
            self.say(self._text)

    def say(self, text: Said) -> None:
        """Another text."""
        reading = self.query_one(Reading)
        at_end = reading.scroll_offset.y >= reading.max_scroll_y
        reading.say(text)
        if at_end and self._follows:
            self.call_after_refresh(reading.scroll_end, animate=False)

    @property
    def _follows(self) -> bool:
        """Whether the end is what matters."""
        return False

    def do_dialog_cancel(self) -> None:
        """Close it."""
        self.dismiss(None)
