"""The table of activities: what takes long (AZ-13)."""

from __future__ import annotations

import sqlite3

from workbench.entities.event import Activity, ActivityState
from workbench.store.sqlite.codec import from_text, micros, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import ACTIVITY_CHANGED


def put(change: Transaction, activity: Activity) -> None:
    """Keep an activity, new or changed; mere progress leaves one event however often it is reported."""
    row = change.execute("SELECT state, data FROM activities WHERE id = ?", (activity.id,)).fetchone()
    data = to_text(activity)
    if row is not None and row[1] == data:
        return
    change.execute(
        "INSERT INTO activities (id, started, state, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, data = excluded.data",
        (activity.id, micros(activity.started), activity.state.value, data),
    )
    news = {
        "kind": activity.kind,
        "subject": activity.subject,
        "state": activity.state.value,
        "text": activity.text,
        "done": activity.done,
        "total": activity.total,
        "error": activity.error,
    }
    progress = row is not None and row[0] == activity.state.value
    change.event(ACTIVITY_CHANGED, f"activities/{activity.id}", news, fleeting=progress)


def newest(connection: sqlite3.Connection, limit: int = 50, active: bool = False) -> list[Activity]:
    """Up to limit activities, newest first; with active, only those that go on."""
    where = "WHERE state = ?" if active else "WHERE ? IS NOT NULL"
    rows = connection.execute(
        f"SELECT data FROM activities {where} ORDER BY started DESC, rowid DESC LIMIT ?",
        (ActivityState.RUNNING.value, limit),
    )
    return [from_text(Activity, row[0]) for row in rows]
