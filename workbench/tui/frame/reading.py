"""Text one reads: scrolled with the keys of lists."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from workbench.tui.actions.acting import Acting
from workbench.tui.frame.words import Said, Words


class Reading(Acting, VerticalScroll, can_focus=True):
    """A text that may be longer than the screen."""

    PLACES: ClassVar[tuple[str, ...]] = ("list",)
    LACKS: ClassVar[frozenset[str]] = frozenset({"list.open"})
    DEFAULT_CSS = """
    Reading { height: 1fr; padding: 0 1; scrollbar-size: 1 1; }
    Reading Words { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """The text."""
        yield Words()

    def say(self, words: Said) -> None:
        """Show a text; the place one reads at stays."""
        self.query_one(Words).say(words)

    def do_list_down(self) -> None:
        """A line down."""
        self.scroll_relative(y=1, animate=False)

    def do_list_up(self) -> None:
        """A line up."""
        self.scroll_relative(y=-1, animate=False)

    def do_list_left(self) -> None:
        """Sideways."""
        self.scroll_relative(x=-8, animate=False)

    def do_list_right(self) -> None:
        """Sideways."""
        self.scroll_relative(x=8, animate=False)

    def do_list_first(self) -> None:
        """The top."""
        self.scroll_home(animate=False)

    def do_list_last(self) -> None:
        """The end."""
        self.scroll_end(animate=False)

    def do_list_half_down(self) -> None:
        """Half a page."""
        self.scroll_relative(y=self.size.height // 2, animate=False)

    def do_list_half_up(self) -> None:
        """Half a page."""
        self.scroll_relative(y=-(self.size.height // 2), animate=False)

    def do_list_page_down(self) -> None:
        """A page."""
        self.scroll_page_down(animate=False)

    def do_list_page_up(self) -> None:
        """A page."""
        self.scroll_page_up(animate=False)
