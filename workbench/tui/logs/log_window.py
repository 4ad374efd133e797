"""A widget that shows a part of a log: it reads where one looks and paints what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from time import monotonic

from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.errors import ServerError, WorkbenchError
from workbench.text import durations
from workbench.text.log_line import Shown
from workbench.text.log_rows import Row
from workbench.text.sanitize import clean_name
from workbench.tui.logs.clock import RowTimes
from workbench.tui.logs.colours import LogColours
from workbench.tui.logs.drawing import Pens
from workbench.tui.logs.log_reader import LogReader
from workbench.tui.logs.painter import Painter, View
from workbench.tui.logs.searching import Searcher
from workbench.tui.logs.source import Extent, LogSource, ShortRead
from workbench.tui.logs.status import Status
from workbench.tui.logs.window import Line, Place, Window
from workbench.tui.model.link_speed import flush_of
from workbench.tui.themes.palette import palette_of

AGAIN = 0.5
"""Seconds before a log is asked again that could not be read."""
STALE = 5.0
"""Age in seconds from which the machine's last word is said to be old."""

Move = Callable[[], Awaitable[None]]


class LogWindow(Widget):
    """Shows a part of a log from a LogSource, and stays at its end while it follows.

    The place is that of the first line, in bytes, or the end. Moves are done one after the other in one task,
    which also takes up new output; so what is seen is always one state of the log.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "LogWindow { height: 1fr; width: 1fr; }"

    class Changed(Message):
        """What the status line says may have changed."""

        def __init__(self, status: Status) -> None:
            super().__init__()
            self.status = status

    def __init__(
        self, source: LogSource, *, follow: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._reader = LogReader(source)
        self._searcher = Searcher(source, self._wake_up)
        self._times = RowTimes(source)
        self.following = follow
        """Whether it stays at the end."""
        self.wrap = False
        """Whether long lines are broken."""
        self.timed = False
        """Whether lines have when they came beside them."""
        self.numbered = False
        """Whether lines have their numbers beside them."""
        self.current: int | None = None
        """A byte of the line one stands on."""
        self._top: Place | None = None if follow else Place()
        self._left = 0
        self._window = Window()
        self._shown: dict[Row, Shown] = {}
        self._strips: list[Strip] = []
        self._painter: Painter | None = None
        self._problem = ""
        self._notice = ""
        self._moves: list[Move] = []
        self._wake = asyncio.Event()
        self._latest: Extent | None = None
        self._drawn_at = 0.0
        self._due = False
        self._doubted = False
        """Whether the log turned out to be shorter than it was said to be."""

    @property
    def source(self) -> LogSource:
        """The log that is shown."""
        return self._reader.source

    @property
    def lines(self) -> list[str]:
        """The texts of the lines that are seen; a gap's is empty."""
        return [self._text(line) for line in self._window.lines]

    @property
    def chosen_line(self) -> str | None:
        """The line one stands on, where it is seen."""
        view = self._view
        return next((shown.text for row, shown in self._shown.items() if view.stands_on(row)), None)

    # Life

    def on_mount(self) -> None:
        """Begin to read when it is seen."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._new_theme())
        self.run_worker(self._pump(), group="read")
        self.set_interval(1.0, self._say)

    def on_show(self) -> None:
        """Listen for output, and ask for line numbers, for as long as one looks."""
        self.run_worker(self._listen(), group="listen", exclusive=True)
        self.run_worker(self._number(), group="number", exclusive=True)

    def on_hide(self) -> None:
        """Cost nothing while nobody looks."""
        self.workers.cancel_group(self, "listen")
        self.workers.cancel_group(self, "number")

    def _new_theme(self) -> None:
        self._painter = None
        self._wake_up()

    def notify_style_update(self) -> None:
        """Colours may have changed."""
        super().notify_style_update()
        self._painter = None

    def on_resize(self) -> None:
        """Another number of lines fits."""
        self._wake_up()

    async def _listen(self) -> None:
        """Hear of new output for as long as there may be some."""
        while True:
            try:
                self._hear(await self.source.extent())
                async with aclosing(self.source.changes()) as changes:
                    async for extent in changes:
                        self._hear(extent)
                return
            except ServerError as problem:
                self._problem = problem.message
                self._say()
            except WorkbenchError as problem:
                self._problem = problem.message
                self._say()
                return
            await asyncio.sleep(AGAIN)

    def _hear(self, extent: Extent) -> None:
        """Repaint for new output no more often than the link to the terminal bears."""
        self._latest = extent
        if not self._due:
            self._due = True
            wait = self._drawn_at + flush_of(self.app) - monotonic()
            if wait > 0:
                self.set_timer(wait, self._wake_up)
            else:
                self._wake_up()

    def _wake_up(self) -> None:
        self._wake.set()

    def _move(self, move: Move) -> None:
        self._moves.append(move)
        self._wake.set()

    async def _pump(self) -> None:
        """Do what was asked for, in its order, and show where that leads."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            moves, self._moves = self._moves, []
            try:
                await self._step(moves)
                self._problem = ""
            except ShortRead:
                self._reader.forget()
                self._times.forget()
                self._doubted = True
                self.set_timer(flush_of(self.app), self._wake_up)
            except WorkbenchError as problem:
                self._problem = problem.message
                self.set_timer(AGAIN, self._wake_up)
            self._say()

    async def _step(self, moves: Iterable[Move]) -> None:
        if self._doubted:
            self._latest = await self.source.extent()
            self._doubted = False
        if self._latest is not None:
            extent, self._latest, self._due = self._latest, None, False
            if extent.size != self._reader.extent.size:
                self._searcher.grew()
            if extent != self._reader.extent:
                self._reader.adopt(extent)
                self._searcher.ended = extent.ended
            self._drawn_at = monotonic()
        self._reader.width = self._view.text_width if self.wrap else 0
        for move in moves:
            await move()
        await self._show()

    async def _show(self) -> None:
        room = self.size.height
        if room <= 0 or self.size.width <= 1:
            return
        self._window, self._shown = await self._reader.window(self._top, room)
        if self._top is not None or not self.following:
            self._top = self._window.top
        if self.timed:
            await self._times.learn(self._window)
        self._draw()

    # Drawing

    @property
    def _view(self) -> View:
        gutter = len(f"{max(self._reader.numbers.total, 999)}") + 1 if self.numbered else 0
        left = 0 if self.wrap else self._left
        today = datetime.now(UTC).astimezone().date()
        clock = self._times.column(self._window, today) if self.timed else None
        return View(
            self._window, self._shown, self.size.width, self.size.height, left, gutter,
            clock, self.current, self._searcher.state,
        )  # fmt: skip

    def _draw(self) -> None:
        """Have those lines painted that are not what is seen already."""
        if self._painter is None:
            palette, ground = palette_of(self.app), self.rich_style
            colours = LogColours(palette, ground, self.app.native_ansi_color)
            self._painter = Painter(self._reader, Pens(palette, colours, ground))
        before, self._strips = self._strips, self._painter.strips(self._view)
        if len(before) != len(self._strips):
            self.refresh()
            return
        changed = [y for y, strip in enumerate(self._strips) if strip != before[y]]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """A line of the window."""
        if y < len(self._strips) and self._strips[y].cell_length == self.size.width:
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as there is room."""
        return container.width

    def _text(self, line: Line) -> str:
        if line.row.gap:
            return ""
        text = self._shown[line.row].text
        begin, end = self._reader.part(line, text)
        return text[begin:end]

    # The status line

    def _tell(self, words: str) -> None:
        self._notice = words
        self._say()

    def _say(self) -> None:
        self.post_message(self.Changed(self.status))

    @property
    def status(self) -> Status:
        """How it stands."""
        extent, lines = self._reader.extent, self._window.lines
        state = self._searcher.state
        rows = list(dict.fromkeys(line.row for line in lines))
        numbers = self._reader.numbers.of(rows)
        last = numbers[-1] + 1 if numbers and numbers[-1] is not None else 0
        return Status(
            following=self.following and not extent.ended,
            ended=extent.ended,
            at_end=self._window.at_end,
            size=extent.size,
            below=max(0, extent.size - lines[-1].row.stop) if lines else 0,
            first=numbers[0] if numbers else None,
            last=numbers[-1] if numbers else None,
            lines=max(self._reader.numbers.total, last) or None,
            counted=self._counted,
            gaps=sum(stop - start for start, stop in extent.gaps),
            search=state.said if state is not None else "",
            found=state.words(extent.size) if state is not None else "",
            as_of=self._age(extent),
            problem=clean_name(self._problem),
            notice=clean_name(self._notice),
        )

    @property
    def _counted(self) -> bool:
        """Whether all lines of the log are counted: to its end, or up to where it ends in the window."""
        numbers, lines = self._reader.numbers, self._window.lines
        seen = self._window.at_end and bool(lines) and numbers.of([lines[0].row])[0] is not None
        return seen or numbers.counted >= self._reader.extent.size

    @staticmethod
    def _age(extent: Extent) -> str:
        if extent.ended or extent.as_of is None:
            return ""
        age = (datetime.now(UTC) - extent.as_of).total_seconds()
        return durations.short(age) if age >= STALE else ""

    # Numbers of lines

    async def _number(self) -> None:
        """Ask for line numbers until those of the window and the total are known; look again now and then."""
        while True:
            lines, size = self._window.lines, self._reader.extent.size
            numbers = self._reader.numbers
            known = lines and numbers.of([lines[0].row])[0] is not None
            if not lines or (known and self._counted):
                await asyncio.sleep(0.2)
                continue
            began = monotonic()
            try:
                count = await self.source.lines(lines[0].row.start)
            except WorkbenchError:
                await asyncio.sleep(AGAIN)  # what can be read tells of the problem
                continue
            numbers.total, numbers.counted = count.lines, count.counted
            if count.line is not None:
                numbers.learn(lines[0].row.start, count.line)
                if not known and self.numbered:
                    self._wake_up()
            self._say()
            # counting takes half of the time at most, the other half is for what one looks at
            await asyncio.sleep(max(0.05 if count.counted < size else 0.5, monotonic() - began))

    # Moving

    def _by(self, lines: int) -> None:
        self._move(lambda: self._scroll(lines))

    async def _scroll(self, lines: int) -> None:
        top = self._window.top if self._top is None else self._top
        place = await self._reader.moved(top, lines)
        if lines < 0 and place == top:
            return  # at the top already: nothing lets go
        self.following = False
        window, _ = await self._reader.window(place, max(1, self.size.height))
        self._top = place
        if lines > 0 and window.at_end:
            self._hold_on()

    def _hold_on(self) -> None:
        self.following = True
        self._top = None

    async def _to_end(self) -> None:
        self._hold_on()

    async def _to_place(self, offset: int) -> None:
        """The row that holds offset at the top of the window."""
        if offset >= self._reader.extent.size:
            self._hold_on()
            return
        row = await self._reader.row_at(offset)
        self.following = False
        self._top = Place(row.start if row is not None else 0)

    async def _show_offset(self, offset: int) -> None:
        """The row that holds offset somewhere in the window, which stays when it is there already."""
        row = await self._reader.row_at(offset)
        if row is None:
            return
        self.following = False
        if self._top is None:
            self._top = self._window.top
        if any(line.row == row for line in self._window.lines):
            return
        self._top = await self._reader.moved(Place(row.start), -(self.size.height // 3))
