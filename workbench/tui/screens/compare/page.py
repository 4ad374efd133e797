"""The page that compares runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from workbench.text.location import Location
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
            return f"wb run diff {' '.join(names[:2])}"
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

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())
