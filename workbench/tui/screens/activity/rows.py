"""The rows of the activity page: alerts, what was meanwhile, activities, subscriptions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from workbench.text import times
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.text.states import ACTIVITY, ALERT, CHECK, look
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import alerts as alert_look
from workbench.views import runs as run_look
from workbench.views import subscriptions as subscription_look

COLUMNS = (
    Column("state", "STATE", least=10, ideal=11, keep=95, sortable=False),
    Column("kind", "WHAT", least=7, ideal=10, most=14, keep=100, sortable=False),
    Column("subject", "OF", least=10, ideal=20, most=32, keep=90, middle=True, sortable=False),
    Column("age", "AGE", right=True, least=4, ideal=4, keep=70, sortable=False),
    Column("took", "TOOK", right=True, least=5, ideal=6, keep=50, sortable=False),
    Column("text", "SAYS", least=20, ideal=40, rest=True, keep=80, sortable=False),
)
Json = Mapping[str, Any]


class Row(NamedTuple):
    """One row; `name` is what its subject is called where that is not its id."""

    sort: str
    """alert, was (an alert that was raised meanwhile), ended, activity, subscription."""
    item: Json
    name: str = ""

    @property
    def searched(self) -> str:
        """What a filter looks at."""
        keys = ("kind", "rule", "text", "error", "target", "name", "sink", "problem", "message", "advice")
        said = alert_look.of_event(self.item) if self.sort == "was" else self.item
        return " ".join([self.name, *(str(said.get(key) or "") for key in keys)])

    @property
    def place(self) -> Location | None:
        """Where Enter leads; None: nowhere."""
        if self.sort == "ended":
            return Location("runs", (self.item["experiment"], self.item["id"]))
        if self.sort == "alert":
            return Location("compute", (self.item["target"],))
        parts = str(self.item.get("subject", "")).split("/")
        if parts[0] == "compute" and len(parts) == 2:
            return Location("compute", (parts[1],))
        return (
            Location("runs", (parts[1], parts[3])) if parts[0] == "experiments" and len(parts) == 4 else None
        )

    def cells(self, now: datetime, plain: bool) -> list[Cell]:
        """The row's cells."""
        return {
            "alert": _alert,
            "was": _was,
            "ended": _ended,
            "activity": _activity,
            "subscription": _subscription,
        }[self.sort](self, now, plain)

    def detail(self, plain: bool) -> Cell:
        """All of what is said, and what to do about it."""
        arrow = " > " if plain else " → "
        if self.sort in ("alert", "was"):
            alert = alert_look.of_event(self.item) if self.sort == "was" else self.item
            return Cell(f"{alert_look.text(alert)}{arrow}{alert_look.advice(alert)}", _role(alert))
        if self.sort == "subscription":
            problem = subscription_look.problem(self.item)
            return Cell(problem or subscription_look.sink(self.item), "bad" if problem else "quiet")
        return _said(self.item, plain) if self.sort == "activity" else Cell("")


def alert_key(alert: Json) -> str:
    """What an alert's row is known by."""
    return "alert " + " ".join(
        str(alert.get(name) or "-") for name in ("target", "rule", "gpu", "run", "about")
    )


def _role(alert: Json) -> str:
    return look(ALERT, clean_name(str(alert.get("severity", "")))).role


def _alert(row: Row, now: datetime, plain: bool) -> list[Cell]:
    alert = row.item
    state, silent = alert_look.severity(alert, plain), alert_look.silence(alert, now)
    return [
        Cell(state.text, "quiet" if silent else state.role),
        Cell(clean_name(str(alert.get("rule", "")), 40)),
        Cell(clean_name(str(alert.get("target", "")), 60), "title"),
        Cell(alert_look.age(alert, now), "quiet"),
        Cell(""),
        Cell(
            f"({silent}) {alert_look.text(alert)}" if silent else alert_look.text(alert),
            "quiet" if silent else "",
        ),
    ]


def _was(row: Row, now: datetime, plain: bool) -> list[Cell]:
    alert = alert_look.of_event(row.item)
    state = alert_look.severity(alert, plain)
    return [
        Cell(state.text, state.role),
        Cell(clean_name(str(alert.get("rule", "")), 40)),
        Cell(clean_name(alert["target"], 60), "title"),
        Cell(times.ago(times.parse(row.item.get("time")), now), "quiet"),
        Cell(""),
        Cell(alert_look.text(alert), "quiet"),
    ]


def _ended(row: Row, now: datetime, plain: bool) -> list[Cell]:
    run = row.item
    state, note = run_look.state(run, plain), run_look.note(run, now)
    return [
        Cell(state.text, state.role),
        Cell("run"),
        Cell(clean_name(run["name"]), "title"),
        Cell(times.ago(times.parse(run.get("ended")), now), "quiet"),
        Cell(run_look.took(run, now)),
        Cell(note.text, note.role),
    ]


def _activity(row: Row, now: datetime, plain: bool) -> list[Cell]:
    item = row.item
    state = look(ACTIVITY, clean_name(str(item.get("state", ""))))
    started, ended = times.parse(item.get("started")), times.parse(item.get("ended"))
    return [
        Cell(state.text(plain), state.role),
        Cell(clean_name(item["kind"])),
        Cell(clean_name(row.name), "title"),
        Cell(times.ago(started, now), "quiet"),
        Cell(times.took(started, ended, now)),
        _said(item, plain),
    ]


def _said(item: Json, plain: bool) -> Cell:
    """How far an activity is; or what went wrong and what to do about it."""
    if item.get("error"):
        arrow = " > " if plain else " → "
        hint = f"{arrow}{clean_name(str(item['hint']), 300)}" if item.get("hint") else ""
        return Cell(clean_name(str(item["error"]), 400) + hint, "bad")
    done, total = item.get("done"), item.get("total")
    if item.get("ended"):
        total = None  # how far it was when it last said so is of no use once it is done
    share = f"  {100 * done // total}%" if done is not None and total else ""
    return Cell(clean_name(str(item.get("text") or ""), 200) + share, "quiet" if item.get("ended") else "")


def _subscription(row: Row, now: datetime, plain: bool) -> list[Cell]:
    item = row.item
    problem = subscription_look.problem(item)
    state = look(CHECK, "bad" if problem else "ok")
    glyph = state.ascii if plain else state.glyph
    counts = f"{item.get('delivered', 0)} delivered" + (
        f", {item['failed']} lost" if item.get("failed") else ""
    )
    return [
        Cell(f"{glyph} {'failing' if problem else 'ok'}", state.role),
        Cell(clean_name(str(item.get("sink", "")), 20)),
        Cell(clean_name(str(item.get("name", "")), 64), "title"),
        Cell(times.ago(times.parse(item.get("created")), now), "quiet"),
        Cell(""),
        Cell(problem or f"{subscription_look.wanted(item)}   {counts}", "bad" if problem else "quiet"),
    ]
