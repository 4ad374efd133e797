"""Line numbers of the rows that were seen: from one that is known those beside it follow. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from workbench.text.log_rows import Row

KEPT = 4096


class Numbers:
    """Numbers, from 0, by where a row begins. A row that goes on from the one before has the same number."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, int] = OrderedDict()
        self._unended: set[int] = set()
        self.total = 0
        """Lines known of."""
        self.counted = 0
        """Bytes in which lines were counted."""

    def note(self, row: Row, ended: bool) -> None:
        """A row was read: whether a newline ends it."""
        if ended:
            self._unended.discard(row.start)
        elif len(self._unended) < KEPT:
            self._unended.add(row.start)

    def learn(self, start: int, number: int) -> None:
        """The row that begins at start has this number."""
        self._known[start] = number
        self._known.move_to_end(start)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def of(self, rows: Sequence[Row]) -> list[int | None]:
        """The numbers of rows that stand one below the other; None where none is known."""
        anchor = next((index for index, row in enumerate(rows) if row.start in self._known), None)
        if anchor is None:
            return [None] * len(rows)
        found: list[int | None] = [None] * len(rows)
        number = self._known[rows[anchor].start]
        for index in range(anchor, len(rows)):
            found[index] = number
            number += self._ends(rows[index])
        number = self._known[rows[anchor].start]
        for index in range(anchor - 1, -1, -1):
            number -= self._ends(rows[index])
            found[index] = number
        for row, known in zip(rows, found, strict=True):
            if known is not None:
                self.learn(row.start, known)
        return found

    def _ends(self, row: Row) -> int:
        return 0 if row.gap or row.start in self._unended else 1
