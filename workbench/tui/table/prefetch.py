"""Which rows to ask for: those in view that were not seen yet, and some around them."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.tui.table.lines import Lines


class Prefetch:
    """What is known to be there, and what was asked for last."""

    def __init__(self) -> None:
        self._here: set[str] = set()
        self._asked: frozenset[str] = frozenset()

    def told(self, keys: set[str]) -> None:
        """These rows changed: those that were asked for came with it."""
        self._here |= keys & self._asked

    def came(self, keys: Iterable[str]) -> None:
        """These rows are there."""
        self._here.update(keys)

    def missed(self, key: str) -> bool:
        """A row is not there though it was drawn; whether that was not known."""
        known = key in self._here
        if known:  # it was forgotten after it had come: the question is to be asked again
            self._here.discard(key)
            self._asked -= {key}
        return known or key not in self._asked

    def wanted(self, lines: Lines, top: int, height: int) -> list[str]:
        """The keys to ask for, those in view first; none while half a page around the view was asked for.

        What is asked for is more than what makes ask: one who scrolls asks once a page, not once a line.
        """
        if height <= 0:
            return []
        near = self._missing(lines, top - height // 2, top + height + height // 2)
        if all(key in self._asked for key in near):
            return []
        begin, end = top - height, top + 2 * height
        seen = self._missing(lines, top, top + height)
        wanted = list(dict.fromkeys([*seen, *self._missing(lines, begin, end)]))
        self._asked = frozenset(wanted)
        return wanted

    def _missing(self, lines: Lines, begin: int, end: int) -> list[str]:
        keys = lines.keys[max(0, begin) : max(0, end)]
        return [key for key in keys if key not in self._here and key not in lines.groups]
