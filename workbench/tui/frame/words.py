"""A text in the theme's colours, also after another theme was chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rich.text import Text
from textual.widgets import Static

from workbench.errors import WorkbenchError

Said: TypeAlias = Text | str | Callable[[], Text | str]
"""A text, or what makes it: it is asked again when the colours change."""


def in_words(problem: WorkbenchError) -> str:
    """What is wrong and what to do about it, for a line."""
    return ": ".join(part for part in (problem.message, problem.hint) if part)


class Words(Static):
    """What is coloured by the palette is to be said as a function: a made text keeps the colours it has.

    Also the first theme counts: pages that begin with a light one are made while the app's own, which is
    dark, still stands.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("", markup=False, **options)
        self._words: Said = ""

    def on_mount(self) -> None:
        """Colours change."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.say(self._words))

    def say(self, words: Said) -> None:
        """Show it."""
        self._words = words
        self.update(words() if callable(words) else words)
