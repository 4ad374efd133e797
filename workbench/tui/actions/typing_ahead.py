"""Keys typed while the line they are meant for is still opening: they wait for it and are no commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.timer import Timer

PATIENCE = 1.0
"""Seconds a line may take to open; after that the keys mean what they always mean."""
MOST = 200
"""Keys that wait."""


class TypingAhead:
    """What was typed since an action that opens a line began."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._keys: list[events.Key] = []
        self._waiting: Timer | None = None

    def begin(self) -> None:
        """A line is going to open: what comes is meant for it."""
        self._end()
        self._waiting = self._app.set_timer(PATIENCE, self.give_up)

    def hold(self, key: events.Key) -> bool:
        """Keep a key for the line; False when none is going to open."""
        if self._waiting is None or len(self._keys) >= MOST:
            return False
        self._keys.append(key)
        return True

    def taken(self) -> list[events.Key]:
        """The keys, for the line that has opened; nothing is waited for any more."""
        self._end()
        keys, self._keys = self._keys, []
        return keys

    def give_up(self) -> None:
        """No line came: each key does what it always does."""
        for key in self.taken():
            self._app.post_message(events.Key(key.key, key.character))

    def _end(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None


class OpeningLine(Input):
    """A line that begins with what was typed while it opened."""

    async def on_focus(self) -> None:
        """Take the keys in before any that come later: the focus comes first in the line's own queue.

        What stands behind an Enter or Escape among them is left out: whoever pastes means text, not commands.
        """
        ahead: TypingAhead | None = getattr(self.app, "ahead", None)
        keys = [] if ahead is None else ahead.taken()
        for key in keys:
            if key.is_printable and key.character is not None:
                self.insert_text_at_cursor(key.character)
            elif key.key == "backspace":
                self.action_delete_left()
            elif key.key in ("enter", "escape"):
                self.post_message(events.Key(key.key, key.character))
                return
