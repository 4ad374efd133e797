"""A yes or no among the fields of a form, told by a sign and not by a colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Switch(Checkbox):
    """`[x]` or `[ ]` before its words; space turns it."""

    BUTTON_LEFT, BUTTON_RIGHT = "[", "]"

    @property
    def _button(self) -> Content:
        return Content(f"{self.BUTTON_LEFT}{'x' if self.value else ' '}{self.BUTTON_RIGHT}")
