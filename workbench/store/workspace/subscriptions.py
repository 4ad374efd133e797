"""The table of subscriptions, each with how far its deliveries are."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.subscription import Subscription
from workbench.errors import Conflict, NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import NOTIFIED, SUBSCRIPTION_CHANGED

_COLUMNS = "data, cursor, delivered, failed, problem"


def every(connection: sqlite3.Connection) -> list[Subscription]:
    """All, by name."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM subscriptions ORDER BY name")
    return [_subscription(row) for row in rows]


def get(connection: sqlite3.Connection, name: str) -> Subscription:
    """One; raises NotFound."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM subscriptions WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"there is no subscription {name!r}", "wb activity subscriptions lists them")
    return _subscription(row)


def add(change: Transaction, subscription: Subscription) -> None:
    """Keep a new one; raises Conflict when there is one of that name."""
    if change.execute("SELECT 1 FROM subscriptions WHERE name = ?", (subscription.name,)).fetchone():
        raise Conflict(
            f"there is a subscription {subscription.name} already",
            f"take another name, or first: wb activity unsubscribe {subscription.name}",
        )
    plain = replace(subscription, cursor=0, delivered=0, failed=0, problem=None)
    change.execute(
        "INSERT INTO subscriptions (name, data, cursor, delivered, failed) VALUES (?, ?, ?, 0, 0)",
        (subscription.name, to_text(plain), subscription.cursor),
    )
    change.event(
        SUBSCRIPTION_CHANGED, f"subscriptions/{subscription.name}", {"sink": subscription.sink.value}
    )


def remove(change: Transaction, name: str) -> None:
    """Forget one; raises NotFound."""
    get(change.connection, name)
    change.execute("DELETE FROM subscriptions WHERE name = ?", (name,))
    change.event(SUBSCRIPTION_CHANGED, f"subscriptions/{name}", {"removed": True})


def advance(
    change: Transaction,
    name: str,
    cursor: int,
    *,
    delivered: int = 0,
    failed: int = 0,
    problem: str | None = None,
) -> None:
    """Everything up to cursor was looked at; so many more were delivered and given up. No event."""
    change.execute(
        "UPDATE subscriptions SET cursor = max(cursor, ?), delivered = delivered + ?, failed = failed + ?,"
        " problem = ? WHERE name = ?",
        (cursor, delivered, failed, None if problem is None else plain_text(problem), name),
    )


def trouble(change: Transaction, name: str, problem: str) -> None:
    """A try failed and is made again: why, as a sentence."""
    change.execute("UPDATE subscriptions SET problem = ? WHERE name = ?", (plain_text(problem), name))


def give_up(change: Transaction, name: str, sequence: int, kind: str, problem: str) -> None:
    """An event could not be delivered and is passed over; an event of its own says so."""
    advance(change, name, sequence, failed=1, problem=problem)
    news = {"event": sequence, "kind": kind, "problem": problem}
    change.event(SUBSCRIPTION_CHANGED, f"subscriptions/{name}", news)


def notify(change: Transaction, name: str, sequence: int, kind: str, subject: str, text: str) -> None:
    """Tell every dashboard of an event; handing it over and the cursor are one change."""
    advance(change, name, sequence, delivered=1)
    news = {"event": sequence, "kind": kind, "subject": subject, "text": text}
    change.event(NOTIFIED, f"subscriptions/{name}", news)


def _subscription(row: tuple[str, int, int, int, str | None]) -> Subscription:
    return replace(
        from_text(Subscription, row[0]), cursor=row[1], delivered=row[2], failed=row[3], problem=row[4]
    )
