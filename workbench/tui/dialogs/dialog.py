"""What all dialogs share: a box in the middle, a title, a row of buttons, Escape that changes nothing."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from workbench.text.sanitize import clean, clean_name
from workbench.tui.actions.acting import Acting

T = TypeVar("T")
_WIDEST, _SHARE, _AROUND = 78, 0.9, 6
"""Cells of a box at most, its share of the screen, and what its border and padding take."""


def room_in(screen: int) -> int:
    """The cells of a line in a dialog's box on a screen of so many."""
    return max(20, min(_WIDEST, int(screen * _SHARE)) - _AROUND)


class Dialog(Acting, ModalScreen[T | None], Generic[T]):
    """A box that asks for something; its result is None when the user gave none."""

    PLACES: ClassVar[tuple[str, ...]] = ("dialog",)
    AUTO_FOCUS = ""  # each says itself what has the focus, and that first line is what keys wait for
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #box {
        width: 90%; max-width: 78; height: auto; max-height: 95%; padding: 0 2 1 2;
        background: $surface; border: round $primary; border-title-color: $text-primary;
        border-title-style: bold;
    }
    Dialog #said { height: auto; margin: 1 0 0 0; }
    Dialog #wrong { height: auto; color: $text-error; }
    Dialog #buttons { height: 1; margin: 1 0 0 0; align-horizontal: right; }
    Dialog Button { margin: 0 0 0 2; min-width: 10; background: $boost; }
    Dialog Button:focus { background: $foreground; color: $background; text-style: bold !important; }
    Dialog Input { border: none; height: 1; padding: 0 1; background: $boost; }
    Dialog Input:focus { border: none; background: $primary 25%; }
    """

    TITLE_WORDS = ""
    DO = "ok"
    """The word on the button that goes on."""
    CANCEL = "cancel"
    """The word on the button that changes nothing; "": there is none."""
    DESTROYS = False

    def __init__(self, title: str = "", said: str | Text = "") -> None:
        super().__init__()
        self._title = title or self.TITLE_WORDS
        self._said = said

    def compose(self) -> ComposeResult:
        """Title, words, the content of the kind of dialog, what is wrong, buttons."""
        with Vertical(id="box") as box:
            box.border_title = Content(clean_name(self._title, 70))  # a text would be read as markup
            if self._said:
                yield Static(self._said, id="said", markup=False)
            yield from self.content()
            yield Static("", id="wrong", markup=False)
            with Horizontal(id="buttons"):
                if self.CANCEL:
                    yield Button(self.CANCEL, id="cancel", compact=True)
                yield Button(self.DO, id="do", compact=True, variant="error" if self.DESTROYS else "primary")

    def on_mount(self) -> None:
        """Nothing wrong yet, so no room for it."""
        self.query_one("#wrong").display = False

    def content(self) -> ComposeResult:
        """Between the words and the buttons."""
        yield from ()

    def answer(self) -> T | None:
        """What the user gave; complain() and None where it will not do."""
        raise NotImplementedError

    def complain(self, words: str) -> None:
        """Say what will not do; empty words take it back."""
        wrong = self.query_one("#wrong", Static)
        wrong.update(clean(words, 500))
        wrong.display = bool(words)

    def go_on(self) -> None:
        """Take the answer, unless something is wrong with it."""
        self.complain("")
        found = self.answer()
        if found is not None:
            self.dismiss(found)

    def do_dialog_cancel(self) -> None:
        """Leave; nothing happens."""
        self.dismiss(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The buttons."""
        event.stop()
        if event.button.id == "do":
            self.go_on()
        else:
            self.dismiss(None)
