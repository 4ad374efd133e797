"""The runs page: all experiments as groups, or the runs of one; a filter; what one does with runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult

from workbench.text.filter_problem import FilterProblem
from workbench.text.location import Location
from workbench.tui.frame.prompt import Prompt, none_fits
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.run_list import RunQuery
from workbench.tui.screens.runs import filters
from workbench.tui.screens.runs.acting import RunActions
from workbench.tui.screens.runs.grouping import NONE, ask_group
from workbench.tui.screens.runs.listing import RunListing

if TYPE_CHECKING:
    from workbench.tui.screens.runs.proposing import FilterSuggester

EMPTY = "No run here yet.   R sends a directory's command to a machine."


class RunsPage(RunActions):
    """The list of runs, of one experiment or of all."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "runs", "views")
    _asked = False
    """Whether the list was asked for by the location's filter."""
    _worn: str | None = None
    """The saved view whose order and columns the list has."""
    _suggester: FilterSuggester | None = None
    _prompt: Prompt | None = None
    """The line a filter is typed into, the last there was."""
    _left: str | None = None
    """The run that was left for this list, which was not here yet then."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.listing = RunListing(empty=EMPTY, memory=f"runs/{self.at_experiment or ''}")

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.listing

    @property
    def at_experiment(self) -> str | None:
        """The experiment the page is about; None for all."""
        return self.location.path[0] if self.location.path else None

    @property
    def aside(self) -> str:
        """The filter, and how many runs there are."""
        words = filters.write(self.location.options)
        group = self.location.options.get("group", "")
        parts = (f"/ {words}" if words else "", f"by {group}" if group else "", self.listing.count)
        return "   ".join(part for part in parts if part)

    async def show(self, location: Location) -> None:
        """Other filters are another list."""
        before = (self.location.path, dict(self.location.options))
        await super().show(location)
        if before != (location.path, dict(location.options)):
            self._asked = False
            self.missed_everything()

    async def hear(self, dirty: Dirty) -> None:
        """The list hears; where there is nothing at all, the welcome does."""
        await self._listen(dirty)
        filtered = self.at_experiment is not None or bool(self.listing.runs.query.filters)
        if self.listing.runs.ids or filtered or self.dashboard.guided:
            await self._welcome(False)
        elif dirty.everything or dirty.targets:
            found = await self.dashboard.services.call("compute", "list")
            alone = all(target["kind"] == "local" for target in found)
            await self._welcome(alone or bool(self.query("Welcome")))
            for welcome in self.query("Welcome"):
                await welcome.hear(dirty)  # type: ignore[attr-defined]

    async def _welcome(self, wanted: bool) -> None:
        there = self.query("Welcome")
        if wanted and not there:
            from workbench.tui.screens.first_run.welcome import Welcome

            welcome = Welcome()
            await self.mount(welcome)
            self.listing.display = False
            welcome.table.focus()
        elif there and not wanted:
            await there.remove()
            self.listing.display = True
            self.listing.table.focus()

    async def _listen(self, dirty: Dirty) -> None:
        if self._asked:
            await self.listing.hear(dirty)
        else:
            await self._wear(self.location.options.get("view"))
            await self.listing.show(self._query())
            self._asked = True
            self._find_left()
            self._left = None

    def _query(self) -> RunQuery:
        words = filters.write(self.location.options)
        self.listing.empty = none_fits("No run", words) or EMPTY
        try:
            return filters.query(self.location)
        except FilterProblem as problem:
            self.dashboard.notify(problem.said, severity="warning", markup=False)
            return filters.query(self.location._replace(options={}))

    def left_behind(self, inside: Location) -> None:
        """The cursor goes to the run one comes from, at once or when the list is here."""
        self._left = next(iter(inside.path[1:]), None)
        self._find_left()

    def _find_left(self) -> None:
        if self._left is not None and self.listing.table.go_to(self._left):
            self._left = None

    @property
    def narrowed(self) -> bool:
        """Marks, a filter or groups of the user's own."""
        own = {*filters.KEYS, "group"} & self.location.options.keys()
        return bool(self.listing.table.marked or own)

    def step_out(self) -> bool:
        """First marks go, then the filter."""
        if self.listing.table.marked:
            self.listing.table.unmark()
            return True
        if any(key in self.location.options for key in filters.KEYS):
            rest = {key: value for key, value in self.location.options.items() if key not in filters.KEYS}
            self.run_worker(self._filtered(rest), name="filter", exclusive=True, group="filter")
            return True
        if "group" in self.location.options:
            self.run_worker(self._filtered({}), name="filter", exclusive=True, group="filter")
            return True
        return False

    async def do_page_filter(self) -> None:
        """Narrow the list while one types."""
        from workbench.tui.frame.prompt import ask
        from workbench.tui.screens.runs.proposing import FilterSuggester

        value = filters.write(self.location.options)
        hint = "part of a name; loss<0.1 lr>1e-4; status=failed; created>-7d; @gpu1"
        self._prompt = await ask(
            self.dashboard,
            "/",
            self._typed,
            value=value,
            changed=self._typing,
            hint=hint,
            check=filters.problem,
        )
        suggester = self._suggester = FilterSuggester(self.listing.names)
        self._prompt.suggester = suggester

    async def _typing(self, text: str) -> None:
        settled = self._suggester.settled(text) if self._suggester is not None else text
        # A list that went empty at each name one types, until it is compared, would be no help.
        await self._typed(settled if filters.problem(settled) is None else text)

    async def _typed(self, text: str) -> None:
        if filters.problem(text) is not None:
            return  # the list stays; what is typed next decides
        await self._filtered({**self._group(), **filters.read(text)})
        if text.strip() and not self.listing.runs.ids:
            asked = {"filter": text, "experiment": self.at_experiment}
            found = await self.dashboard.services.call("runs", "check_filter", **asked)
            for item in found["unknown"][:1]:
                unknown = FilterProblem(item["message"], item["start"], item["stop"], item["hint"])
                if self._prompt is not None and self._prompt.value == text:
                    self._prompt.point(unknown)

    def _group(self) -> dict[str, str]:
        """The option that says what runs stand under."""
        return {key: value for key, value in self.location.options.items() if key == "group"}

    async def do_views_group(self) -> None:
        """Ask what runs stand under, and have it so."""
        names = self.listing.names
        chosen = await ask_group(self.dashboard, names, self.location.options.get("group"))
        if chosen is not None:
            rest = {key: value for key, value in self.location.options.items() if key in filters.KEYS}
            await self._filtered(rest if chosen == NONE else {**rest, "group": chosen})

    async def do_views_plot(self) -> None:
        """Draw the marked runs, or all that fit, as dots."""
        from workbench.tui.screens.scatter.page import place

        marked = [str(run) for run in self.listing.table.marked]
        if len(marked) > 1000:
            self.app.notify("at most 1000 marked runs are drawn; a filter draws more", severity="warning")
        else:
            await self.dashboard.visit(place(self.location, marked))

    async def do_views_open(self) -> None:
        """Ask for a view, and show it; or keep what is seen."""
        from workbench.tui.screens.runs import viewing

        chosen = await viewing.ask_view(self.dashboard)
        if chosen == viewing.SAVE:
            query, options = self.listing.runs.query, self.location.options
            await viewing.save(
                self.dashboard,
                {
                    "filter": filters.write(options) or None,
                    "experiment": self.at_experiment,
                    "sort": query.sort,
                    "descending": query.descending,
                    "group": options.get("group"),
                    "columns": list(self.listing.table.choice or ()) or None,
                },
            )
        elif chosen == viewing.FORGET:
            await viewing.forget(self.dashboard)
        elif chosen is not None:
            view = await self.dashboard.services.call("views", "get", name=chosen)
            await self.dashboard.visit(viewing.location_of(view))

    async def _wear(self, name: str | None) -> None:
        """Take order and columns from the saved view that the location names."""
        if name is None or name == self._worn:
            self._worn = name
            return
        view = await self.dashboard.services.call("views", "get", name=name)
        query = self.listing.runs.query
        self.listing.runs.query = query._replace(
            sort=view.get("sort") or "created", descending=view.get("descending")
        )
        self.listing.wear(view.get("columns"))
        self._worn = name

    async def _filtered(self, options: Mapping[str, str]) -> None:
        location = self.location._replace(options=dict(options))
        if location != self.location:
            await self.show(location)
            self.moved(location)
        await self.dashboard.fill(self)

    async def gathered_runs(self) -> list[Mapping[str, Any]]:
        """The marked ones, wherever they are in the list."""
        return await self.listing.gathered()

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The marked runs, else the one under the cursor."""
        return self.listing.chosen()

    async def unfold(self, run: str) -> None:
        """Show the children of a run behind it, or hide them."""
        await self.listing.unfold(run)

    def chosen_id(self) -> str | None:
        """The run under the cursor."""
        return self.listing.table.cursor
