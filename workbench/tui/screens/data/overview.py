"""What there is to say of a version, and how one uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from workbench.errors import WorkbenchError
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.painted import look_of, painted
from workbench.views.data import version_lines

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class DatasetOverview(Reading):
    """The text; caches are in it once their machines have answered."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._known = known
        self._copies: Sequence[Mapping[str, Any]] = ()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    async def hear(self, dirty: Dirty) -> None:
        """It was described, tagged, located, looked at."""
        self._say()
        self.run_worker(self._ask(), exclusive=True, group="caches", exit_on_error=True)

    async def _ask(self) -> None:
        """Which machines' caches hold it, beside the page: one that does not answer takes seconds."""
        version, dashboard = self._known(), cast("Dashboard", self.app)
        if version is None:
            return
        dataset = f"{version['name']}:{version['version']}"
        try:
            self._copies = await dashboard.services.call("datasets", "cached", dataset=dataset)
        except WorkbenchError as problem:
            dashboard.complain(problem)
            return
        self._say()

    def _say(self) -> None:
        version = self._known()
        if version is not None and self.size.width:
            lines = version_lines(version, datetime.now(UTC), look_of(self), self._copies)
            self.say(partial(painted, self, lines))
