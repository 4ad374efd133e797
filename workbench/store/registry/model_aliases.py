"""Aliases of model versions, and the whole history of their moves."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from workbench.entities.base import from_wire, to_wire
from workbench.entities.model import AliasMove, MoveAction
from workbench.errors import Conflict
from workbench.store.registry import model_versions, models
from workbench.store.sqlite.codec import micros, moment, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import MODEL_ALIAS_MOVED, model_subject
from workbench.text.asset_reference import AssetReference

_COLUMNS = "h.id, m.name, h.alias, h.version, h.previous, h.action, h.time, h.undoes, h.data"
_FROM = "model_moves h JOIN models m ON m.number = h.model"


def holder(connection: sqlite3.Connection, name: str, alias: str) -> int | None:
    """The version that has an alias, None where none has; raises NotFound for the model."""
    row = connection.execute(
        "SELECT v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version"
        " WHERE a.model = ? AND a.alias = ?",
        (models.number(connection, name), alias),
    ).fetchone()
    return None if row is None else int(row[0])


def move(
    change: Transaction,
    name: str,
    alias: str,
    version: int | None,
    action: MoveAction,
    who: str,
    undoes: int | None = None,
    **more: Any,
) -> AliasMove:
    """Let a version have an alias, or with None nobody, and write it into the history.

    more: why, forced, approver, verdict of the AliasMove. Raises NotFound.
    """
    model = models.number(change.connection, name)
    previous = holder(change.connection, name, alias)
    if version is None:
        change.execute("DELETE FROM model_aliases WHERE model = ? AND alias = ?", (model, alias))
    else:
        key = model_versions.key_of(change.connection, AssetReference(name, version))
        change.execute(
            "INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?)"
            " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
            (model, alias, key),
        )
    data = {key: value for key, value in more.items() if value not in (None, False)}
    cursor = change.execute(
        "INSERT INTO model_moves (model, alias, version, previous, action, time, undoes, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (model, alias, version, previous, action.value, micros(change.now), undoes,
         to_text({"who": who, **data})),
    )  # fmt: skip
    told = {"name": name, "alias": alias, "version": version, "previous": previous, "who": who,
            "action": action.value, "why": data.get("why"), "forced": bool(data.get("forced")),
            "unjudged": bool(data.get("unjudged"))}  # fmt: skip
    if version is not None:
        told["tags"] = model_versions.get(change.connection, AssetReference(name, version)).tags
    change.event(MODEL_ALIAS_MOVED, model_subject(name, version or previous), told)
    assert cursor.lastrowid is not None
    return _moves(change.connection, "h.id = ?", (cursor.lastrowid,), 1)[0]


def expect(change: Transaction, name: str, alias: str, seen: int | None) -> None:
    """Raise Conflict unless the alias is where somebody saw it; data says where it is and who moved it."""
    now = holder(change.connection, name, alias)
    if now == seen:
        return
    last = history(change.connection, name, alias, limit=1)
    by = f" by {last[0].who}" if last else ""
    where = "nobody has it now" if now is None else f"{name}:{now} has it now"
    raise Conflict(
        f"{alias} of {name} was moved meanwhile{by}: {where}",
        f"look again: wb model history {name} --alias {alias}",
        alias=alias,
        current=now,
        seen=seen,
    )


def history(
    connection: sqlite3.Connection,
    name: str,
    alias: str | None = None,
    until: datetime | None = None,
    limit: int = 1000,
) -> list[AliasMove]:
    """The moves of a model's aliases, or of one, the newest first; up to a time. Also of a removed model."""
    where, words = "h.model = ?", list[Any]([models.number(connection, name, removed=True)])
    if alias is not None:
        where, words = where + " AND h.alias = ?", [*words, alias]
    if until is not None:
        where, words = where + " AND h.time <= ?", [*words, micros(until)]
    return _moves(connection, where, words, limit)


def standing(connection: sqlite3.Connection, name: str, at: datetime) -> list[AliasMove]:
    """The move that decided each alias at a time, by alias; those that nobody had are left out."""
    number = models.number(connection, name, removed=True)
    found = _moves(
        connection,
        "h.id IN (SELECT max(id) FROM model_moves WHERE model = ? AND time <= ? GROUP BY alias)",
        (number, micros(at)),
        10_000,
    )
    return sorted((item for item in found if item.version is not None), key=lambda item: item.alias)


def to_undo(connection: sqlite3.Connection, name: str, alias: str) -> AliasMove:
    """The newest move of an alias that was not taken back and takes nothing back; raises Conflict."""
    number = models.number(connection, name)
    found = _moves(
        connection,
        "h.model = ? AND h.alias = ? AND h.undoes IS NULL AND h.id NOT IN"
        " (SELECT undoes FROM model_moves WHERE model = ?1 AND alias = ?2 AND undoes IS NOT NULL)",
        (number, alias),
        1,
    )
    if not found:
        raise Conflict(
            f"there is no move of {alias} to take back", f"wb model history {name} lists what was moved"
        )
    return found[0]


def _moves(connection: sqlite3.Connection, where: str, words: Any, limit: int) -> list[AliasMove]:
    sql = f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where} ORDER BY h.id DESC LIMIT {int(limit)}"
    return [
        from_wire(
            AliasMove,
            {
                "id": row[0],
                "name": row[1],
                "alias": row[2],
                "version": row[3],
                "previous": row[4],
                "action": row[5],
                "time": to_wire(moment(row[6])),
                "undoes": row[7],
                **json.loads(row[8]),
            },
        )
        for row in connection.execute(sql, tuple(words))
    ]
