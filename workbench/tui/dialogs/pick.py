"""One of many: type to narrow, Enter takes; what the cursor is on can be shown at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.text.sanitize import clean_name
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.dialogs.dialog import Dialog
from workbench.tui.themes.palette import palette_of


class Choice(NamedTuple):
    """Something that can be picked: what it is known by, its name, and a word about it."""

    id: str
    title: str
    about: str = ""


class Pick(Dialog[str]):
    """Pick one; the result is its id."""

    PLACES = ("dialog", "pick")
    DO = "take"
    DEFAULT_CSS = """
    Pick OptionList {
        height: auto; max-height: 16; border: none; padding: 0; margin: 1 0 0 0; background: $surface;
    }
    Pick Input { margin: 1 0 0 0; }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        current: str | None = None,
        shown: Callable[[str], None] | None = None,
        do: str = "take",
    ) -> None:
        super().__init__(title)
        self.DO = do
        self._choices = choices
        self._current = current
        self._shown = shown

    def content(self) -> ComposeResult:
        """A line to type into, and the list."""
        yield OpeningLine(placeholder="type to narrow", compact=True)
        listed = OptionList()
        listed.can_focus = False
        yield listed

    def on_mount(self) -> None:
        """Everything at first, the cursor on what is chosen now."""
        super().on_mount()
        self._list("")
        ids = [option.id for option in self.query_one(OptionList).options]
        if self._current in ids:
            self.query_one(OptionList).highlighted = ids.index(self._current)
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """Leave room for the line, the buttons and the frame."""
        self.query_one(OptionList).styles.max_height = max(3, min(16, self.size.height - 9))

    def _list(self, wanted: str) -> None:
        listed, words = self.query_one(OptionList), wanted.lower().split()
        listed.clear_options()
        palette = palette_of(self.app)
        for choice in self._choices:
            if all(word in f"{choice.title} {choice.about}".lower() for word in words):
                line = Text(clean_name(choice.title, 60), no_wrap=True, overflow="ellipsis")
                line.append(f"  {clean_name(choice.about, 120)}", palette.style("dim"))
                listed.add_option(Option(line, id=choice.id))
        listed.highlighted = 0 if listed.option_count else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow."""
        event.stop()
        self._list(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take."""
        event.stop()
        self.go_on()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what the cursor is on."""
        if self._shown is not None and event.option_id is not None:
            self._shown(event.option_id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click takes too."""
        self.dismiss(event.option_id)

    def do_pick_down(self) -> None:
        """Move in the list while the focus stays in the line."""
        self.query_one(OptionList).action_cursor_down()

    def do_pick_up(self) -> None:
        """The other way."""
        self.query_one(OptionList).action_cursor_up()

    def answer(self) -> str | None:
        """What the cursor is on."""
        option = self.query_one(OptionList).highlighted_option
        if option is None:
            self.complain("nothing fits what is typed")
            return None
        return option.id
