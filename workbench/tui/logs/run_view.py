"""The view of one of a run's logs, among others it may be shown with."""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message

from workbench.tui.logs.view import LogView


class RunLogView(LogView):
    """A log of a run; whoever holds the logs hears what is wanted of them."""

    PLACES: ClassVar[tuple[str, ...]] = ("list", "logs", "many-logs")

    class Wanted(Message):
        """Something is to be done with the logs: the last part of an action's name."""

        def __init__(self, view: RunLogView, what: str) -> None:
            super().__init__()
            self.view = view
            self.what = what

    @property
    def place(self) -> int:
        """The byte one looks at: of the line one stands on, else of the first that is seen."""
        return self._window.top.start if self.current is None else self.current

    def show_from(self, offset: int) -> None:
        """Show the log from a byte on and hold still; where there is no such byte its end, and follow."""

        async def move() -> None:
            if offset >= self._reader.extent.size:  # it was opened just now, or has grown
                self._reader.adopt(await self.source.extent())
            await self._to_place(offset)

        self._move(move)

    def _want(self, what: str) -> None:
        self.post_message(self.Wanted(self, what))

    def do_many_logs_other(self) -> None:
        """Another log in place of this one."""
        self._want("other")

    def do_many_logs_beside(self) -> None:
        """Another log beside this one."""
        self._want("beside")

    def do_many_logs_merge(self) -> None:
        """All that are shown as one."""
        self._want("merge")

    def do_many_logs_close(self) -> None:
        """Close this one."""
        self._want("close")

    def do_many_logs_next(self) -> None:
        """Go to the next."""
        self._want("next")

    def do_many_logs_same_time(self) -> None:
        """Bring the others to the same time."""
        self._want("same-time")

    def do_many_logs_attempt(self) -> None:
        """To where the next attempt begins."""
        self._want("attempt")

    def do_many_logs_attempt_before(self) -> None:
        """To where this attempt began, or the one before."""
        self._want("attempt-before")
