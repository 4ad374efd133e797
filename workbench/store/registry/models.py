"""The table of models: names, what is said of them, their gates. Versions are in `model_versions`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from workbench.entities.model import Model
from workbench.errors import Conflict, NotFound
from workbench.store.sqlite.codec import micros, moment, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import MODEL_CHANGED, model_subject
from workbench.text.asset_reference import checked_name

SHOW = "wb model ls shows them"
MOST_RULES = 64
MOST_TAGS = 1000


def ensure(change: Transaction, name: str) -> int:
    """The row number of the model of that name, made (or taken out of removal) when there is none.

    Raises UsageError for a text that is no name.
    """
    checked_name(name)
    row = change.execute("SELECT number, removed FROM models WHERE name = ?", (name,)).fetchone()
    if row is None:
        cursor = change.execute(
            "INSERT INTO models (name, created, data) VALUES (?, ?, '{}')", (name, micros(change.now))
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid
    if row[1]:
        words = (micros(change.now), row[0])
        change.execute("UPDATE models SET removed = 0, created = ?, data = '{}' WHERE number = ?", words)
    return int(row[0])


def number(connection: sqlite3.Connection, name: str, *, removed: bool = False) -> int:
    """The row number of a model; raises NotFound. removed: one that was removed counts too."""
    row = connection.execute(
        "SELECT number, removed FROM models WHERE name = ?", (plain_text(name),)
    ).fetchone()
    if row is None or (row[1] and not removed):
        raise NotFound(f"no model {name!r}", SHOW)
    return int(row[0])


def every(connection: sqlite3.Connection, text: str | None = None) -> list[Model]:
    """All models by name; with text those whose name, description or tags have its words."""
    wanted = (text or "").lower().split()
    rows = connection.execute(
        "SELECT number, name, created, data FROM models WHERE removed = 0 ORDER BY name"
    ).fetchall()
    counts = dict[int, tuple[int, int]](
        (row[0], (row[1], row[2]))
        for row in connection.execute(
            "SELECT model, count(*), max(version) FROM model_versions GROUP BY model"
        )
    )
    aliases: dict[int, dict[str, int]] = {}
    for model, alias, version in connection.execute(
        "SELECT a.model, a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version"
        " ORDER BY a.model, a.alias"
    ):
        aliases.setdefault(model, {})[alias] = version
    found = []
    for model, name, created, data in rows:
        count, latest = counts.get(model, (0, None))
        said = json.loads(data)
        spoken = " ".join([name, str(said.get("description") or ""), *_words(said.get("tags") or {})]).lower()
        if all(word in spoken for word in wanted):
            found.append(_model(name, created, said, count, latest, aliases.get(model, {})))
    return found


def get(connection: sqlite3.Connection, name: str) -> Model:
    """One model; raises NotFound."""
    model = number(connection, name)
    row = connection.execute("SELECT name, created, data FROM models WHERE number = ?", (model,)).fetchone()
    count, latest = connection.execute(
        "SELECT count(*), max(version) FROM model_versions WHERE model = ?", (model,)
    ).fetchone()
    aliases = dict[str, int](
        connection.execute(
            "SELECT a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version"
            " WHERE a.model = ? ORDER BY a.alias",
            (model,),
        ).fetchall()
    )
    return _model(row[0], row[1], json.loads(row[2]), count, latest, aliases)


class Protection(NamedTuple):
    """Aliases to protect and to free; a protected one moves only through the gate."""

    protect: tuple[str, ...] = ()
    free: tuple[str, ...] = ()


SAME = Protection()


def change_facts(
    change: Transaction, name: str, facts: Mapping[str, Any], aliases: Protection = SAME
) -> Model:
    """Write some of description, tags, gate of a model, protect and free aliases; raises NotFound, Conflict.

    What is protected is worked out here, in the transaction: of two who protect at once neither is forgotten.
    """
    model = number(change.connection, name)
    data = json.loads(change.execute("SELECT data FROM models WHERE number = ?", (model,)).fetchone()[0])
    if len(facts.get("gate", ())) > MOST_RULES:
        raise Conflict(f"a gate has at most {MOST_RULES} rules")
    if len(facts.get("tags", ())) > MOST_TAGS:
        raise Conflict(f"a model has at most {MOST_TAGS} tags")
    facts = dict(facts)
    if aliases != SAME:
        kept = {alias for alias in data.get("protected") or [] if alias not in aliases.free}
        facts["protected"] = sorted(kept | set(aliases.protect))
    data.update(facts)
    change.execute("UPDATE models SET data = ? WHERE number = ?", (to_text(data), model))
    change.event(MODEL_CHANGED, model_subject(name), facts)
    return get(change.connection, name)


def _model(
    name: str, created: int, said: Mapping[str, Any], count: int, latest: int | None, aliases: dict[str, int]
) -> Model:
    return Model(
        name=name,
        created=moment(created),
        description=said.get("description") or None,
        tags=said.get("tags") or {},
        versions=count,
        latest=latest,
        aliases=aliases,
        gate=said.get("gate") or [],
        protected=said.get("protected") or [],
    )


def _words(tags: Mapping[str, str | None]) -> Iterable[str]:
    return (f"{key} {value or ''}" for key, value in tags.items())
