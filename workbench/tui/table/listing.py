"""A list that answers to keys and the mouse."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from workbench.tui.actions.acting import Acting
from workbench.tui.table import messages
from workbench.tui.table.layout import last_aside
from workbench.tui.table.view import TableView
from workbench.tui.table.viewport import Spot


class Listing(Acting, TableView, can_focus=True):
    """Rows that can be gone through and opened."""

    PLACES: ClassVar[tuple[str, ...]] = ("list",)
    _clicked: str | None = None
    """The row that was clicked last, the cursor being there since."""

    def _place(self, spot: Spot) -> None:
        self._clicked = None
        super()._place(spot)

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action == "list.open" and self.cursor is None and self.cursor_group is None:
            return "There is nothing to open here."
        return super().refusal(action)

    def do_list_down(self) -> None:
        """One line down."""
        self._move(1)

    def do_list_up(self) -> None:
        """One line up."""
        self._move(-1)

    def do_list_first(self) -> None:
        """The first row."""
        self._move(-len(self.keys))
        if self.keys and self._lines.is_header(0) and not self.folded:
            self._move(self._lines.first_row())

    def do_list_last(self) -> None:
        """The last row."""
        self._move(len(self.keys))

    def do_list_half_down(self) -> None:
        """Half a page down."""
        self._page(max(1, self._rows_high // 2))

    def do_list_half_up(self) -> None:
        """Half a page up."""
        self._page(-max(1, self._rows_high // 2))

    def do_list_page_down(self) -> None:
        """A page down, one line of which was seen before."""
        self._page(max(1, self._rows_high - 1))

    def do_list_page_up(self) -> None:
        """A page up."""
        self._page(-max(1, self._rows_high - 1))

    def do_list_left(self) -> None:
        """Scroll back, else fold the group, else go to the header of the row's group."""
        if self._aside > 0:
            self._scroll_aside(-1)
        elif self.cursor_group is not None:
            self.fold(self.cursor_group)
        elif self._line >= 0 and (header := self._lines.header_of(self._line)) is not None:
            self._move(header - self._line)

    def do_list_right(self) -> None:
        """Unfold the group, else scroll to columns out of sight."""
        if self.cursor_group in self.folded and self.cursor_group is not None:
            self.unfold(self.cursor_group)
        else:
            self._scroll_aside(1)

    def do_list_open(self) -> None:
        """Open the row, or fold or unfold the group."""
        if self.cursor_group is not None:
            self._toggle(self.cursor_group)
        elif self.cursor is not None:
            self.post_message(messages.Opened(self, self.cursor))

    def fold(self, group: str) -> None:
        """Hide the rows of a group; a cursor on one of them goes to the header."""
        if group in self._lines.groups and group not in self.folded:
            self._refold(self.folded | {group}, group, True)

    def unfold(self, group: str) -> None:
        """Show the rows of a group."""
        if group in self.folded:
            self._refold(self.folded - {group}, group, False)

    def _toggle(self, group: str) -> None:
        (self.unfold if group in self.folded else self.fold)(group)

    def _refold(self, folded: frozenset[str], group: str, now_folded: bool) -> None:
        lines = self._lines.refolded(folded)
        inside = self._line >= 0 and self._header_key(self._line) == group
        self._show(lines, lines.find(group, self._line) if inside else None)
        self.post_message(messages.GroupToggled(self, group, now_folded))

    def _header_key(self, line: int) -> str | None:
        header = self._lines.header_of(line)
        return None if header is None else self._lines[header]

    def _scroll_aside(self, by: int) -> None:
        last = last_aside(self.columns, self._order, self._wide, frozen=self._frozen)
        aside = max(0, min(self._aside + by, last))
        if aside != self._aside:
            self._aside = aside
            self._rearrange()

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """Place the cursor; the second click on a row opens it."""
        if event.button != 1 or (event.x >= self._wide):
            return
        line = self._line_at(event.y)
        if line is None:
            return
        event.stop()
        again = self._lines[line] == self._clicked and line == self._line
        if self._lines.is_header(line):
            self._move(line - self._line)
            self._toggle(self._lines[line])
        elif again or (event.chain > 1 and line == self._line):
            self._clicked = None
            self.do_list_open()
        else:
            self._move(line - self._line)
            self._clicked = self._lines[line]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which row a click would be on."""
        self._hover_at(event.y if event.x < self._wide else -1)

    def on_leave(self) -> None:
        """The mouse is elsewhere."""
        self._hover_at(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """With shift or ctrl: sideways."""
        self._wheel_aside(event, 1, event.shift or event.ctrl)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """With shift or ctrl: sideways."""
        self._wheel_aside(event, -1, event.shift or event.ctrl)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """A column to the right."""
        self._wheel_aside(event, 1, True)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """A column to the left."""
        self._wheel_aside(event, -1, True)

    def _wheel_aside(self, event: events.MouseEvent, by: int, aside: bool) -> None:
        if aside:
            event.stop()
            event.prevent_default()
            self._scroll_aside(by)
