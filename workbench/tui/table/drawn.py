"""What of a table is drawn: the lines in view, from strips that are kept until a row becomes another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column, chosen, fitted
from workbench.tui.table.drawing import PLAIN, Look, Pen, Sorting, sentences
from workbench.tui.table.layout import Layout, arrange, last_aside
from workbench.tui.table.lines import Lines
from workbench.tui.table.marks import Marks
from workbench.tui.table.prefetch import Prefetch
from workbench.tui.table.source import Source
from workbench.tui.themes.palette import palette_of

SIDES = 2
"""Cells that stay free on both sides of what an empty table says."""


class DrawnTable(ScrollView):
    """Header and lines as they look; which lines there are, and where the cursor is, others decide."""

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
        self._layout_held: Layout | None = None
        self._pen: Pen | None = None
        self._drawing: tuple[Layout, Pen] | None = None
        self._strips: dict[str, dict[Look, Strip]] = {}
        self._cells: dict[str, Sequence[Cell]] = {}
        self._filled = False

    # What there is to show

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

    # What became other

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

    # Where it is

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

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

    @property
    def in_view(self) -> Sequence[str]:
        """The keys of the lines that are seen, headers of groups among them."""
        return self._lines.keys[self._top : self._top + max(0, self._rows_high)]

    def _ask(self) -> None:
        """Ask for rows that are, or soon will be, looked at and were not seen yet."""
        wanted = self._prefetch.wanted(self._lines, self._top, self._rows_high)
        if wanted:
            self._source.want(wanted)

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
        said = sentences(self._empty, width - 2 * SIDES) if self._filled else [""]
        number = y - (self._rows_high - len(said)) // 3
        return pen.sentence(said[number] if 0 <= number < len(said) else "", width)

    def _repaint(self, line: int) -> None:
        self._repaint_screen_lines(line - self._top + self._header_high, 1)

    def _repaint_screen_lines(self, y: int, count: int) -> None:
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, count))
