"""A table's lines as strips: header, rows, groups, placeholders. Knows styles and widths, no widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.text.cells import cut, width
from workbench.text.sparkline import sparkline, trace
from workbench.text.tables import wrap
from workbench.tui.table.cell import Cell, Span, harmless, pieces
from workbench.tui.table.columns import Column
from workbench.tui.table.layout import Layout, Placed
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import Palette


class Signs(NamedTuple):
    """The symbols a table draws."""

    cursor: str
    mark: str
    folded: str
    unfolded: str
    up: str
    down: str
    before: str
    after: str
    absent: str
    ellipsis: str


UNICODE = Signs("▌", "✔", "▸", "▾", "▲", "▼", "‹", "›", "·", "…")
ASCII = Signs(">", "*", "+", "-", "^", "v", "<", ">", ".", "~")


class Sorting(NamedTuple):
    """The order rows stand in: by which column, and whether the largest come first."""

    column: str
    descending: bool = False


class Look(NamedTuple):
    """What distinguishes a line from its like. cursor: the palette's role of its cursor, "" for none."""

    cursor: str = ""
    marked: bool = False
    hover: bool = False


PLAIN = Look()


def sentences(text: str, cells: int) -> list[str]:
    """The lines of what an empty table says; too long ones break where three spaces are, then at words."""
    lines: list[str] = []
    for line in text.split("\n"):
        parts = [line] if width(line) <= cells else [part.strip() for part in line.split("   ")]
        lines += [short for part in parts for short in wrap(part, max(1, cells))]
    return lines


class Pen:
    """Draws with one palette on one ground; all it draws is as wide as the layout."""

    def __init__(self, palette: Palette, base: Style, columns: Sequence[Column]) -> None:
        self.palette = palette
        self.base = base
        self.columns = columns
        self.signs = ASCII if palette.ascii else UNICODE
        self._styles: dict[tuple[str, Look], Style] = {}

    def header(self, layout: Layout, sorting: Sorting | None) -> Strip:
        """The titles; units in a quieter style, an arrow behind the column that sorts."""
        line = _Line(self, PLAIN)
        for number, placed in enumerate(layout.placed):
            if layout.before and number == layout.fixed:
                line.put(placed.x - 1, [Span(self.signs.before, "key")])
            end = layout.width - 1 if layout.after else layout.width
            room = min(placed.width, end - placed.x)
            if room < placed.width and number and self.columns[placed.column].right and layout.roomy:
                placed, room = placed._replace(x=placed.x - 1), room + 1  # the title begins in the gap
            self._title(line, placed, room, end, sorting)
        if not layout.after:
            return line.strip(layout.width)
        titles = line.strip(layout.width).crop(0, layout.width - 1)
        return Strip([*titles, Segment(self.signs.after, self.style("key", PLAIN))], layout.width)

    def row(self, cells: Sequence[Cell], layout: Layout, look: Look) -> Strip:
        """A row's cells, each cut to its column."""
        line = _Line(self, look)
        line.put(0, [self._sign(look)])
        sentence = next((index for index, cell in enumerate(cells) if cell.over), None)
        for number, placed in enumerate(layout.placed):
            column = self.columns[placed.column]
            if sentence is not None and placed.column >= sentence and (number or sentence == placed.column):
                line.put(placed.x, self._fitted(pieces(cells[sentence]), layout.width - placed.x, None))
                break
            spans = self._pieces(cells[placed.column], placed.width) if placed.column < len(cells) else []
            if number == 0 and look.marked:
                spans = [Span(span.text, span.role or "selected") for span in spans]
            line.put(placed.x, self._fitted(spans, placed.width, column, right=column.right))
        return line.strip(layout.width)

    def waiting(self, layout: Layout, look: Look) -> Strip:
        """A row that is not here yet."""
        line = _Line(self, look)
        line.put(0, [self._sign(look)])
        for placed in layout.placed:
            right = self.columns[placed.column].right
            line.put(placed.x + (placed.width - 1 if right else 0), [Span(self.signs.absent, "grid")])
        return line.strip(layout.width)

    def group(self, group: Group, folded: bool, layout: Layout, look: Look) -> Strip:
        """A group's header: whether it is folded, title, count, detail."""
        line = _Line(self, look)
        line.put(0, [self._sign(look)])
        count = group.size if group.count is None else group.count
        spans = [
            Span((self.signs.folded if folded else self.signs.unfolded) + " ", "dim"),
            Span(harmless(group.title), "title"),
            Span(f"  {count:,}", "dim"),
        ]
        for cell in group.detail:
            spans += [Span("  "), *pieces(cell)]
        begin = 1 if layout.width < 20 else 2
        line.put(begin, self._fitted(spans, layout.width - begin, None))
        return line.strip(layout.width)

    def sentence(self, text: str, cells: int) -> Strip:
        """A quiet line in the middle of an empty table."""
        line = _Line(self, PLAIN)
        shown = cut(harmless(text), max(0, cells - 2), ellipsis=self.signs.ellipsis)
        line.put(max(0, (cells - width(shown)) // 2), [Span(shown, "dim")])
        return line.strip(cells)

    def style(self, role: str, look: Look) -> Style:
        """A role's style on a line of this look."""
        held = self._styles.get((role, look))
        if held is None:
            held = self.base + self.palette.style("text") + self.palette.style(role)
            if look.cursor:
                held += self.palette.style(look.cursor)
            elif look.hover:
                held += self._hover()
            if held.color == held.bgcolor:  # sixteen colours are few: what would vanish is plain
                held += Style(color=self.palette.style("text").color)
            self._styles[role, look] = held
        return held

    def _hover(self) -> Style:
        ground = self.palette.style("badge").bgcolor
        seen = ground is not None and ground != self.base.bgcolor and not ground.is_default
        return Style(bgcolor=ground) if seen else Style(underline=True)

    def fills(self, role: str) -> bool:
        """Whether a role colours more than letters, so that its spaces are seen."""
        return self.palette.style(role).bgcolor is not None

    def _title(self, line: _Line, placed: Placed, room: int, end: int, sorting: Sorting | None) -> None:
        """A title in `room` cells, the arrow in the gap behind it, all before the cell `end`."""
        column = self.columns[placed.column]
        arrow = ""
        if sorting is not None and sorting.column == column.id:
            arrow = self.signs.down if sorting.descending else self.signs.up
        # What is cut in the middle is a name: its end tells it from others.
        ellipsis = self.signs.ellipsis if column.middle else ""
        title = cut(harmless(column.title), max(0, room), middle=column.middle, ellipsis=ellipsis)
        spans = [Span(title, "title" if arrow else "header")]
        unit = harmless(column.unit)
        if unit and width(title) + 1 + width(unit) <= room:
            spans.append(Span(" " + unit, "dim"))
        taken = sum(width(span.text) for span in spans)
        begin = placed.x + (room - taken if column.right else 0)
        if arrow and begin + taken + 1 > end:  # no gap behind the last column
            spans = [Span(cut(title, max(0, room - 1), ellipsis=""), "title")]
            begin = placed.x + (room - 1 - width(spans[0].text) if column.right else 0)
        line.put(begin, [*spans, Span(arrow, "title")] if arrow else spans)

    def _pieces(self, cell: Cell, cells: int) -> list[Span]:
        """What of a cell is drawn in so many cells."""
        spans = pieces(cell)
        if cell.short and sum(width(span.text) for span in spans) > 2 * cells:
            spans = [Span(harmless(cell.short), cell.role)]
        if cell.series:
            room = cells - sum(width(span.text) for span in spans)
            drawn = (
                sparkline(cell.series, room, ascii_only=True)
                if self.palette.ascii
                else trace(cell.series, room)
            )
            spans.append(Span(drawn, cell.role))
        return spans

    def _fitted(
        self, spans: Sequence[Span], cells: int, column: Column | None, *, right: bool = False
    ) -> list[Span]:
        taken = sum(width(span.text) for span in spans)
        if taken <= cells:
            return [Span(" " * (cells - taken)), *spans] if right else list(spans)
        if len(spans) == 1 and column is not None and column.middle:
            text = cut(spans[0].text, cells, middle=True, ellipsis=self.signs.ellipsis)
            return [Span(text, spans[0].role)]
        return self._cut(spans, cells)

    def _cut(self, spans: Sequence[Span], cells: int) -> list[Span]:
        shown: list[Span] = []
        room = cells
        for number, span in enumerate(spans):
            here = width(span.text)
            more = number + 1 < len(spans)
            if here < room or (here == room and not more):
                shown.append(span)
                room -= here
                continue
            text = cut(span.text, room, ellipsis=self.signs.ellipsis)
            if here == room:  # it fits, but what follows it is lost
                text = cut(span.text, room - 1, ellipsis="") + self.signs.ellipsis
            shown.append(Span(text, span.role))
            break
        return shown

    def _sign(self, look: Look) -> Span:
        if look.marked:
            return Span(self.signs.mark, "mark")
        return Span(self.signs.cursor, "key") if look.cursor else Span(" ")


class _Line:
    """A line that is filled from the left to the right."""

    def __init__(self, pen: Pen, look: Look) -> None:
        self._pen, self._look = pen, look
        self._segments: list[Segment] = []
        self._text, self._role = "", ""
        self._x = 0

    def put(self, x: int, spans: Sequence[Span]) -> None:
        """Put texts at a cell, what is between filled with spaces; nothing is put over what stands there."""
        if x > self._x:
            self._add(" " * (x - self._x), "")
        for text, role in spans:
            self._add(text, role)

    def _add(self, text: str, role: str) -> None:
        if role != self._role and (text.strip(" ") or self._pen.fills(self._role) or self._pen.fills(role)):
            self._flush()
            self._role = role
        self._text += text
        self._x += width(text)

    def _flush(self) -> None:
        if self._text:
            self._segments.append(Segment(self._text, self._pen.style(self._role, self._look)))
            self._text = ""

    def strip(self, cells: int) -> Strip:
        """The line, cut or filled to exactly so many cells."""
        if self._x < cells:
            self._add(" " * (cells - self._x), "")
        self._flush()
        strip = Strip(self._segments, max(self._x, cells))
        return strip if self._x <= cells else strip.crop(0, cells)
