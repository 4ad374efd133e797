"""When the rows of a window came, for the column beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import date

from workbench.text.log_rows import Row
from workbench.text.log_stamps import UNKNOWN, stamp, time_at
from workbench.tui.logs.source import LogSource
from workbench.tui.logs.window import Window

KEPT = 4000


class RowTimes:
    """The times of rows that were looked at lately, by where they begin."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._known: OrderedDict[int, float | None] = OrderedDict()

    async def learn(self, window: Window) -> None:
        """Ask for the times of rows that are new in the window; raises WorkbenchError."""
        rows = [line.row for line in window.lines if not line.row.gap and line.row.start not in self._known]
        if not rows:
            return
        marks = await self._source.times(rows[0].start, rows[-1].start + 1)
        for row in rows:
            self._known[row.start] = time_at(marks, row.start)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Ask for everything anew."""
        self._known.clear()

    def of(self, row: Row) -> float | None:
        """When a row came; None where that is not known."""
        return self._known.get(row.start)

    def column(self, window: Window, today: date) -> Mapping[int, str]:
        """What the column says, by where rows begin; every text is as wide."""
        told = {line.row.start: stamp(self.of(line.row)) for line in window.lines if not line.row.gap}
        day = today.isoformat()
        if all(text.startswith(day) or text[0] == UNKNOWN for text in told.values()):
            return {start: _cut(text, 11, 19) for start, text in told.items()}
        return {start: _cut(text, 5, 19) for start, text in told.items()}


def _cut(text: str, begin: int, end: int) -> str:
    return (UNKNOWN if text[0] == UNKNOWN else text[begin:end]).ljust(end - begin + 1)
