"""A run's page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from workbench.errors import NotFound, WorkbenchError
from workbench.text.location import Location
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.run.head import RunHead
from workbench.tui.screens.runs.acting import RunActions
from workbench.views import runs as look

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]+")
QUIET = 2.5
"""Seconds between two looks whether the run was silent."""
COMMANDS = {"overview": "show", "values": "metrics"}
"""The command of a tab, where it is not called as the tab is."""


class RunPage(RunActions, TabbedPage):
    """One run; the location names it by id, or by name at first."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "runs")
    LACKS = frozenset({"runs.compare", "runs.children"})
    TABS = (
        ("overview", "Overview"),
        ("logs", "Logs"),
        ("metrics", "Metrics"),
        ("values", "Values"),
        ("files", "Files"),
        ("snapshot", "Snapshot"),
        ("children", "Children"),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.run_: Mapping[str, Any] | None = None

    def head(self) -> ComposeResult:
        """The run in a line."""
        yield RunHead()

    @property
    def reference(self) -> str:
        """The run as the location names it."""
        return self.location.path[1]

    @property
    def title(self) -> str:
        """Its name."""
        return str(self.run_["name"]) if self.run_ is not None else ""

    @property
    def at_experiment(self) -> str | None:
        """Where a new run from here belongs."""
        return self.location.path[0]

    def make(self, tab: str) -> Widget:
        """The widget of a tab; its module is imported when the tab is looked at."""
        if tab == "logs":
            from workbench.tui.screens.run.logs import RunLogs

            return RunLogs(self.reference)
        if tab == "metrics":
            from workbench.tui.screens.run.metrics import RunMetrics

            return RunMetrics(self.reference)
        if tab == "values":
            from workbench.tui.screens.run.values import RunValues

            return RunValues(self.reference)
        if tab == "files":
            from workbench.tui.screens.run.files import RunFiles

            return RunFiles(self.reference)
        if tab == "snapshot":
            from workbench.tui.screens.run.snapshot import RunSnapshot

            return RunSnapshot(self.reference)
        if tab == "children":
            from workbench.tui.screens.run.children import RunChildren

            return RunChildren(lambda: self.run_)
        from workbench.tui.screens.run.overview import RunOverview

        return RunOverview(lambda: self.run_)

    def on_mount(self) -> None:
        """A run that says nothing is asked for now and then: its machine may be heard all the same."""
        self.set_interval(QUIET, self._ask_of_silent)

    def _ask_of_silent(self) -> None:
        run = self.run_
        if run is not None and self.is_on_screen and look.is_older(run, look.LOOK_AGAIN, datetime.now(UTC)):
            self.run_worker(self._again(), name="silent", group="silent", exclusive=True, exit_on_error=True)

    async def _again(self) -> None:
        with suppress(WorkbenchError):  # the header tells of a server that is gone, the next news of the rest
            await self._get()

    async def _get(self) -> None:
        self.run_ = await self.dashboard.services.call(
            "runs", "get", run=self.reference, experiment=self.at_experiment
        )
        self.query_one(RunHead).run_ = self.run_

    async def hear(self, dirty: Dirty) -> None:
        """The head hears of the run, then the tab that is seen."""
        if self._concerns(dirty):
            try:
                await self._get()
            except NotFound as problem:
                self.query_one(RunHead).say(in_words(problem))
                return
            await super().hear(dirty)

    def _concerns(self, dirty: Dirty) -> bool:
        known = self.run_["id"] if self.run_ is not None else None
        return dirty.everything or known is None or bool(dirty.touched([known]))

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """This one; among its children the one under the cursor."""
        below = getattr(self.seen, "listing", None)
        if below is not None and (rows := below.chosen()):
            return list(rows)
        return [self.run_] if self.run_ is not None else []

    def chosen_id(self) -> str | None:
        """Its id; the line one stands on in its log."""
        line: str | None = getattr(self.seen, "chosen_line", None)
        if line is not None:
            return line
        return str(self.run_["id"]) if self.run_ is not None else None

    @property
    def environment(self) -> str | None:
        """The one it ran in, where it has a name here."""
        said = str((self.run_ or {}).get("environment") or "")
        return said if VERSION.fullmatch(said) else None

    def shell(self) -> tuple[list[str], str] | None:
        """In the run's folder on its machine."""
        return None if self.run_ is None else (["run", "shell", self.run_["id"]], str(self.run_["name"]))

    def command_line(self) -> str:
        """The command that shows the tab."""
        name = self.run_["name"] if self.run_ is not None else self.reference
        return f"wb run {COMMANDS.get(self.tab, self.tab)} {shlex.quote(name)}"

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        seen = self.seen
        close = getattr(seen, "step_out", None)
        return bool(close is not None and close())
