"""The table of compute targets."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from workbench.entities.base import replace
from workbench.entities.queue import Cordon
from workbench.entities.target import Target
from workbench.errors import NotFound
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import TARGET_CHANGED


def every(connection: sqlite3.Connection) -> list[Target]:
    """All targets by name."""
    return [from_text(Target, row[0]) for row in connection.execute("SELECT data FROM targets ORDER BY name")]


def get(connection: sqlite3.Connection, name: str) -> Target:
    """One target; raises NotFound."""
    found = _get(connection, name)
    if found is None:
        raise NotFound(f"no machine {name!r}", "wb compute ls shows them; wb compute attach adds one")
    return found


def facts(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    """What a machine said of itself when it was measured last; nothing of one that is not attached."""
    found = _get(connection, name)
    return {} if found is None else found.facts


def put(change: Transaction, target: Target) -> None:
    """Keep target, new or changed. At most one target is the default: the last that said so."""
    before = _get(change.connection, target.name)
    if before == target:
        return
    _write(change, target)
    if target.default:
        for other in every(change.connection):
            if other.default and other.name != target.name:
                _write(change, replace(other, default=False))
                change.event(TARGET_CHANGED, f"compute/{other.name}", {"default": False})
    # That a machine was heard of again is no news; that its state changed is.
    changed = [
        name
        for name in Target.__struct_fields__
        if name != "last_seen" and (before is None or getattr(before, name) != getattr(target, name))
    ]
    if changed:
        data = {
            "state": target.state.value,
            "created": before is None,
            "problem": target.problem,
            "changed": changed,
        }
        change.event(TARGET_CHANGED, f"compute/{target.name}", data)


def change(change: Transaction, name: str, change_it: Callable[[Target], Target]) -> Target:
    """Change a target by a function of what it is now, so that no change is lost; raises NotFound."""
    target = change_it(get(change.connection, name))
    put(change, target)
    return target


def set_cordon(change: Transaction, name: str, cordon: Cordon | None) -> None:
    """Keep what a machine said of its cordon, and tell of it where that is news; raises NotFound."""
    target = get(change.connection, name)
    if target.cordon == cordon:
        return
    _write(change, replace(target, cordon=cordon))
    data: dict[str, Any] = {"cordoned": cordon is not None}
    if cordon is not None:
        data |= {"drain": cordon.drain, "reason": cordon.reason, "by": cordon.by}
    change.event(TARGET_CHANGED, f"compute/{name}", data)


def remove(change: Transaction, name: str) -> None:
    """Forget a target; raises NotFound. Its runs stay."""
    get(change.connection, name)
    change.execute("DELETE FROM targets WHERE name = ?", (name,))
    change.event(TARGET_CHANGED, f"compute/{name}", {"removed": True})


def _get(connection: sqlite3.Connection, name: str) -> Target | None:
    row = connection.execute("SELECT data FROM targets WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_text(Target, row[0])


def _write(change: Transaction, target: Target) -> None:
    change.execute(
        "INSERT INTO targets (name, data) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET data = excluded.data",
        (target.name, to_text(target)),
    )
