"""The table of datastores. Exactly one is the default."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from workbench.entities.base import replace
from workbench.entities.datastore import BORN, OWN, Datastore, DatastoreKind
from workbench.errors import Conflict, NotFound
from workbench.store.sqlite.codec import from_text, micros, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import DATASTORE_CHANGED


def every(connection: sqlite3.Connection) -> list[Datastore]:
    """All datastores by name."""
    rows = connection.execute("SELECT data FROM datastores ORDER BY name")
    return [from_text(Datastore, row[0]) for row in rows]


def find(connection: sqlite3.Connection, name: str) -> Datastore | None:
    """A datastore, None when there is none of that name."""
    row = connection.execute("SELECT data FROM datastores WHERE name = ?", (plain_text(name),)).fetchone()
    return None if row is None else from_text(Datastore, row[0])


def get(connection: sqlite3.Connection, name: str | None = None) -> Datastore:
    """A datastore, the default one where none is named; raises NotFound."""
    if name is None:
        chosen = next((item for item in every(connection) if item.default), None)
        if chosen is None:
            raise NotFound("the workspace has no default datastore", "wb datastore default NAME")
        return chosen
    found = find(connection, name)
    if found is None:
        raise NotFound(f"no datastore {name!r}", "wb datastore ls shows them; wb datastore add makes one")
    return found


def bear(change: Transaction, now: datetime) -> None:
    """Give a new workspace its first datastores, folders of its own; does nothing to an older one (AZ-44).

    Somebody who removed them removed them: they come once.
    """
    if change.execute("SELECT 1 FROM datastores_born").fetchone():
        return
    change.execute("INSERT INTO datastores_born (born) VALUES (?)", (micros(now),))
    for name in BORN:
        if find(change.connection, name) is None:
            root = f"{OWN}/{name}"
            first = name == BORN[0] and not any(item.default for item in every(change.connection))
            _write(
                change, Datastore(name=name, kind=DatastoreKind.FOLDER, root=root, default=first, created=now)
            )


def add(change: Transaction, datastore: Datastore) -> Datastore:
    """Keep a new one; raises Conflict when the name is taken."""
    if find(change.connection, datastore.name) is not None:
        raise Conflict(f"there is a datastore {datastore.name} already", "wb datastore set changes it")
    return put(change, datastore)


def put(change: Transaction, datastore: Datastore) -> Datastore:
    """Keep a datastore, new or changed. One that says it is the default takes that from the one that was."""
    if datastore.default:
        for other in every(change.connection):
            if other.default and other.name != datastore.name:
                _write(change, replace(other, default=False))
    _write(change, datastore)
    return datastore


def remove(change: Transaction, name: str) -> None:
    """Forget a datastore; nothing in it is touched. Raises NotFound, Conflict for the default one."""
    found = get(change.connection, name)
    if found.default:
        raise Conflict(f"{name} is the default datastore", "choose another first: wb datastore default OTHER")
    change.execute("DELETE FROM datastores WHERE name = ?", (found.name,))
    change.event(DATASTORE_CHANGED, f"datastores/{found.name}", {"removed": True})


def _write(change: Transaction, datastore: Datastore) -> None:
    before = find(change.connection, datastore.name)
    if before == datastore:
        return
    change.execute(
        "INSERT INTO datastores (name, data) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET data = excluded.data",
        (datastore.name, to_text(datastore)),
    )
    data = {"kind": datastore.kind.value, "default": datastore.default, "created": before is None}
    change.event(DATASTORE_CHANGED, f"datastores/{datastore.name}", data)
