"""The tables of alerts: what is wrong with machines now, and who asked not to be called for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from workbench.entities.alert import Alert
from workbench.entities.base import replace, to_wire
from workbench.entities.event import Event
from workbench.store.sqlite.codec import from_text, micros, moment, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import ALERT_CLEARED, ALERT_RAISED, ALERT_SILENCED, COLUMNS, event_of

OF_ALERTS = "kind IN ('AlertRaised', 'AlertCleared')"


class Silence(NamedTuple):
    """Nobody is called for a rule of a machine, or for one GPU of it, until then."""

    target: str
    rule: str
    gpu: str | None
    until: datetime

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether it is about this alert and still lasts."""
        same = (self.target, self.rule) == (alert.target, alert.rule) and self.gpu in (None, alert.gpu)
        return same and self.until > now


class News(NamedTuple):
    """An alert that began to hold, or holds no more."""

    alert: Alert
    raised: bool


def note(change: Transaction, news: Iterable[News]) -> None:
    """Keep what was raised and forget what was cleared, an event each; what is known already is no news."""
    for alert, raised in news:
        if not raised:
            _clear(change, alert)
            continue
        kept = change.execute(
            "SELECT data FROM alerts WHERE (target, rule, gpu, run, about) = (?, ?, ?, ?, ?)", _key(alert)
        ).fetchone()
        plain = replace(alert, silenced_until=None)
        if kept is None or from_text(Alert, kept[0]) != plain:
            change.execute(
                "INSERT INTO alerts (target, rule, gpu, run, about, data) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (target, rule, gpu, run, about) DO UPDATE SET data = excluded.data",
                (*_key(alert), to_text(plain)),
            )
            change.event(ALERT_RAISED, f"compute/{alert.target}", _data(alert))


def _clear(change: Transaction, alert: Alert) -> None:
    gone = change.execute(
        "DELETE FROM alerts WHERE (target, rule, gpu, run, about) = (?, ?, ?, ?, ?)", _key(alert)
    )
    if gone.rowcount:
        lasted = (change.now - alert.since).total_seconds()
        change.event(ALERT_CLEARED, f"compute/{alert.target}", {**_data(alert), "lasted": round(lasted, 1)})


def forget(change: Transaction, target: str) -> None:
    """A machine was detached: what was wrong with it is over, and so are its silences."""
    for alert in every(change.connection):
        if alert.target == target:
            _clear(change, alert)
    change.execute("DELETE FROM alert_silences WHERE target = ?", (target,))


def every(connection: sqlite3.Connection) -> list[Alert]:
    """All alerts that hold, the oldest first."""
    found = [from_text(Alert, row[0]) for row in connection.execute("SELECT data FROM alerts")]
    return sorted(found, key=lambda alert: (alert.since, alert.target, alert.rule, alert.gpu or ""))


def silence(change: Transaction, wanted: Silence) -> None:
    """Keep a silence in place of the last one of the same rule; one that is over already ends it.

    Open alerts stay as they are, so that is an event of its own.
    """
    key = (wanted.target, wanted.rule, wanted.gpu or "")
    change.execute("DELETE FROM alert_silences WHERE (target, rule, gpu) = (?, ?, ?)", key)
    change.execute("DELETE FROM alert_silences WHERE until <= ?", (micros(change.now),))
    if wanted.until > change.now:
        change.execute(
            "INSERT INTO alert_silences (target, rule, gpu, until) VALUES (?, ?, ?, ?)",
            (*key, micros(wanted.until)),
        )
    news = {"rule": wanted.rule, "gpu": wanted.gpu, "until": wanted.until}
    change.event(ALERT_SILENCED, f"compute/{wanted.target}", {k: v for k, v in news.items() if v is not None})


def silences(connection: sqlite3.Connection) -> list[Silence]:
    """All silences, also those that are over."""
    rows = connection.execute("SELECT target, rule, gpu, until FROM alert_silences")
    return [Silence(row[0], row[1], row[2] or None, moment(row[3])) for row in rows]


def lately(connection: sqlite3.Connection, since: datetime | None, limit: int) -> list[Event]:
    """Up to limit events of alerts after since, the newest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE {OF_ALERTS} AND time > ? ORDER BY sequence DESC LIMIT ?",
        (0 if since is None else micros(since), limit),
    )
    return [event_of(row) for row in rows]


def _key(alert: Alert) -> tuple[str, str, str, str, str]:
    return alert.target, alert.rule, alert.gpu or "", alert.run or "", alert.about or ""


def _data(alert: Alert) -> dict[str, object]:
    """An alert as the data of its events; the target is their subject."""
    plain: dict[str, object] = to_wire(alert)
    return {name: value for name, value in plain.items() if name != "target"}
