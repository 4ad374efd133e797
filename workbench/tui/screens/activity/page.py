"""The activity page: what is wrong with machines, what takes long, what went wrong, and who hears of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.tui.frame.prompt import none_fits
from workbench.tui.frame.words import Words
from workbench.tui.model.away import summary
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.activity import doing
from workbench.tui.screens.activity.room import room
from workbench.tui.screens.activity.rows import COLUMNS, Row, alert_key
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell, harmless
from workbench.tui.table.column_table import Table
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import palette_of

LIMIT = 500
OLDER = 10.0
"""Seconds between two looks at ages."""
EMPTY = "Nothing takes long, and nothing went wrong."
GROUPS = (
    ("alerts", "Alerts"),
    ("away", "While you were away"),
    ("activities", "Activities"),
    ("subscriptions", "Subscriptions"),
)


class ActivityPage(FilteredPage):
    """The lists of alerts, activities and subscriptions, one below the other."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "activity")
    HINT = "part of a name or a message"
    DEFAULT_CSS = """
    ActivityPage Table { height: 1fr; }
    ActivityPage #words { height: auto; max-height: 4; padding: 0 2; }
    """

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._parts: dict[str, dict[str, Row]] = {name: {} for name, _ in GROUPS}
        self._names: dict[str, Mapping[str, Any]] = {}
        self._heard = False
        self.table = Table(self, COLUMNS, frozen=2, empty="...")
        self._words = Words(id="words")

    def compose(self) -> ComposeResult:
        """The table, and what its rows have no room for."""
        yield self.table
        yield self._words

    def on_mount(self) -> None:
        """Ages move."""
        self.set_interval(OLDER, self._grow_older)

    def _grow_older(self) -> None:
        if self.is_on_screen:
            self.table.grown_older()

    def row(self, key: str | None) -> Row | None:
        """The row of a key."""
        return next((rows[key] for rows in self._parts.values() if key in rows), None) if key else None

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells."""
        row = self.row(key)
        return None if row is None else row.cells(datetime.now(UTC), palette_of(self.app).ascii)

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    async def hear(self, dirty: Dirty) -> None:
        """What changed is asked for whole; so are the names of runs."""
        everything = dirty.everything
        if everything or dirty.alerts:
            found = await self.dashboard.services.call("alerts", "list")
            found.sort(key=lambda alert: alert.get("severity") != "bad")
            self._parts["alerts"] = {alert_key(alert): Row("alert", alert) for alert in found}
        if everything or dirty.subscriptions:
            found = await self.dashboard.services.call("subscriptions", "list")
            self._parts["subscriptions"] = {f"to {item['name']}": Row("subscription", item) for item in found}
        if everything or dirty.activities:
            await self._ask_activities(None if everything else dirty.activities)
        if everything or dirty.alerts or dirty.subscriptions or dirty.activities:
            self._heard = True
            self.fill()

    async def _ask_activities(self, changed: Collection[str] | None) -> None:
        """Those that go on, where nothing but they changed; else, and where None says so, all."""
        services = self.dashboard.services
        found = await services.call("activities", "list", limit=LIMIT, active=True) if changed else []
        kept = self._parts["activities"]
        if not changed or not set(changed) <= {item["id"] for item in found}:
            found, kept = await services.call("activities", "list", limit=LIMIT), {}
        runs = {item["subject"].rpartition("/")[2] for item in found if "/runs/" in item["subject"]}
        unknown = sorted(runs - self._names.keys())
        if unknown:
            rows = await services.call("runs", "table", ids=unknown, limit=LIMIT, archived=None, columns=[])
            self._names.update({row["id"]: row for row in rows["rows"]})
        told = {item["id"]: Row("activity", item, self._name_of(item)) for item in found}
        begun = {id: row for id, row in told.items() if id not in kept}  # the newest stand first
        self._parts["activities"] = {**begun, **kept, **told}

    def _name_of(self, item: Mapping[str, Any]) -> str:
        last = str(item["subject"]).rpartition("/")[2]
        return str(self._names[last]["name"]) if last in self._names else last

    def _away(self) -> dict[str, Row]:
        """What happened meanwhile and is not said above already."""
        away = self.dashboard.away
        rows = {f"run {run['id']}": Row("ended", run) for run in away.runs}
        for event in away.alerts:
            open_still = alert_key({**event["data"], "target": event["subject"].partition("/")[2]})
            if open_still not in self._parts["alerts"]:
                rows[f"was {event['sequence']}"] = Row("was", event)
        return rows

    def fill(self) -> None:
        """The rows that fit the filter, under their titles where there is more than one sort."""
        self._parts["away"] = {} if self.words else self._away()
        fit = {
            name: [key for key, row in rows.items() if self.fits(row.searched)]
            for name, rows in self._parts.items()
        }
        if self._heard:
            self.table.empty = none_fits("Nothing", self.words) or EMPTY
        shown = [(name, title) for name, title in GROUPS if fit[name] or name == "activities"]
        groups = [self._group(name, title, fit[name]) for name, title in shown]
        keys = [key for name, _ in shown for key in fit[name]]
        self.table.replace(keys, groups if len(shown) > 1 else ())
        self.table.changed(keys)
        self._tell()

    def _group(self, name: str, title: str, keys: Sequence[str]) -> Group:
        if name == "away":
            return Group("/away", title, len(keys), detail=(Cell(summary(self.dashboard.away), "quiet"),))
        return Group(f"/{name}", title, len(keys))

    @on(messages.CursorMoved)
    def _tell(self) -> None:
        """Say all of the one under the cursor."""
        row = self.row(self.table.cursor)
        said = Cell("") if row is None else row.detail(palette_of(self.app).ascii)
        self._words.display = bool(said.text)
        self._words.say(lambda: Text(harmless(said.text), palette_of(self.app).style(said.role)))

    @property
    def aside(self) -> str:
        """The filter, how much is wrong and how much goes on."""
        activities = self._parts["activities"].values()
        going = sum(row.item["state"] == "running" for row in activities)
        wrong = len(self._parts["alerts"])
        said = (
            f"/ {self.words}" if self.words else "",
            f"{wrong} wrong" if wrong else "",
            f"{going} going on" if going else "",
        )
        return "   ".join(part for part in said if part)

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        row = self.row(event.key)
        if row is not None and row.place is not None:
            await self.dashboard.visit(row.place)

    def chosen_id(self) -> str | None:
        """The activity under the cursor."""
        row = self.row(self.table.cursor)
        return self.table.cursor if row is not None and row.sort == "activity" else None

    # Doing

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done with the row under the cursor."""
        row = self.row(self.table.cursor)
        sort = row.sort if row is not None else ""
        if action == "activity.silence" and sort != "alert":
            return "the cursor is on no alert"
        if action in ("activity.test", "activity.unsubscribe") and sort != "subscription":
            return "the cursor is on no subscription; a makes one"
        return super().refusal(action)

    async def do_activity_silence(self) -> None:
        """Let the alert's rule call nobody for a while."""
        row = self.row(self.table.cursor)
        if row is not None:
            await doing.silence(self.dashboard, row.item)

    async def do_activity_rules(self) -> None:
        """Show when each rule calls."""
        await doing.show_rules(self.dashboard)

    def do_activity_room(self) -> None:
        """Show what is kept here, and remove what belongs to nothing."""

        async def work() -> None:
            try:
                await room(self.dashboard)
            except WorkbenchError as problem:
                self.dashboard.complain(problem)

        self.run_worker(work(), exclusive=True, group="room", exit_on_error=True)

    async def do_activity_subscribe(self) -> None:
        """Make a subscription."""
        await doing.subscribe(self.dashboard)

    async def do_activity_test(self) -> None:
        """Hand a made-up event over."""
        row = self.row(self.table.cursor)
        if row is not None:
            await doing.test(self.dashboard, row.item)

    async def do_activity_unsubscribe(self) -> None:
        """End the subscription under the cursor."""
        row = self.row(self.table.cursor)
        if row is not None:
            await doing.unsubscribe(self.dashboard, row.item)
