"""What a table holds: keys in order, a cursor and a view that keep to rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import events
from textual.geometry import Size

from workbench.tui.table import messages
from workbench.tui.table.drawn import DrawnTable
from workbench.tui.table.lines import Group, Lines
from workbench.tui.table.viewport import Spot, kept, moved, paged, within


class TableView(DrawnTable):
    """Rows by key under a fixed header.

    Whoever owns the rows gives keys in order (`replace`), says which became others (`changed`), at most ten
    times a second, and answers the messages of `messages`. The cursor and the view hold on to rows, not to
    lines.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TableView { overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1; scrollbar-gutter: stable; }
    """

    _at_top = True
    _told: tuple[str | None, str | None] = (None, None)
    _high_before = 0

    # What a screen asks and says

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all lines, headers of groups among them."""
        return self._lines.keys

    @property
    def cursor(self) -> str | None:
        """The key of the row under the cursor; None on a group's header and without rows."""
        return self._told[0]

    @property
    def cursor_group(self) -> str | None:
        """The key of the group whose header the cursor is on."""
        return self._told[1]

    @property
    def marked(self) -> tuple[str, ...]:
        """The marked rows that are in the list now, in its order."""
        return self._marks.shown(self._lines)

    @property
    def chosen(self) -> tuple[str, ...]:
        """What an action is about: the marked rows, else the row under the cursor."""
        return self.marked or ((self.cursor,) if self.cursor is not None else ())

    @property
    def folded(self) -> frozenset[str]:
        """The keys of the folded groups."""
        return self._lines.folded

    def replace(
        self,
        keys: Sequence[str],
        groups: Sequence[Group] = (),
        *,
        folded: Collection[str] | None = None,
    ) -> None:
        """Show these rows, in this order, under these groups; what is known of rows that stay is kept.

        folded: keys of groups to fold; None: those that are folded stay so. Raises ValueError when the
        groups' sizes do not add up to the number of keys.
        """
        folded = self._lines.folded if folded is None else folded
        if not self._filled:
            self._filled = True
            self.refresh()
        self._show(Lines(keys, groups, folded))

    def go_to(self, key: str) -> bool:
        """Put the cursor on a row or a group's header; False when it is not in the list."""
        line = self._lines.find(key, self._line)
        if line is None:
            return False
        self._place(moved(self._spot, line, len(self._lines), self._rows_high))
        return True

    def unmark(self) -> None:
        """Take all marks away."""
        if len(self._marks):
            self._marks.clear()
            self.refresh()
            self.post_message(messages.MarksChanged(self))

    # Lines, cursor and view

    @property
    def _spot(self) -> Spot:
        return Spot(self._line, self._top)

    def _show(self, lines: Lines, line: int | None = None) -> None:
        """Show other lines; the cursor goes to a line if given, else stays where it is by key."""
        before = self.in_view
        old, height = self._lines, self._rows_high
        spot = kept(old, lines, self._spot, height, at_top=self._at_top)
        if line is not None:
            spot = moved(Spot(line, within(self._top, len(lines), height)), line, len(lines), height)
        groups = old.groups
        self._lines = lines
        self._strips = {key: held for key, held in self._strips.items() if key not in groups}
        self._resize_content()
        if spot.top != self._top:
            self.scroll_to(y=spot.top, animate=False, force=True)
        cursor, self._line = self._line, spot.line
        if self._top != spot.top or not lines or not before:
            self.refresh()
        after = self.in_view
        for number in range(max(len(before), len(after))):
            if before[number : number + 1] != after[number : number + 1] or after[number] in lines.groups:
                self._repaint(self._top + number)
        if cursor != self._line:
            self._repaint(cursor)
            self._repaint(self._line)
        self._tell()
        self._ask()

    def _resize_content(self) -> None:
        self.virtual_size = Size(0, len(self._lines) + self._header_high)

    def _place(self, spot: Spot) -> None:
        """Put cursor and view somewhere, at the user's wish."""
        before = self._line
        self._line = spot.line
        self._at_top = spot.top == 0 and spot.line == self._lines.first_row()
        if spot.top != self._top:
            self.scroll_to(y=spot.top, animate=False, force=True)
        elif before != spot.line:
            self._repaint(before)
            self._repaint(spot.line)
        self._tell()

    def _move(self, by: int) -> None:
        self._place(moved(self._spot, self._line + by, len(self._lines), self._rows_high))

    def _page(self, by: int) -> None:
        self._place(paged(self._spot, by, len(self._lines), self._rows_high))

    def _line_at(self, y: int) -> int | None:
        """The line at a line of the screen."""
        line = self._top + y - self._header_high
        return line if y >= self._header_high and line < len(self._lines) else None

    def _hover_at(self, y: int) -> None:
        before, self._hover = self._hover, y if y >= self._header_high else None
        if before != self._hover:
            for place in (before, self._hover):
                self._repaint_screen_lines(-1 if place is None else place, 1)

    def _tell(self) -> None:
        """Tell that the cursor is on something else, if it is."""
        key = self._lines[self._line] if self._line >= 0 else None
        now = (None, key) if key in self._lines.groups else (key, None)
        if now != self._told:
            self._told = now
            self.post_message(messages.CursorMoved(self, *now))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what came into view, and ask for it."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._at_top = self._at_top and round(new_value) == 0
            self._ask()

    # Events

    def on_mount(self) -> None:
        """Forget what was drawn when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())
        self._resize_content()

    def on_resize(self) -> None:
        """Keep the cursor in view if it was."""
        self._resize_content()
        before, self._high_before = self._high_before, self._rows_high
        if self._line >= 0 and self._spot.sees(self._line, before):
            spot = moved(self._spot, self._line, len(self._lines), self._rows_high)
            if spot.top != self._top:
                self.scroll_to(y=spot.top, animate=False, force=True)
        self._ask()

    def on_focus(self, event: events.Focus) -> None:
        """The cursor looks another way; Textual would draw all of the list anew."""
        event.prevent_default()
        self.has_focus = True
        self._repaint(self._line)
        if self.parent is not None:
            self.parent.post_message(events.DescendantFocus(self))

    def on_blur(self, event: events.Blur) -> None:
        """The cursor looks another way."""
        event.prevent_default()
        self.has_focus = False
        self._repaint(self._line)
        if self.parent is not None:
            self.parent.post_message(events.DescendantBlur(self))
