"""What a table shows: it holds keys, draws the lines in view, and asks for no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column, chosen, fitted
from workbench.tui.table.drawing import PLAIN, Look, Pen, Sorting
from workbench.tui.table.layout import Layout, arrange, last_aside
from workbench.tui.table.lines import Group, Lines
from workbench.tui.table.marks import Marks
from workbench.tui.table.prefetch import Prefetch
from workbench.tui.table.source import Source
from workbench.tui.table.viewport import Spot, kept, moved, paged, within
from workbench.tui.themes.palette import palette_of


class TableView(ScrollView):
    """Rows by key under a fixed header.

    Whoever owns the rows gives keys in order (`replace`), says which became others (`changed`), at most ten
    times a second, and answers the messages of `messages`. The cursor and the view hold on to rows, not to
    lines.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TableView { overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1; scrollbar-gutter: stable; }
    """

    def __init__(
        self,
        source: Source,
        columns: Sequence[Column],
        *,
        choice: Sequence[str] | None = None,
        frozen: int = 1,
        empty: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """choice: ids of the columns to show, remembered from `ColumnsChanged`. empty: said without rows."""
        super().__init__(id=id, classes=classes)
        self._source = source
        self._columns = tuple(columns)
        self._choice = None if choice is None else tuple(choice)
        self._frozen = frozen
        self._empty = empty
        self._sorting: Sorting | None = None
        self._marks = Marks()
        self._prefetch = Prefetch()
        self._lines = Lines()
        self._line = -1
        self._aside = 0
        self._hover: int | None = None
        self._at_top = True
        self._told: tuple[str | None, str | None] = (None, None)
        self._layout_held: Layout | None = None
        self._pen: Pen | None = None
        self._drawing: tuple[Layout, Pen] | None = None
        self._strips: dict[str, dict[Look, Strip]] = {}
        self._cells: dict[str, Sequence[Cell]] = {}
        self._filled = False
        self._high_before = 0

    # What a screen asks and says

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns there are, in the order of a row's cells."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._pen = None
        self._rearrange()

    @property
    def choice(self) -> tuple[str, ...] | None:
        """The ids of the columns the user chose, in order; None: the usual ones."""
        return self._choice

    @choice.setter
    def choice(self, choice: Sequence[str] | None) -> None:
        self._choice = None if choice is None else tuple(choice)
        self._rearrange()

    @property
    def shown(self) -> list[str]:
        """The ids of the columns the user chose, else of the usual ones, wide enough a terminal given."""
        return [self._columns[place].id for place in self._order]

    @property
    def sorting(self) -> Sorting | None:
        """The order the rows have, as the header shows it; set by who sorts."""
        return self._sorting

    @sorting.setter
    def sorting(self, sorting: Sorting | None) -> None:
        if sorting != self._sorting:
            self._sorting = sorting
            self._repaint_screen_lines(0, 1)

    @property
    def empty(self) -> str:
        """What is said when there are no rows, in lines; nothing is before `replace` first said so."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        if text != self._empty:
            self._empty = text
            self.refresh()

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

    def changed(self, keys: Iterable[str]) -> None:
        """The cells of these rows became others, or came: those in view are drawn again."""
        keys = set(keys)
        self._prefetch.told(keys)
        for key in keys & self._strips.keys():
            del self._strips[key]
        top = self._top
        for line in range(top, min(top + self._rows_high, len(self._lines))):
            if self._lines[line] in keys:
                self._repaint(line)

    def renewed(self, keys: Iterable[str]) -> None:
        """These rows may have become others: of those in view only what really did is drawn again."""
        keys, top = set(keys), self._top
        self._prefetch.told(keys)
        seen = self.in_view
        for key in (keys - set(seen)) & self._strips.keys():
            del self._strips[key]
        for line, key in enumerate(seen, top):
            if key in keys:
                self._renew(line, key)

    def _renew(self, line: int, key: str) -> None:
        """Draw again what of a row in view is other than it was: over a slow link each cell counts."""
        before, now = self._cells.get(key), self._source.cells(key)
        if before == now:
            return
        if before is None or now is None or key not in self._strips:
            self.changed((key,))
            return
        del self._strips[key]
        x, cells = self._arranged().difference(before, now)
        if cells:
            self.refresh(Region(x, line - self._top + self._header_high, cells, 1))

    def grown_older(self) -> None:
        """Time went by: the rows in view whose cells depend on it are drawn again."""
        self.renewed(self.in_view)

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
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _spot(self) -> Spot:
        return Spot(self._line, self._top)

    @property
    def _header_high(self) -> int:
        return 1 if self.size.height != 1 and any(column.title for column in self._columns) else 0

    @property
    def _wide(self) -> int:
        """The cells of a line, its scroll bar not counted."""
        return self.scrollable_content_region.width

    @property
    def _rows_high(self) -> int:
        return max(0, self.size.height - self._header_high)

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

    @property
    def in_view(self) -> Sequence[str]:
        """The keys of the lines that are seen, headers of groups among them."""
        return self._lines.keys[self._top : self._top + max(0, self._rows_high)]

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

    def _ask(self) -> None:
        """Ask for rows that are, or soon will be, looked at and were not seen yet."""
        wanted = self._prefetch.wanted(self._lines, self._top, self._rows_high)
        if wanted:
            self._source.want(wanted)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what came into view, and ask for it."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._at_top = self._at_top and round(new_value) == 0
            self._ask()

    # Drawing

    @property
    def _order(self) -> list[int]:
        return chosen(self._columns, self._choice)

    def _arranged(self) -> Layout:
        held = self._layout_held
        width = self._wide
        if held is None or held.width != width:
            order, columns = self._order, fitted(self._columns, self._choice)
            self._aside = min(self._aside, last_aside(columns, order, width, frozen=self._frozen))
            held = arrange(columns, order, width, frozen=self._frozen, aside=self._aside)
            self._layout_held = held
            self._strips.clear()
        return held

    def _drawn_with(self) -> Pen:
        palette, base = palette_of(self.app), self.rich_style
        if self._pen is None or self._pen.palette is not palette or self._pen.base != base:
            self._pen = Pen(palette, base, self._columns)
            self._strips.clear()
        return self._pen

    def _rearrange(self) -> None:
        self._layout_held = None
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of the screen; what all of them need is looked up once."""
        self._drawing = self._arranged(), self._drawn_with()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        layout, pen = self._drawing or (self._arranged(), self._drawn_with())
        if y < self._header_high:
            return pen.header(layout, self._sorting)
        line = self._top + y - self._header_high
        if not self._lines:
            return self._said(pen, layout.width, y - self._header_high)
        if line >= len(self._lines):
            return Strip.blank(layout.width, pen.base)
        key = self._lines[line]
        look = self._look(line, key)
        held = self._strips.setdefault(key, {})
        strip = held.get(look)
        if strip is None:
            strip = self._drawn(pen, layout, key, look)
            if strip is None:
                return pen.waiting(layout, look)
            held[look] = strip
            if len(self._strips) > 1000:
                self._strips = {key: held}
                self._cells = {key: cells for key, cells in self._cells.items() if key in self._strips}
        return strip

    def _look(self, line: int, key: str) -> Look:
        cursor = line == self._line
        hover = self._hover == line - self._top + self._header_high and not cursor
        if not cursor and not hover and key not in self._marks:
            return PLAIN
        role = ("cursor" if self.has_focus else "cursor-blurred") if cursor else ""
        return Look(role, key in self._marks, hover)

    def _drawn(self, pen: Pen, layout: Layout, key: str, look: Look) -> Strip | None:
        group = self._lines.groups.get(key)
        if group is not None:
            return pen.group(group, key in self._lines.folded, layout, look)
        cells = self._source.cells(key)
        if cells is None:
            self._cells.pop(key, None)  # a quiet line is drawn: whatever comes is other
            if self._prefetch.missed(key):
                self.call_after_refresh(self._ask)
            return None
        self._prefetch.came((key,))
        self._cells[key] = cells
        return pen.row(cells, layout, look)

    def _said(self, pen: Pen, width: int, y: int) -> Strip:
        said = self._empty.split("\n") if self._filled else [""]
        number = y - (self._rows_high - len(said)) // 3
        return pen.sentence(said[number] if 0 <= number < len(said) else "", width)

    def _repaint(self, line: int) -> None:
        self._repaint_screen_lines(line - self._top + self._header_high, 1)

    def _repaint_screen_lines(self, y: int, count: int) -> None:
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, count))

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
