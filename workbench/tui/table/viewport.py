"""Where the cursor is and what is in view, and how both stay put while lines come and go."""

from __future__ import annotations

from typing import NamedTuple

from workbench.tui.table.lines import Lines

FAR = 2000
"""How far a neighbour of a row that is gone is looked for; farther away it is none."""


class Spot(NamedTuple):
    """The cursor's line (-1: there is none) and the first line in view."""

    line: int = -1
    top: int = 0

    def sees(self, line: int, height: int) -> bool:
        """Whether a line is in view."""
        return self.top <= line < self.top + height


def within(top: int, count: int, height: int) -> int:
    """The first line in view, nothing empty being shown as long as there are lines."""
    return max(0, min(top, count - height))


def moved(spot: Spot, line: int, count: int, height: int) -> Spot:
    """The cursor on another line (the nearest there is), the view moved as little as needed to see it."""
    if count == 0:
        return Spot()
    line = max(0, min(line, count - 1))
    top = min(spot.top, line)
    if height > 0:
        top = max(top, line - height + 1)
    return Spot(line, within(top, count, height))


def paged(spot: Spot, by: int, count: int, height: int) -> Spot:
    """Cursor and view moved together, so that the cursor keeps its place on the screen."""
    return moved(Spot(spot.line, within(spot.top + by, count, height)), spot.line + by, count, height)


def kept(old: Lines, new: Lines, spot: Spot, height: int, *, at_top: bool = False) -> Spot:
    """Cursor and view after the lines became others.

    The cursor stays on its row, or goes to the nearest one that is left; its place on the screen stays too.
    When the cursor is out of view, the first line in view that is left keeps its place. at_top: the user
    looks at the beginning of the list, where what is new shall be seen: the view stays there while the cursor
    is in view.
    """
    count = len(new)
    if count == 0:
        return Spot()
    if spot.line < 0 or not len(old):
        return moved(Spot(), new.first_row(), count, height)
    line = survivor(old, new, spot.line)
    if at_top and line < height:
        return Spot(line, 0)
    if spot.sees(spot.line, height):
        return moved(Spot(line, within(line - (spot.line - spot.top), count, height)), line, count, height)
    for seen in range(spot.top, min(spot.top + height, len(old))):
        found = new.find(old[seen], seen)
        if found is not None:
            return Spot(line, within(found - (seen - spot.top), count, height))
    return Spot(line, within(spot.top, count, height))


def survivor(old: Lines, new: Lines, line: int) -> int:
    """The new line of an old one, or of the nearest to it that is left; rows below come before rows above."""
    for distance in range(min(FAR, max(line, len(old) - 1 - line) + 1)):
        for near in (line + distance, line - distance):
            if 0 <= near < len(old):
                found = new.find(old[near], near)
                if found is not None:
                    return found
    return max(0, min(line, len(new) - 1))
