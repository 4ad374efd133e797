"""The table of names of the cloud and what they mean here: environments, compute, places of data."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.environment import HostedName
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import HOSTED_NAME_CHANGED


def every(connection: sqlite3.Connection, kind: str | None = None) -> list[HostedName]:
    """All of them, or those of a kind, by kind and name."""
    rows = connection.execute(
        "SELECT data FROM hosted_names WHERE kind = coalesce(?, kind) ORDER BY kind, hosted", (kind,)
    )
    return [from_text(HostedName, row[0]) for row in rows]


def find(connection: sqlite3.Connection, kind: str, keys: list[str]) -> HostedName | None:
    """What the first of these keys that has a meaning means."""
    for key in keys:
        row = connection.execute(
            "SELECT data FROM hosted_names WHERE kind = ? AND hosted = ?", (kind, plain_text(key))
        ).fetchone()
        if row is not None:
            return from_text(HostedName, row[0])
    return None


def put(change: Transaction, name: HostedName) -> HostedName:
    """Keep what a name means, in place of what it meant."""
    before = find(change.connection, name.kind, [name.hosted])
    if before is not None:
        name = replace(name, created=before.created)
    change.execute(
        "INSERT INTO hosted_names (kind, hosted, data) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, hosted) DO UPDATE SET data = excluded.data",
        (name.kind, plain_text(name.hosted), to_text(name)),
    )
    change.event(HOSTED_NAME_CHANGED, f"workspace/{name.kind}", {"hosted": name.hosted, "ours": name.ours})
    return name


def remove(change: Transaction, kind: str, hosted: str) -> None:
    """Forget what a name means; raises NotFound."""
    if find(change.connection, kind, [hosted]) is None:
        raise NotFound(f"{hosted!r} is not in the {kind} map", "wb workspace map ls shows what is")
    change.execute("DELETE FROM hosted_names WHERE kind = ? AND hosted = ?", (kind, plain_text(hosted)))
    change.event(HOSTED_NAME_CHANGED, f"workspace/{kind}", {"hosted": hosted, "removed": True})
