"""The log view: it answers to keys and the mouse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message

from workbench.errors import UsageError, WorkbenchError
from workbench.tui.actions.acting import Acting
from workbench.tui.logs.bar import offset_at
from workbench.tui.logs.error_finder import ErrorFinder
from workbench.tui.logs.log_window import LogWindow
from workbench.tui.logs.source import LogSource
from workbench.tui.logs.window import Place

ASIDE = 16
"""Cells of a step to the side."""


class LogView(Acting, LogWindow, can_focus=True):
    """A log one can move in and search; what to look for is asked by who hears `Asked`."""

    PLACES: ClassVar[tuple[str, ...]] = ("list", "logs")
    LACKS: ClassVar[frozenset[str]] = frozenset({"list.open"})
    _grabbed = False
    _error: int | None = None
    """The error that was found last."""

    def __init__(
        self, source: LogSource, *, follow: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(source, follow=follow, id=id, classes=classes)
        self._errors = ErrorFinder(source)

    class Asked(Message):
        """The user wants to look for something."""

    class PagerWanted(Message):
        """The user wants to see the log in another program."""

    @property
    def searching(self) -> bool:
        """Whether a search stands."""
        return self._searcher.state is not None

    def search(self, said: str) -> None:
        """Look for a text or a /regular expression/; goes to the first match from the top of the window on.

        Raises UsageError for a pattern that is none.
        """
        state = self._searcher.start(said)
        self._notice = ""
        start = self._window.top.start
        whole = self._searched(lambda: self._searcher.find_all(state))
        self.run_worker(whole, group="search", exclusive=True)
        self.run_worker(self._to_match(start - 1, False), group="match", exclusive=True)

    def stop_searching(self) -> None:
        """No match is shown any more."""
        self.workers.cancel_group(self, "search")
        self._searcher.stop()
        self.current = None
        self._wake_up()

    def go_to(self, offset: int) -> None:
        """Show the line that holds a byte and stand on it."""
        self.current = offset
        self._move(lambda: self._show_offset(offset))

    async def go_to_line(self, line: int) -> None:
        """Show a line by its number, from 0; raises WorkbenchError."""
        offset = await self.source.line_start(line)
        if offset is None:
            self._tell("There is no such line, or it was not counted yet.")
        else:
            self.go_to(offset)

    # Searching

    async def _searched(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what may find that a pattern cannot be looked for."""
        try:
            await work()
        except UsageError as problem:
            self._searcher.stop()
            self._tell(problem.message)
        except WorkbenchError as problem:
            self._tell(problem.message)

    async def _to_match(self, offset: int, backwards: bool) -> None:
        async def work() -> None:
            found, turned = await self._searcher.nearest(offset, backwards)
            state = self._searcher.state
            if found is None or state is None:
                return
            state.current = found
            self._notice = ""
            state.turned = ("end" if backwards else "top") if turned else ""
            self.go_to(found)

        await self._searched(work)

    # Actions

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action in ("logs.next", "logs.previous") and self._searcher.state is None:
            return "Nothing is searched for; press / to begin."
        if action in ("list.left", "list.right") and self.wrap:
            return "Long lines are broken; press w to let them run on."
        return super().refusal(action)

    def do_list_down(self) -> None:
        """One line down."""
        self._by(1)

    def do_list_up(self) -> None:
        """One line up."""
        self._by(-1)

    def do_list_left(self) -> None:
        """To the left."""
        self._aside(-ASIDE)

    def do_list_right(self) -> None:
        """To the right."""
        self._aside(ASIDE)

    def _aside(self, cells: int) -> None:
        widest = max((cell_len(shown.text) for shown in self._shown.values()), default=0)
        left = min(max(0, self._left + cells), max(widest - self._view.text_width // 2, self._left, 0))
        if left != self._left:
            self._left = left
            self._wake_up()

    def do_list_first(self) -> None:
        """The first line."""
        self._move(lambda: self._to_place(0))

    def do_list_last(self) -> None:
        """The end, and follow."""
        self._move(self._to_end)

    def do_list_half_down(self) -> None:
        """Half a page down."""
        self._by(max(1, self.size.height // 2))

    def do_list_half_up(self) -> None:
        """Half a page up."""
        self._by(-max(1, self.size.height // 2))

    def do_list_page_down(self) -> None:
        """A page down, a line of which was seen before."""
        self._by(max(1, self.size.height - 1))

    def do_list_page_up(self) -> None:
        """A page up."""
        self._by(-max(1, self.size.height - 1))

    def do_logs_search(self) -> None:
        """Ask what to look for."""
        self.post_message(self.Asked())

    def do_logs_next(self) -> None:
        """The next match."""
        self._next(False)

    def do_logs_previous(self) -> None:
        """The match before."""
        self._next(True)

    def _next(self, backwards: bool) -> None:
        state = self._searcher.state
        start = self._window.top.start if state is None or state.current is None else state.current
        self.run_worker(self._to_match(start, backwards), group="match", exclusive=True)

    def do_logs_error(self) -> None:
        """The first error, or the next after the one found last."""
        self.run_worker(self._searched(self._to_error), group="match", exclusive=True)

    def do_logs_error_before(self) -> None:
        """The error before the one found last, or before the window."""
        self.run_worker(self._searched(lambda: self._to_error(True)), group="match", exclusive=True)

    async def _to_error(self, backwards: bool = False) -> None:
        last = self._error if self._error is not None and self._error == self.current else None
        begin = self._window.top.start if backwards else -1

        def on_way(at: int) -> None:
            self._tell(f"looking for an error: {at * 100 // max(1, self._reader.extent.size)}%")

        found = await self._errors.beyond(begin if last is None else last, backwards, on_way)
        if found is None:
            none = "no error before" if backwards else "no line tells of an error"
            self._tell(none if last is None else "no error before" if backwards else "no further error")
            return
        self._error = found
        self._tell(self._errors.words(found))
        self.go_to(found)
        if not self._errors.knows(found):
            self.run_worker(self._searched(self._count_errors), group="errors", exclusive=True)

    async def _count_errors(self) -> None:
        await self._errors.count()
        if self._error is not None and self._error == self.current:
            self._tell(self._errors.words(self._error))

    def do_logs_follow(self) -> None:
        """Hold still, or go to the end and stay there."""
        if self.following:
            self.following = False
            self._top = self._window.top
            self._wake_up()
        else:
            self._move(self._to_end)

    def do_logs_wrap(self) -> None:
        """Break long lines, or not."""
        self.wrap = not self.wrap
        self._left = 0
        if self._top is not None:
            self._top = Place(self._top.start)
        self._wake_up()

    def do_logs_times(self) -> None:
        """Show when lines came, or not."""
        self.timed = not self.timed
        self._wake_up()

    def do_logs_numbers(self) -> None:
        """Show line numbers, or not."""
        self.numbered = not self.numbered
        self._wake_up()

    def do_logs_pager(self) -> None:
        """Say that another program is to show it."""
        self.post_message(self.PagerWanted())

    # The mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines down."""
        event.stop()
        self._by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines up."""
        event.stop()
        self._by(-3)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Stand on the line, or go where the bar says."""
        if event.x == self.size.width - 1:
            self._grabbed = True
            self.capture_mouse()
            self._to_bar(event.y)
        elif event.y < len(self._window.lines):
            self.current = self._window.lines[event.y].row.start
            self._wake_up()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse along the bar."""
        if self._grabbed:
            self._to_bar(event.y)

    def on_mouse_up(self) -> None:
        """Let go of the bar."""
        if self._grabbed:
            self._grabbed = False
            self.release_mouse()

    def _to_bar(self, y: int) -> None:
        offset = offset_at(y, self._reader.extent.size, self.size.height)
        self._move(lambda: self._to_place(offset))
