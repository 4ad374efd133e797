"""A run's log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from textual.containers import Vertical

from workbench.tui.leaving import run_outside
from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.run_source import RunLog
from workbench.tui.logs.view import LogView
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

PIPE = '"$0" -P -m workbench.cli.main logs "$1" | ${PAGER:-less -R}'
"""What sh runs, with our Python and the run."""


class RunLogs(Vertical):
    """The log view, once the run's id is known."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._opening = False

    async def hear(self, dirty: Dirty) -> None:
        """The log itself follows; all that is wanted here is the id."""
        if not self._opening:
            services = cast("Dashboard", self.app).services
            run = await services.call("runs", "get", run=self._reference)
            self._opening = True
            pane = LogPane(RunLog(services, run["id"]))
            await self.mount(pane)
            pane.view.focus()

    @property
    def chosen_line(self) -> str | None:
        """The line one stands on; None where there is none."""
        view = next(iter(self.query(LogView)), None)
        return view.chosen_line if view is not None else None

    def step_out(self) -> bool:
        """End a search that stands."""
        pane = next(iter(self.query(LogPane)), None)
        return pane is not None and pane.step_out()

    def on_log_view_pager_wanted(self, message: LogView.PagerWanted) -> None:
        """The log as the command line prints it, into the pager: no copy of it is made."""
        message.stop()
        run_outside(self.app, ["/bin/sh", "-c", PIPE, sys.executable, self._reference])
