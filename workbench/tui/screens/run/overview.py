"""A run's overview: the page the command line prints, in the theme's colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from math import nan
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text

from workbench.text.numbers import number
from workbench.text.sparkline import sparkline, trace
from workbench.text.style import Look, pieces
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import palette_of
from workbench.views.run_page import page

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

TREND = 24
"""Cells of a metric's course."""
MOST = 40
"""Metrics that get one: each asks the store."""
AGAIN = 2.0
"""Seconds between two looks at the courses."""
OLDER = 5.0
"""Seconds after which ages move."""


class RunOverview(Reading):
    """What became of it, how it was started, what it measured, whence it came."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        """known: the run as its page has it."""
        super().__init__()
        self._known = known
        self._run: Mapping[str, Any] | None = None
        self._trends: dict[str, str] = {}
        self._warnings: list[str] = []
        self._models: list[dict[str, Any]] = []
        self._looked = -AGAIN

    def on_mount(self) -> None:
        """Ages move."""
        self.set_interval(OLDER, self._say)

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    async def hear(self, dirty: Dirty) -> None:
        """Say what the page knows of the run, and ask how its metrics went."""
        services = cast("Dashboard", self.app).services
        run = self._run = self._known()
        if run is None:
            return
        self._say()
        if not (dirty.everything or dirty.runs) and monotonic() - self._looked < AGAIN:
            return  # points come many times a second
        self._looked = monotonic()
        for name in list(run.get("metrics") or {})[:MOST]:
            self._trends[name] = await self._trend(run["id"], name)
        if run.get("warnings"):
            self._warnings = await services.call("runs", "warnings", run=run["id"])
        self._models = await services.call("models", "versions", run=run["id"])
        self._say()

    async def _trend(self, run: str, name: str) -> str:
        services = cast("Dashboard", self.app).services
        buckets = await services.call("runs", "envelope", run=run, name=name, buckets=2 * TREND)
        values = [number(bucket.get("last")) for bucket in buckets]
        if len(values) < 2:
            return ""
        known = [nan if value is None else value for value in values]
        plain = palette_of(self.app).ascii
        return sparkline(known, TREND, ascii_only=True) if plain else trace(known, TREND)

    def _say(self) -> None:
        self._run = self._known()
        if self._run is not None and self.size.width:
            self.say(partial(self._coloured, self._run))

    def _coloured(self, run: Mapping[str, Any]) -> Text:
        palette = palette_of(self.app)
        look = Look(max(30, self.size.width - 3), True, palette.ascii)
        said = Text(no_wrap=True)
        now = datetime.now(UTC)
        lines = page(run, self._trends, self._warnings, now, look, self._models, titled=False)
        for line in lines:
            for text, role in pieces(line):
                said.append(text, palette.style(role or "text"))
            said.append("\n")
        return said
