"""What is said in passing: toasts, of which none is repeated while it is still there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.notifications import Notify
from textual.worker import WorkerFailed

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean, clean_name
from workbench.tui.model.calling import Call

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel as Severity

LONGEST = 1000
"""Characters of what is said in passing."""


class Saying(App[int]):
    """An app that says things in passing; they never stand in the way."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say something; never read as markup, since most of it came from elsewhere."""
        words = clean(message, LONGEST)
        super().notify(words, title=title, severity=severity, timeout=timeout, markup=False)

    def on_notify(self, event: Notify) -> None:
        """What is still there is not said again."""
        new = event.notification
        shown = ((item.message, item.title, item.severity) for item in self._notifications)
        if (new.message, new.title, new.severity) in shown:
            event.prevent_default()

    def complain(self, problem: WorkbenchError) -> None:
        """Show an error with its hint."""
        hint = f"\n{clean_name(problem.hint, 200)}" if problem.hint else ""
        self.notify(clean_name(problem.message, 300) + hint, severity="error", timeout=8)

    def call_out(self, calls: Sequence[Call], *, ring: bool) -> None:
        """Say what calls, and ring once where that is wanted."""
        for call in calls:
            self.notify(call.text, title=call.title, severity=cast("Severity", call.severity), timeout=10)
        if calls and ring:
            self.bell()

    def _handle_exception(self, error: Exception) -> None:
        """What was refused and nobody took is told; only a fault of ours ends the dashboard."""
        problem = error.error if isinstance(error, WorkerFailed) else error
        if isinstance(problem, WorkbenchError):
            self.complain(problem)
        else:
            super()._handle_exception(error)
