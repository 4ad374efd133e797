"""The page that compares runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.compare.code import CompareCode
from workbench.tui.screens.compare.differences import Differences


class ComparePage(TabbedPage):
    """Two to twenty runs; the location names them under `compare`."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "compare")
    TABS = (("differences", "Differences"), ("code", "Code"))

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.everything = False

    @property
    def runs(self) -> list[str]:
        """The runs as the location names them."""
        return [run for run in self.location.options.get("compare", "").split(",") if run]

    @property
    def title(self) -> str:
        """How many are compared."""
        return f"{len(self.runs)} runs compared"

    @property
    def aside(self) -> str:
        """What is shown."""
        return "everything" if self.everything else "only what differs"

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        return CompareCode(self.runs) if tab == "code" else Differences(self.runs)

    @property
    def found(self) -> Mapping[str, Any] | None:
        """What `runs.compare` said last."""
        differences = next(iter(self.query(Differences)), None)
        return differences.found if differences is not None else None

    def command_line(self) -> str:
        """The command that does the same."""
        found = self.found
        named = [run["name"] for run in found["runs"]] if found is not None else self.runs
        names = [shlex.quote(name) for name in named]
        if self.tab == "code":
            seen = self.seen
            pair = seen.pair() if isinstance(seen, CompareCode) else (self.runs[0], self.runs[-1])
            by_id = dict(zip(self.runs, names, strict=False))
            return f"wb run diff {' '.join(by_id.get(run, run) for run in pair)}"
        return f"wb run compare {' '.join(names)}{' --all' if self.everything else ''}"

    async def on_differences_code_wanted(self) -> None:
        """Show how the code differs."""
        self.app.run_worker(self.choose("code"), name="tab", group="arrive", exit_on_error=True)

    async def do_compare_all(self) -> None:
        """Show what is the same, too, or only what differs."""
        self.everything = not self.everything
        for differences in self.query(Differences):
            await differences.ask(self.everything)
        self.dashboard.say_aside()

    def do_compare_baseline(self) -> None:
        """Choose the run that the others are held against; of two, the other one."""
        from workbench.tui.dialogs.pick import Choice, Pick

        runs = self.runs
        if len(runs) == 2:
            self._hold_against(runs[1])
            return
        found = self.found
        names = {run["id"]: clean_name(run["name"]) for run in (found["runs"] if found is not None else ())}
        choices = [Choice(run, names.get(run, run), "is it now" if run == runs[0] else "") for run in runs]
        self.app.push_screen(Pick("hold the others against", choices, do="choose"), self._hold_against)

    def _hold_against(self, run: str | None) -> None:
        if run is None or run == self.runs[0]:
            return
        runs = [run, *(other for other in self.runs if other != run)]
        self.moved(self.location._replace(options={**self.location.options, "compare": ",".join(runs)}))

        async def work() -> None:
            for code in self.query(CompareCode):
                await code.remove()
            for differences in self.query(Differences):
                await differences.baseline(run)
            if self.tab == "code":
                await self.choose("code")

        self.run_worker(work(), exclusive=True, group="baseline", exit_on_error=True)

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())
