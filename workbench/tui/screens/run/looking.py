"""A tab of a run that looks at once when it is opened, and at most so often when there is news."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.tui.actions.acting import Acting
from workbench.tui.chart.feed import Feed
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class LookingTab(Acting, Vertical):
    """What such tabs share; run: its reference. A tab says in `look` what it asks."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._looks = Feed(self, self._look_again)

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    async def look(self) -> None:
        """Ask what there is, and show it. Raises WorkbenchError."""
        raise NotImplementedError

    async def hear(self, dirty: Dirty) -> None:
        """What is new, at once when the tab is opened."""
        if dirty.everything:
            await self.look()
        else:
            self._looks.news()

    async def _look_again(self) -> None:
        """As `look`, not at each value that is logged: a run may have thousands of metrics."""
        try:
            await self.look()
        except WorkbenchError as problem:
            self.dashboard.complain(problem)
