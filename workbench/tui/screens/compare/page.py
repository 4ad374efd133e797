"""The page that compares runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from workbench.errors import NotFound
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.compare.code import CompareCode
from workbench.tui.screens.compare.differences import Differences


class ComparePage(TabbedPage):
    """Two to twenty runs: those the location names under `compare`, or those of a kept comparison."""

    PLACES: ClassVar[tuple[str, ...]] = ("tabs", "page", "compare")
    TABS = (("differences", "Differences"), ("code", "Code"), ("notes", "Notes"))

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.everything = False
        self.kept: Mapping[str, Any] | None = None
        """The comparison as it was saved."""
        self._runs = [run for run in location.options.get("compare", "").split(",") if run]

    @property
    def runs(self) -> list[str]:
        """The runs, the one first that the others are held against."""
        return self._runs

    @property
    def title(self) -> str:
        """How many are compared, or what the comparison is called."""
        return self.location.path[0] if self._kept_as is not None else f"{len(self.runs)} runs compared"

    @property
    def aside(self) -> str:
        """What is shown."""
        gone = len((self.kept or {}).get("gone") or ())
        shown = "everything" if self.everything else "only what differs"
        return f"{counted(gone, 'run')} no longer here   {shown}" if gone else shown

    @property
    def _kept_as(self) -> str | None:
        """The name of the comparison, where the place is one that was kept."""
        return self.location.path[0] if self.location.noun == "compare" else None

    def make(self, tab: str) -> Widget:
        """The widget of a tab."""
        if tab == "notes":
            from workbench.tui.screens.compare.notes import CompareNotes

            return CompareNotes(lambda: self.runs, lambda: self.kept)
        return CompareCode(lambda: self.runs) if tab == "code" else Differences(lambda: self.runs)

    async def hear(self, dirty: Dirty) -> None:
        """What was kept is asked for first."""
        if self._kept_as is not None and (dirty.everything or self._kept_as in dirty.comparisons):
            before = self.kept
            try:
                self.kept = await self.dashboard.services.call("comparisons", "get", name=self._kept_as)
            except NotFound as problem:
                self.app.notify(clean(problem.message, 300), severity="warning", markup=False)
            if before is None and self.kept is not None:
                self._runs = [run for run in self.kept["runs"] if run not in (self.kept.get("gone") or ())]
            self.dashboard.say_aside()
        await super().hear(dirty)

    def refusal(self, action: str) -> str | None:
        """A note belongs to a comparison that is kept."""
        if action == "compare.note" and self.kept is None:
            return "w keeps the comparison under a name first"
        if action == "page.filter" and self.tab != "differences":
            return "names are looked for among the differences"
        if action.startswith("compare.") and len(self.runs) < 2:
            return "there are no runs to compare"
        return super().refusal(action)

    @property
    def found(self) -> Mapping[str, Any] | None:
        """What `runs.compare` said last."""
        differences = next(iter(self.query(Differences)), None)
        return differences.found if differences is not None else None

    def command_line(self) -> str:
        """The command that does the same."""
        found = self.found
        named = [run["name"] for run in found["runs"]] if found is not None else self.runs
        if not named:
            return super().command_line()
        names = [shlex.quote(name) for name in named]
        if self.tab == "code":
            seen = self.seen
            pair = seen.pair() if isinstance(seen, CompareCode) else (self.runs[0], self.runs[-1])
            by_id = dict(zip(self.runs, names, strict=False))
            return f"wb run diff {' '.join(by_id.get(run, run) for run in pair)}"
        if self.tab == "notes" and self.kept is not None:
            return f"wb run comparisons {self.kept['name']} --note"
        return f"wb run compare {' '.join(names)}{' --all' if self.everything else ''}"

    async def on_differences_code_wanted(self) -> None:
        """Show how the code differs."""
        self.app.run_worker(self.choose("code"), name="tab", group="arrive", exit_on_error=True)

    async def do_compare_plot(self) -> None:
        """Draw the runs as dots."""
        from workbench.tui.screens.scatter.page import place

        path = self.location.path if self.location.noun == "runs" else ()
        await self.dashboard.visit(place(Location("runs", path), self.runs))

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
        self.app.push_screen(Pick("Hold the others against", choices, do="choose"), self._hold_against)

    def _hold_against(self, run: str | None) -> None:
        if run is None or run == self.runs[0]:
            return
        self._runs = [run, *(other for other in self.runs if other != run)]
        if self._kept_as is None:
            self.moved(
                self.location._replace(options={**self.location.options, "compare": ",".join(self._runs)})
            )

        async def work() -> None:
            for code in self.query(CompareCode):
                await code.remove()
            for differences in self.query(Differences):
                await differences.held_against()
            if self.tab == "code":
                await self.choose("code")

        self.run_worker(work(), exclusive=True, group="baseline", exit_on_error=True)

    def do_compare_report(self) -> None:
        """Write it down for who has no dashboard."""
        from workbench.tui.screens.runs.handing_on import report

        named = [self._kept_as] if self._kept_as is not None else self.runs
        title = self._kept_as or "comparison"
        self.app.run_worker(report(self.dashboard, named, title), group="report", exit_on_error=True)

    async def do_page_filter(self) -> None:
        """Show only what is called like the words one types: a run may have thousands of metrics."""
        from workbench.tui.frame.prompt import ask

        differences = self.query_one(Differences)
        said = differences.narrow
        await ask(self.dashboard, "/", said, value=differences.words, changed=said, hint="part of a name")

    async def do_compare_save(self) -> None:
        """Keep it under a name; the order of the runs, too, where it has one."""
        from workbench.tui.screens.compare.keeping import keep

        async def work() -> None:
            kept = await keep(self.dashboard, self.runs, self._kept_as)
            if kept is not None and self._kept_as is None:
                await self.dashboard.visit(Location("compare", (kept["name"],)))

        self.app.run_worker(work(), group="doing", exit_on_error=True)

    async def do_compare_note(self) -> None:
        """Write what there is to say about it."""
        from workbench.tui.screens.compare.keeping import note

        if self.kept is not None:
            await note(self.dashboard, self.kept)

    def step_out(self) -> bool:
        """What is open in the tab closes first."""
        close = getattr(self.seen, "step_out", None)
        return bool(close is not None and close())
