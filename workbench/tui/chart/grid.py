"""Where small charts stand: groups by prefix, as many side by side as fit, a cursor among them. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

CARD_CELLS, CARD_LINES, MOST_LINES = 38, 8, 16
"""The cells a small chart wants at least; the lines it gets with the one between it and the next,
and the most it gets where there is room for all."""
LEAST_LINES = 3


class Item(NamedTuple):
    """What the cursor can stand on: the heading of a group, or a metric."""

    key: str
    heading: bool = False


class Row(NamedTuple):
    """A heading, or metrics side by side."""

    top: int
    """Its first line, from the top of everything."""
    lines: int
    items: tuple[Item, ...]


class Heading(NamedTuple):
    """What stands over a group."""

    prefix: str
    members: int
    folded: bool


def prefix_of(name: str) -> str:
    """The group of a metric: what stands before its first slash, with the slash; nothing without one."""
    prefix, slash, _ = name.partition("/")
    return prefix + slash if slash else ""


def matching(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """The metrics whose names hold all of these words of lower case letters, whatever their own case."""
    if not words:
        return list(names)
    return [name for name in names if all(word in name.lower() for word in words)]


class Grid:
    """A layout of metrics for a width: those without a prefix first, then groups as they appear."""

    def __init__(
        self, names: Sequence[str], folded: Collection[str] = (), columns: int = 80, lines: int = 24
    ) -> None:
        self.headings: dict[str, Heading] = {}
        self.rows: list[Row] = []
        self.lines = 0
        groups: dict[str, list[str]] = {"": []}
        for name in names:
            groups.setdefault(prefix_of(name), []).append(name)
        widest = max(map(len, groups.values()))
        self.across = max(1, min(columns // CARD_CELLS, widest))  # no room is kept for what no group has
        self.cells = max(1, columns // self.across)
        self.card_lines = self._high(groups, folded, lines)
        for prefix, members in groups.items():
            self._add(prefix, members, prefix in folded)
        self._tops = [row.top for row in self.rows]
        self._places = {
            item: (at, column) for at, row in enumerate(self.rows) for column, item in enumerate(row.items)
        }

    def _high(self, groups: Mapping[str, Sequence[str]], folded: Collection[str], lines: int) -> int:
        """The lines of a chart: few ones share the page."""
        open_ones = [members for prefix, members in groups.items() if not (prefix and prefix in folded)]
        rows = sum(-(-len(members) // self.across) for members in open_ones)
        room = (lines - sum(1 for prefix in groups if prefix)) // max(1, rows)
        return max(LEAST_LINES, min(max(CARD_LINES, min(MOST_LINES, room)), lines))

    def _add(self, prefix: str, members: Sequence[str], folded: bool) -> None:
        if prefix:
            self.headings[prefix] = Heading(prefix, len(members), folded)
            self._row(1, (Item(prefix, True),))
        if prefix and folded:
            return
        for start in range(0, len(members), self.across):
            items = tuple(Item(name) for name in members[start : start + self.across])
            self._row(self.card_lines, items)

    def _row(self, lines: int, items: tuple[Item, ...]) -> None:
        self.rows.append(Row(self.lines, lines, items))
        self.lines += lines

    def row_at(self, line: int) -> int | None:
        """Which row a line belongs to; None below the last one."""
        if not 0 <= line < self.lines:
            return None
        return bisect_right(self._tops, line) - 1

    def place(self, item: Item) -> tuple[int, int] | None:
        """The row and column of an item; None when it is not here, or folded away."""
        return self._places.get(item)

    def at(self, column: int, line: int) -> Item | None:
        """The item in a cell."""
        row = self.row_at(line)
        if row is None:
            return None
        items = self.rows[row].items
        if items[0].heading:
            return items[0]
        index = column // self.cells
        return items[index] if index < len(items) else None

    def visible(self, first: int, lines: int) -> list[str]:
        """The metrics with any line among those."""
        found = []
        for at in range(max(0, bisect_right(self._tops, first) - 1), len(self.rows)):
            row = self.rows[at]
            if row.top >= first + lines:
                break
            if row.top + row.lines > first:
                found += [item.key for item in row.items if not item.heading]
        return found

    def beside(self, item: Item, by: int) -> Item:
        """The item so many to the right (below 0: left) in reading order, headings too."""
        order = list(self._places)
        if item not in self._places:
            return order[0] if order else item
        return order[min(len(order) - 1, max(0, order.index(item) + by))]

    def below(self, item: Item, by: int) -> Item:
        """The item so many rows down (below 0: up) in the same column or the nearest to it."""
        place = self.place(item)
        if place is None:
            return self.first() or item
        row = min(len(self.rows) - 1, max(0, place[0] + by))
        items = self.rows[row].items
        return items[min(place[1], len(items) - 1)]

    def first(self) -> Item | None:
        """The first item; None when there is none."""
        return self.rows[0].items[0] if self.rows else None

    def last(self) -> Item | None:
        """The last item; None when there is none."""
        return self.rows[-1].items[-1] if self.rows else None
