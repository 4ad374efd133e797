"""A run's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Vertical

from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.run_source import RunLog
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class RunLogs(Vertical):
    """The log view, once the run's id is known."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._opening = False

    async def hear(self, dirty: Dirty) -> None:
        """The log itself follows; all that is wanted here is the id."""
        if not self._opening:
            self._opening = True
            services = cast("Dashboard", self.app).services
            run = await services.call("runs", "get", run=self._reference)
            pane = LogPane(RunLog(services, run["id"]))
            await self.mount(pane)
            pane.view.focus()
