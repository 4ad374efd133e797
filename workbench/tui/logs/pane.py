"""A log with its status line, and the line where one types what to look for."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from workbench.errors import UsageError
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.logs.source import LogSource
from workbench.tui.logs.status import LogStatus
from workbench.tui.logs.view import LogView


class SearchLine(OpeningLine):
    """Where a search is typed: enter looks for it, escape leaves."""

    DEFAULT_CSS = "SearchLine { height: 1; padding: 0 1; background: $panel; }"

    class Left(Message):
        """Nothing is to be looked for."""

    def __init__(self, said: str) -> None:
        super().__init__(
            said, placeholder="look for a text, or a /regular expression/", compact=True, max_length=1000
        )

    def on_key(self, event: events.Key) -> None:
        """Leave it."""
        if event.key == "escape" or (event.key == "backspace" and not self.value):
            event.stop()
            event.prevent_default()
            self.post_message(self.Left())


class LogPane(Vertical):
    """What a screen shows of one log."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    LogPane .log-title { height: 1; display: none; color: $text-muted; padding: 0 1; }
    LogPane.-titled .log-title { display: block; }
    LogPane.-current .log-title { color: $text; text-style: bold; }
    """
    _said = ""
    """What was looked for last: the next search begins with it."""

    def __init__(
        self,
        source: LogSource,
        *,
        follow: bool = True,
        id: str | None = None,
        view: type[LogView] = LogView,
        title: str = "",
    ) -> None:
        super().__init__(id=id)
        self.view = view(source, follow=follow)
        self.title_line = Static(title, classes="log-title", markup=False)
        self._status = LogStatus()

    def compose(self) -> ComposeResult:
        """The log and its status."""
        yield self.title_line
        yield self.view
        yield self._status

    def step_out(self) -> bool:
        """End the search that stands; whether there was one."""
        if not self.view.searching:
            return False
        self.view.stop_searching()
        return True

    def on_log_window_changed(self, message: LogView.Changed) -> None:
        """Say how it stands."""
        message.stop()
        self._status.say(message.status)

    async def on_log_view_asked(self, message: LogView.Asked) -> None:
        """Type what to look for in place of the status."""
        message.stop()
        if not self.query(SearchLine):
            line = SearchLine(self._said)
            self._status.display = False
            await self.mount(line)
            line.focus()

    async def on_input_submitted(self, message: Input.Submitted) -> None:
        """Look for it; nothing typed ends a search."""
        message.stop()
        said = message.value
        self._said = said
        await self._close()
        if not said:
            self.view.stop_searching()
            return
        try:
            self.view.search(said)
        except UsageError as problem:
            self.app.notify(problem.message, severity="warning", markup=False)

    async def on_search_line_left(self, message: SearchLine.Left) -> None:
        """Back to the log; a search that stands goes on."""
        message.stop()
        await self._close()

    async def _close(self) -> None:
        await self.query(SearchLine).remove()
        self._status.display = True
        self.view.focus()
