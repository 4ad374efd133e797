"""Keys typed while the line they are meant for is still opening: they wait for it and are no commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer

PATIENCE = 1.0
"""Seconds a line may take to open; after that the keys mean what they always mean."""
MOST = 200
"""Keys that wait."""


_EDITING = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding) and binding.action.startswith(("delete_", "cursor_", "home", "end"))
    for key in binding.key.split(",")
}
"""What keys do to the text of a line, or to the place in it."""


class Passed(Message):
    """Goes the way of keys that were handed to what had the focus: behind it none of them is under way."""

    def __init__(self, opening: int) -> None:
        super().__init__()
        self.opening = opening


class TypingAhead:
    """What was typed since an action that opens a line began."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._keys: list[events.Key] = []
        self._waiting: Timer | None = None
        self._before: MessagePump = app
        self._line: OpeningLine | None = None
        self._opening = 0
        """Which line is waited for, counted."""

    def begin(self) -> None:
        """A line is going to open: what comes is meant for it."""
        self._end()
        self._opening += 1
        self._before = self._app.focused or self._app.screen
        self._waiting = self._app.set_timer(PATIENCE, self.give_up)

    def hold(self, key: events.Key) -> bool:
        """Keep a key for the line; False when none is going to open."""
        if self._waiting is None or len(self._keys) >= MOST:
            return False
        self._keys.append(key)
        return True

    def opened(self, line: OpeningLine) -> None:
        """The line has the focus; keys that what had it before has not given back yet come first."""
        if self._waiting is None:
            return
        self._line = line
        if not self._before.post_message(Passed(self._opening)):
            self.hand_over(self._opening)

    def hand_over(self, opening: int) -> None:
        """None of the keys is under way any more: give them to the line of that number, in their order."""
        line = self._line
        if self._waiting is not None and line is not None and opening == self._opening and line.has_focus:
            line.begin_with(self._taken())

    def give_up(self) -> None:
        """No line came: each key does what it always does."""
        if self._line is not None and self._line.is_attached:
            self.hand_over(self._opening)
            return
        for key in self._taken():
            self._app.post_message(events.Key(key.key, key.character))

    def _taken(self) -> list[events.Key]:
        self._end()
        keys, self._keys = self._keys, []
        return sorted(keys, key=lambda key: key.time)  # some were under way when others already waited

    def _end(self) -> None:
        self._line = None
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None


# Where it is mixed in it is what comes before the app; see `actions.acting` for why it is none itself.
if TYPE_CHECKING:
    _App = App[Any]
else:
    _App = object


class HoldingKeys(_App):
    """A mixin for apps with lines that open: the first of their bases."""

    ahead: TypingAhead

    async def on_event(self, event: events.Event) -> None:
        """A key that comes while a line opens goes to nobody else."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.ahead.hold(event):
            return
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """A key that nothing took: it may have been under way when a line began to open."""
        if self.ahead.hold(event):
            event.stop()
            event.prevent_default()

    def on_passed(self, message: Passed) -> None:
        """No key is under way any more."""
        message.stop()
        self.ahead.hand_over(message.opening)


class OpeningLine(Input):
    """A line that begins with what was typed while it opened, and answers keys in the order they come.

    What Textual's own line does by a binding is done when the key has been through all that is around it: an
    Enter behind two backspaces would be there before them.
    """

    def on_focus(self) -> None:
        """Ask for what was typed before any key comes here."""
        ahead: TypingAhead | None = getattr(self.app, "ahead", None)
        if ahead is not None:
            ahead.opened(self)

    def on_key(self, event: events.Key) -> None:
        """Edit at once."""
        if self._edited(event.key):
            event.stop()
            event.prevent_default()

    def _edited(self, key: str) -> bool:
        action = _EDITING.get(key)
        if action is not None:
            getattr(self, f"action_{action}")()
        return action is not None

    def begin_with(self, keys: Sequence[events.Key]) -> None:
        """Take keys in; where the focus selected what stands here, they take its place.

        What stands behind an Enter or Escape among them is left out: whoever pastes means text, not commands.
        """
        for at, key in enumerate(keys):
            if key.is_printable and key.character is not None:
                self.replace(key.character, *sorted(self.selection))
            elif key.key in ("enter", "escape"):
                self.call_later(self._press, key)  # a message that the app sends does not come back to it
                return
            elif not self._edited(key.key):
                for other in keys[at:]:
                    self.app.post_message(events.Key(other.key, other.character))
                return

    def _press(self, key: events.Key) -> None:
        self.post_message(events.Key(key.key, key.character))
