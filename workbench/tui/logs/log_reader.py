"""A log as the view asks for it: rows, what they look like, windows on them. Knows no screen."""

from __future__ import annotations

from collections import OrderedDict

from workbench.text.log_line import Shown, shown
from workbench.text.log_rows import BAR, BLOCK, Row, Rows
from workbench.tui.logs.blocks import Blocks
from workbench.tui.logs.numbers import Numbers
from workbench.tui.logs.source import Extent, LogSource
from workbench.tui.logs.window import Line, Place, Walker, Window
from workbench.tui.logs.wrapping import cuts

LINES_KEPT = 2000


class LogReader:
    """Reads a log where it is looked at.

    Raises WorkbenchError; ShortRead, after which the extent has to be asked for anew.
    """

    def __init__(self, source: LogSource, block: int = BLOCK, bar: int = BAR) -> None:
        self.source = source
        self.extent = Extent()
        self.numbers = Numbers()
        self.width = 0
        """Cells a row may fill before it is broken; 0: it is not."""
        self._sizes = block, bar
        self._blocks = Blocks(source.read, block)
        self._lines: OrderedDict[Row, Shown] = OrderedDict()
        self.adopt(Extent())

    def adopt(self, extent: Extent) -> None:
        """Go on with a log that has this extent now."""
        if extent.size < self.extent.size:
            self.forget()
        self.extent = extent
        self._rows = Rows(self._block, extent.size, extent.gaps, *self._sizes)
        self._walker = Walker(self._rows, self._height)

    def forget(self) -> None:
        """Read everything anew."""
        self._blocks.clear()
        self._lines.clear()
        self.numbers = Numbers()

    async def _block(self, start: int, stop: int) -> bytes:
        return await self._blocks.get(start, stop, self._rows.stretch(start))

    async def shown(self, row: Row) -> Shown:
        """What is seen of a row that is no gap."""
        held = self._lines.get(row)
        if held is None:
            raw = await self._blocks.row(row, self._rows.stretch(row.start))
            held = self._lines[row] = shown(raw)
            self.numbers.note(row, raw.endswith(b"\n"))
            if len(self._lines) > LINES_KEPT:
                self._lines.popitem(last=False)
        return held

    async def row_at(self, offset: int) -> Row | None:
        """The row that holds a byte; None beyond the end."""
        return await self._rows.at(offset)

    async def window(self, top: Place | None, room: int) -> tuple[Window, dict[Row, Shown]]:
        """The window that begins at top, or ends with the log, and what its rows look like."""
        if top is None:
            window = await self._walker.last(room)
        else:
            window = await self._walker.down_from(top, room)
        rows = {line.row: None for line in window.lines if not line.row.gap}
        return window, {row: await self.shown(row) for row in rows}

    async def moved(self, place: Place, by: int) -> Place:
        """The place so many lines below, or above."""
        return await self._walker.moved(place, by)

    async def _height(self, row: Row) -> int:
        if not self.width or row.gap:
            return 1
        return len(cuts((await self.shown(row)).text, self.width))

    def part(self, line: Line, text: str) -> tuple[int, int]:
        """Which characters of its row's text stand on a line."""
        if not self.width:
            return 0, len(text)
        begins = [*cuts(text, self.width), len(text)]
        index = min(line.part, len(begins) - 2)
        return begins[index], begins[index + 1]
