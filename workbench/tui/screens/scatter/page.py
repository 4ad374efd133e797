"""The page of runs as dots: those of a list, or those that are marked or compared."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text import scatter as drawing
from workbench.text.filter_problem import FilterProblem
from workbench.text.location import Location
from workbench.text.plot_svg import Frame
from workbench.text.sanitize import clean_name
from workbench.tui.chart import saving
from workbench.tui.chart.feed import Feed
from workbench.tui.frame.prompt import ask
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.page import Page
from workbench.tui.screens.runs import filters
from workbench.tui.screens.scatter.view import NOTHING, ScatterView
from workbench.tui.themes.palette import palette_of
from workbench.views import run_axes
from workbench.views import scatter as view

ALL = "all"
"""The option `plot` of a location where all runs of its filter are meant; else it is their ids."""
PAGE, MOST = 1000, 5000
"""Runs one call asks for, and the newest ones that are drawn."""


GUESSED = 30
"""Params among which the one that differs is looked for."""


def place(location: Location, runs: Sequence[str] = ()) -> Location:
    """Where the runs of a list, or some of them, are drawn."""
    kept = {key: value for key, value in location.options.items() if key in filters.KEYS}
    return Location("runs", location.path[:1], {**kept, "plot": ",".join(runs) or ALL})


class ScatterPage(Page):
    """Dots of runs; the location's options x and y say what is on the axes."""

    PLACES: ClassVar[tuple[str, ...]] = ("scatter",)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._rows: list[Mapping[str, Any]] = []
        self._names: Mapping[str, Sequence[str]] = {}
        self._total: int | None = 0
        self._feed = Feed(self, self._ask)

    def compose(self) -> ComposeResult:
        """The dots."""
        yield ScatterView()

    @property
    def dots(self) -> ScatterView:
        """The dots."""
        return self.query_one(ScatterView)

    @property
    def aside(self) -> str:
        """The filter, and how many runs there are."""
        words = filters.write(self.location.options)
        shown = len(self._rows)
        total = f"{shown:,}+" if self._total is None else f"{self._total:,}"
        few = f"the newest {shown:,} of {total} runs" if self._total is None or self._total > shown else ""
        return "   ".join(part for part in (f"/ {words}" if words else "", few) if part)

    async def hear(self, dirty: Dirty) -> None:
        """Ask at once when one comes here, and again when a run changed: seldom where that takes long."""
        if dirty.everything:
            await self._ask()
        elif dirty.listed or dirty.touched([row["id"] for row in self._rows]):
            self._feed.news()

    async def _ask(self) -> None:
        """Ask for the runs, and draw them."""
        x, y = (self.location.options.get(axis) for axis in ("x", "y"))
        try:
            if not (x and y):
                names = await self.dashboard.services.call("runs", "columns", experiment=self._experiment)
                self._names = names
                known = [f"param:{name}" for name in (names.get("params") or ())[:GUESSED]]
                guessed = view.axes(await self._fetch(known, PAGE))
                x = x or guessed[0] or ""
                y = (
                    y
                    or guessed[1]
                    or next((f"metric:{name}" for name in self._names.get("metrics") or ()), "loss")
                )
                chosen = {"x": x, "y": y} if x else {"y": y}
                self.moved(self.location._replace(options={**self.location.options, **chosen}))
            if not x:
                self.dots.show(NOTHING, "no param differs among these runs; i says what x is")
                return
            self._rows = await self._fetch(run_axes.columns(x, y), MOST)
        except (WorkbenchError, FilterProblem) as problem:
            said = problem.message if isinstance(problem, WorkbenchError) else problem.said
            self.dots.show(self.dots.scatter._replace(dots=()), clean_name(said))
            return
        now = self.dots.scatter
        found = view.scatter(self._rows, x, y)
        found = found._replace(log_x=now.log_x and not found.places, log_y=now.log_y)
        self.dots.show(found, f"no run here has both {found.x_label} and a finite {found.y_label}")
        self.dashboard.say_aside()
        await self._count()

    async def _count(self) -> None:
        """How many runs fit, where the pages did not tell: the dots do not wait for it."""
        if self._total is not None:
            return
        try:
            found = await self.dashboard.services.call("runs", "count", **self._asked())
        except WorkbenchError as problem:
            self.app.notify(clean_name(problem.message), severity="warning", markup=False)
            return
        self._total = found["count"]
        self.dashboard.say_aside()

    @property
    def _experiment(self) -> str | None:
        return self.location.path[0] if self.location.path else None

    async def _fetch(self, columns: list[str], most: int) -> list[Mapping[str, Any]]:
        """The rows, a page after the other. Raises WorkbenchError, FilterProblem."""
        chosen = self.location.options.get("plot", ALL)
        asked = self._asked() if chosen == ALL else {"ids": chosen.split(","), "archived": None}
        asked["columns"] = columns
        found: list[Mapping[str, Any]] = []
        while len(found) < most:
            page = await self.dashboard.services.call("runs", "table", offset=len(found), limit=PAGE, **asked)
            found += page["rows"]
            last = len(page["rows"]) < PAGE
            self._total = len(found) if last or chosen != ALL else page.get("total")
            if last:
                break
        return found

    def _asked(self) -> dict[str, Any]:
        """Which runs are drawn where all that fit are meant. Raises FilterProblem."""
        return {"experiment": self._experiment, **dict(filters.parameters(self.location.options))}

    @on(ScatterView.Opened)
    async def _opened(self, event: ScatterView.Opened) -> None:
        event.stop()
        row = next((row for row in self._rows if row["id"] == event.key), None)
        if row is not None:
            await self.dashboard.visit(Location("runs", (row["experiment"], row["id"])))

    async def do_scatter_x_axis(self) -> None:
        """Ask what stands on the x axis."""
        await self._ask_axis("x")

    async def do_scatter_y_axis(self) -> None:
        """Ask what stands on the y axis."""
        await self._ask_axis("y")

    async def _ask_axis(self, axis: str) -> None:
        names = await self.dashboard.services.call("runs", "columns", experiment=self._experiment)
        kinds = {"params": "param", "metrics": "metric", "tags": "tag"}
        full = [
            f"{kinds[kind]}:{name}" for kind, several in names.items() if kind in kinds for name in several
        ]
        short = [name for kind in ("params", "metrics") for name in names.get(kind) or ()]

        async def done(said: str) -> None:
            if said.strip():
                self.moved(self.location._replace(options={**self.location.options, axis: said.strip()}))
                await self._ask()

        hint = "a param or a metric: lr, loss, best:acc, tag:team"
        await ask(self.dashboard, f"{axis} axis", done, words=[*short, *full], hint=hint)

    async def do_scatter_save(self) -> None:
        """Write the picture to a file of this side."""
        found, view_ = self.dots.scatter, self.dots

        def written(kind: str) -> str:
            if kind == saving.CSV:
                return saving.as_csv(drawing.values(found))
            title = f"{found.y_label} over {found.x_label}"
            frame = Frame(title=title, log_x=found.log_x, log_y=found.log_y)
            return drawing.picture(found, frame, saving.colours_of(palette_of(self.app), view_.rich_style))

        await saving.ask_name(self.dashboard, f"{found.y_label}-over-{found.x_label}", written)

    def chosen_id(self) -> str | None:
        """The run that is looked at."""
        return self.dots.chosen

    def command_line(self) -> str:
        """The command that draws the same."""
        options = self.location.options
        words = ["wb", "run", "plot", "--x", options.get("x", ""), "--y", options.get("y", "")]
        words += ["-e", self._experiment] if self._experiment else []
        chosen = options.get("plot", ALL)
        words += [filters.write(options)] if filters.write(options) else []
        words += [] if chosen == ALL else [" or ".join(f"id={run}" for run in chosen.split(","))]
        return " ".join(shlex.quote(word) for word in words)
