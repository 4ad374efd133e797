"""Which columns stand where in a given width: widths follow from columns and terminal, never from values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column

ROOMY = 50
"""From so many cells on columns stand two cells apart, below one."""


class Placed(NamedTuple):
    """A column on the screen: its number among all columns, where it begins, and its width."""

    column: int
    x: int
    width: int


class Layout(NamedTuple):
    """The columns of one width.

    fixed: how many of the first ones do not scroll. before and after: how many columns are out of sight on
    the left and on the right.
    """

    placed: tuple[Placed, ...]
    width: int
    fixed: int = 0
    before: int = 0
    after: int = 0

    @property
    def roomy(self) -> bool:
        """Whether columns stand two cells apart."""
        return self.width >= ROOMY

    def difference(self, before: Sequence[Cell], now: Sequence[Cell]) -> tuple[int, int]:
        """Where a row whose cells became others has to be drawn anew: its first cell there, and how many.

        One stretch, since each one costs a terminal its colours again.
        """
        if len(before) != len(now) or any(cell.over for cell in (*before, *now)):
            return 0, self.width
        changed = [
            placed
            for placed in self.placed
            if placed.column < len(now) and before[placed.column] != now[placed.column]
        ]
        begin = min((placed.x for placed in changed), default=0)
        return begin, max((placed.x + placed.width for placed in changed), default=0) - begin

    def at(self, x: int) -> Placed | None:
        """The column at a cell; the gap behind a column counts as the column's."""
        found = None
        for placed in self.placed:
            if placed.x <= x:
                found = placed
        return found


def arrange(
    columns: Sequence[Column], order: Sequence[int], width: int, *, frozen: int = 1, aside: int = 0
) -> Layout:
    """Lay out the columns of `order` in `width` cells, of which the first is the sign of cursor and mark.

    The first `frozen` columns are always there. Scrolled `aside` by nothing, the most important of the others
    are chosen; else they stand in order at their ideal widths, beginning with a later one at each step.
    """
    gap = 2 if width >= ROOMY else 1
    room = max(0, width - gap)
    fixed, others = list(order[:frozen]), list(order[frozen:])
    aside = min(aside, last_aside(columns, order, width, frozen=frozen))
    start = 0
    kept = _important(columns, order, len(fixed), room, gap)
    if aside == 0:
        widths = _grown(columns, kept, room, gap)
    else:
        start = aside - _step(others, kept)
        kept, widths = _in_order(columns, fixed, others[start:], room, gap)
    placed = []
    x = gap
    for index in kept:
        placed.append(Placed(index, x, widths[index]))
        x += widths[index] + gap
    return Layout(tuple(placed), width, len(fixed), start, len(order) - len(kept) - start)


def last_aside(columns: Sequence[Column], order: Sequence[int], width: int, *, frozen: int = 1) -> int:
    """How far one can scroll aside: not at all when all columns fit, else until the last one is whole."""
    gap = 2 if width >= ROOMY else 1
    room = max(0, width - gap)
    if _least(columns, order, gap) <= room or len(order) <= frozen:
        return 0
    fixed, others = list(order[:frozen]), list(order[frozen:])
    taken = _ideal(columns, fixed, gap)
    start = len(others)
    while start > 0 and taken + gap + columns[others[start - 1]].ideal <= room:
        start -= 1
        taken += gap + columns[others[start]].ideal
    start = min(start, max(0, len(others) - 1))
    return start + _step(others, _important(columns, order, len(fixed), room, gap))


def _step(others: Sequence[int], kept: Sequence[int]) -> int:
    """0: the first step aside goes on to the second of the others; 1: to the first, which is out of sight."""
    return 0 if others and others[0] in kept else 1


def _least(columns: Sequence[Column], kept: Sequence[int], gap: int) -> int:
    return sum(columns[index].least for index in kept) + gap * max(0, len(kept) - 1)


def _ideal(columns: Sequence[Column], kept: Sequence[int], gap: int) -> int:
    return sum(columns[index].ideal for index in kept) + gap * max(0, len(kept) - 1)


def _important(columns: Sequence[Column], order: Sequence[int], fixed: int, room: int, gap: int) -> list[int]:
    """Those of order that fit at their least widths, the least important dropped first."""
    kept = list(order)
    while len(kept) > max(1, fixed) and _least(columns, kept, gap) > room:
        kept.remove(min(kept[fixed:], key=lambda index: (columns[index].keep, -order.index(index))))
    while len(kept) > 1 and _least(columns, kept, gap) > room:
        kept.pop()
    return kept


def _grown(columns: Sequence[Column], kept: list[int], room: int, gap: int) -> dict[int, int]:
    """Widths: least, then ideal for the most important first, then the rest to who takes it."""
    widths = {index: columns[index].least for index in kept}
    spare = room - _least(columns, kept, gap)
    if spare < 0:
        return {index: max(0, width + spare) for index, width in widths.items()}  # one column, too wide
    ranked = sorted(kept, key=lambda index: (-columns[index].keep, index))
    takers = [index for index in ranked if columns[index].rest]
    for limits in (
        {index: columns[index].ideal for index in ranked},
        {index: room if index in takers else columns[index].most for index in [*takers, *ranked]},
    ):
        for index, limit in limits.items():
            more = min(spare, max(0, limit - widths[index]))
            widths[index] += more
            spare -= more
    return widths


def _in_order(
    columns: Sequence[Column], fixed: list[int], others: list[int], room: int, gap: int
) -> tuple[list[int], dict[int, int]]:
    """The frozen columns and as many of the others as fit, the last one with what room is left."""
    fixed = list(fixed)
    while fixed and others and _least(columns, [*fixed, others[0]], gap) > room:
        fixed.pop()  # what was asked for by scrolling is more than what does not scroll
    kept = list(fixed)
    widths = {index: columns[index].ideal for index in fixed}
    if others and _ideal(columns, fixed, gap) + gap + columns[others[0]].least > room:
        widths = {index: columns[index].least for index in fixed}
    taken = sum(widths.values()) + gap * max(0, len(fixed) - 1)
    for index in others:
        free = room - taken - gap * bool(kept)
        column = columns[index]
        if free < min(column.least, column.ideal) and len(kept) > len(fixed):
            break
        widths[index] = max(0, min(column.ideal, free))
        kept.append(index)
        taken += gap * (len(kept) > 1) + widths[index]
    if kept and columns[kept[-1]].rest:
        widths[kept[-1]] += max(0, room - taken)
    return kept, widths
