"""The runs below a run, as a list of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.entities.experiment import Goal
from workbench.text.filter_format import written_value
from workbench.tui.actions.acting import Acting
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_list import RunQuery
from workbench.tui.screens.runs import doing
from workbench.tui.screens.runs.listing import RunListing
from workbench.views.runs import Judge

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

EMPTY = "No runs below it.   run.child_run() in its script makes some; wb submit --parent submits one."


class RunChildren(Acting, Vertical):
    """The children of a run, the first made first; those of theirs unfold."""

    PLACES: ClassVar[tuple[str, ...]] = ("children",)

    def __init__(self, run: Callable[[], Mapping[str, Any] | None]) -> None:
        """run: says which run, once that is known."""
        super().__init__()
        self._run = run
        self.listing = RunListing(empty=EMPTY, memory="children")

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.listing

    async def hear(self, dirty: Dirty) -> None:
        """The list hears; another child is looked for."""
        run = self._run()
        if run is None:
            return
        again = run["id"] in dirty.parents
        if dirty.everything or again or (self.listing.own is None and dirty.measured | dirty.runs):
            await self._judge(str(run["id"]))
        if not self.listing.runs.loaded:
            self.listing.runs.query = RunQuery(descending=False)
            query = RunQuery(None, (("filter", f"parent={written_value(run['id'])}"),))
            await self.listing.show(query)
        else:
            await self.listing.hear(Dirty(everything=True) if again else dirty)

    async def _judge(self, run: str) -> None:
        """Ask what the children can be judged by: they need not log what their experiment is judged by."""
        told = await cast("Dashboard", self.app).services.call("runs", "children_metric", run=run)
        maximize = told["goal"] == Goal.MAXIMIZE.value
        own = Judge(str(told["metric"]), maximize) if told["metric"] is not None else None
        if own != self.listing.own:
            self.listing.own = own
            if self.listing.runs.loaded:
                await self.listing.show(self.listing.runs.query)

    def refusal(self, action: str) -> str | None:
        """Why it cannot be done with the rows there are."""
        if action == "children.compare":
            return doing.why_not("runs.compare", self._compared())
        return doing.why_not("runs.children", self.listing.chosen())

    def _compared(self) -> list[Mapping[str, Any]]:
        """The marked ones, else all."""
        if self.listing.table.marked:
            return self.listing.chosen()
        rows = (self.listing.runs.row(run) or {"id": run} for run in self.listing.runs.ids)
        return list(rows)

    async def do_children_compare(self) -> None:
        """Compare the marked ones, or all."""
        dashboard = cast("Dashboard", self.app)
        rows = await self.listing.gathered() if self.listing.table.marked else self._compared()
        run = self._run()
        if run is not None:
            await doing.compare(dashboard, [{"experiment": run["experiment"], **row} for row in rows])

    async def do_children_unfold(self) -> None:
        """Show the runs below the one under the cursor behind it, or fold them."""
        await self.listing.unfold(self.listing.chosen()[0]["id"])
