"""The versions of models: registered once, found by what is known of them, removed when unused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.model import ModelDataset, ModelDetails, ModelVersion
from workbench.errors import Conflict, NotFound, Refused
from workbench.store.registry import models
from workbench.store.runs.run_entries import entry_name
from workbench.store.sqlite.codec import micros, moment, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import MODEL_CHANGED, MODEL_REGISTERED, model_subject
from workbench.text.asset_reference import LATEST, AssetReference
from workbench.text.sanitize import clean

MOST_ENTRIES = 10_000
"""Tags or properties a version may have."""
_COLUMNS = (
    "v.id, m.name, v.version, v.created, v.manifest, v.run, v.framework, v.format, v.data, r.name, e.name,"
    " r.number"
)
_FROM = (
    "model_versions v JOIN models m ON m.number = v.model LEFT JOIN runs r ON r.id = v.run"
    " LEFT JOIN experiments e ON e.number = r.experiment"
)


class VersionQuery(NamedTuple):
    """Which versions (AZ-167); what is not said does not matter. A tag's value None is any value."""

    name: str | None = None
    tags: Mapping[str, str | None] = {}
    properties: Mapping[str, str | None] = {}
    run: str | None = None
    dataset: AssetReference | None = None
    framework: str | None = None
    latest: bool = False
    """Only the newest of each model, of those that fit nothing else is asked."""
    limit: int = 100
    offset: int = 0


def register(change: Transaction, new: ModelVersion, details: ModelDetails, settled: bool) -> ModelVersion:
    """Keep a new version: its number is the next of its model's, whatever new says (AZ-164).

    settled: whether new's metrics are for good; else they are its run's until that is over.
    """
    model = models.ensure(change, new.name)
    version = int(change.execute("SELECT next_version FROM models WHERE number = ?", (model,)).fetchone()[0])
    change.execute("UPDATE models SET next_version = ? WHERE number = ?", (version + 1, model))
    data = {**to_wire(new), "settled": settled}
    for column in ("name", "version", "created", "manifest", "run", "framework", "format", "tags",
                   "properties", "datasets", "aliases", "deployments", "run_name"):  # fmt: skip
        data.pop(column, None)
    words = (model, version, micros(change.now), new.manifest, new.run, new.framework, new.format,
             to_text(data), to_text(details))  # fmt: skip
    cursor = change.execute(
        "INSERT INTO model_versions (model, version, created, manifest, run, framework, format, data,"
        " details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        words,
    )
    key = cursor.lastrowid
    assert key is not None
    _put(change, key, "tag", new.tags)
    _put(change, key, "property", new.properties)
    change.executemany(
        "INSERT OR IGNORE INTO model_datasets (version, relation, name, number) VALUES (?, ?, ?, ?)",
        [(key, plain_text(item.relation), item.name, item.version) for item in new.datasets],
    )
    told = {"name": new.name, "version": version, "run": new.run, "framework": new.framework}
    change.event(
        MODEL_REGISTERED, model_subject(new.name, version), {**told, "format": new.format, "tags": new.tags}
    )
    return get(change.connection, AssetReference(new.name, version))


def key_of(connection: sqlite3.Connection, reference: AssetReference) -> int:
    """The row of the version that a reference means; raises NotFound."""
    words: tuple[Any, ...] = (models.number(connection, reference.name),)
    where = "1"
    if reference.version is not None:
        where, words = "version = ?", (*words, reference.version)
    elif reference.alias is not None and reference.alias != LATEST:
        where = "id = (SELECT version FROM model_aliases WHERE model = ? AND alias = ?)"
        words = (*words, *words, reference.alias)
    row = connection.execute(
        f"SELECT id FROM model_versions WHERE model = ? AND {where} ORDER BY version DESC LIMIT 1", words
    ).fetchone()
    if row is None:
        raise NotFound(f"no model {reference}", f"wb model show {reference.name} lists its versions")
    return int(row[0])


def get(connection: sqlite3.Connection, reference: AssetReference) -> ModelVersion:
    """One version; raises NotFound."""
    return _load(connection, "v.id = ?", (key_of(connection, reference),))[0]


def details(connection: sqlite3.Connection, reference: AssetReference) -> ModelDetails:
    """What is known of a version beyond its row; raises NotFound."""
    row = connection.execute(
        "SELECT details FROM model_versions WHERE id = ?", (key_of(connection, reference),)
    ).fetchone()
    return from_wire(ModelDetails, json.loads(row[0]))


def find(connection: sqlite3.Connection, query: VersionQuery) -> list[ModelVersion]:
    """Versions that fit, newest first; raises NotFound for a model that is not there."""
    where, words = ["m.removed = 0"], list[Any]()
    if query.name is not None:
        where.append("v.model = ?")
        words.append(models.number(connection, query.name))
    if query.latest:
        where.append(
            "v.id IN (SELECT (SELECT o.id FROM model_versions o WHERE o.model = n.number"
            " ORDER BY o.version DESC LIMIT 1) FROM models n WHERE n.removed = 0)"
        )
    for kind, wanted in (("tag", query.tags), ("property", query.properties)):
        for name, value in wanted.items():
            fits = "" if value is None else " AND value = ?"
            where.append(f"v.id IN (SELECT version FROM model_entries WHERE kind = ? AND name = ?{fits})")
            words += [kind, name] + ([] if value is None else [value])
    if query.run is not None:
        where.append("v.run = ?")
        words.append(query.run)
    if query.framework is not None:
        where.append("v.framework = ?")
        words.append(plain_text(query.framework))
    if query.dataset is not None:
        numbered = "" if query.dataset.version is None else " AND number = ?"
        where.append(f"v.id IN (SELECT version FROM model_datasets WHERE name = ?{numbered})")
        words += [query.dataset.name] + ([] if query.dataset.version is None else [query.dataset.version])
    return _load(connection, " AND ".join(where), words, query.limit, query.offset, named=query.name is None)


def of_run(connection: sqlite3.Connection, run: str) -> list[ModelVersion]:
    """The versions that came from a run."""
    return find(connection, VersionQuery(run=run, limit=1000))


def runs_registered(connection: sqlite3.Connection) -> set[str]:
    """The ids of runs that versions came from."""
    return {row[0] for row in connection.execute("SELECT run FROM model_versions WHERE run IS NOT NULL")}


def put_tags(
    change: Transaction, reference: AssetReference, tags: Mapping[str, str | None], gone: Sequence[str]
) -> ModelVersion:
    """Set and take away tags of a version; raises NotFound, Conflict."""
    key = key_of(change.connection, reference)
    change.executemany(
        "DELETE FROM model_entries WHERE version = ? AND kind = 'tag' AND name = ?",
        [(key, entry_name(name)) for name in gone],
    )
    _put(change, key, "tag", tags)
    return _changed(change, key, {"set": dict(tags), "removed": list(gone)})


def add_properties(
    change: Transaction, reference: AssetReference, properties: Mapping[str, str]
) -> ModelVersion:
    """Add properties; Conflict when one has another value already (AZ-166). Raises NotFound."""
    key = key_of(change.connection, reference)
    known = dict(
        change.execute(
            "SELECT name, value FROM model_entries WHERE version = ? AND kind = 'property'", (key,)
        )
    )
    for name, value in properties.items():
        if known.get(entry_name(name), clean(value)) != clean(value):
            raise Conflict(
                f"property {name!r} has the value {known[entry_name(name)]!r} and cannot become {value!r}",
                "properties are never changed; use a tag for what changes",
            )
    _put(change, key, "property", properties)
    return _changed(change, key, {"properties": dict(properties)})


def describe(change: Transaction, reference: AssetReference, description: str | None) -> ModelVersion:
    """Write what is said of a version (AZ-166); raises NotFound."""
    key = key_of(change.connection, reference)
    words = (description or None, key)
    change.execute("UPDATE model_versions SET data = json_set(data, '$.description', ?) WHERE id = ?", words)
    return _changed(change, key, {"description": description})


def mark_deployed(change: Transaction, reference: AssetReference, deployment: str, on: bool) -> ModelVersion:
    """Say that a deployment uses a version, or no longer does (AZ-169); raises NotFound."""
    key = key_of(change.connection, reference)
    name = entry_name(deployment)
    if on:
        change.execute(
            "INSERT OR IGNORE INTO model_deployments (version, name, created) VALUES (?, ?, ?)",
            (key, name, micros(change.now)),
        )
    else:
        change.execute("DELETE FROM model_deployments WHERE version = ? AND name = ?", (key, name))
    return _changed(change, key, {"deployment": name, "deployed": on})


def remove(change: Transaction, reference: AssetReference, whole: bool = False) -> list[int]:
    """Remove a version, or with whole all of a model and its name; the numbers that went.

    Its files go with the next prune. Raises NotFound; Refused, with `aliases` and `deployments` in data,
    while one is used (AZ-169): nothing is removed then.
    """
    model = models.number(change.connection, reference.name)
    condition, key = ("v.model = ?", model) if whole else ("v.id = ?", key_of(change.connection, reference))
    going = _load(change.connection, condition, (key,))
    used = [item for item in going if item.aliases or item.deployments]
    if used:
        raise _in_use(used)
    change.execute(f"DELETE FROM model_versions AS v WHERE {condition}", (key,))
    numbers = sorted(item.version for item in going)
    for version in numbers:
        change.event(MODEL_CHANGED, model_subject(reference.name, version), {"removed": True})
    if whole:
        change.execute("UPDATE models SET removed = 1 WHERE number = ?", (model,))
        change.execute("DELETE FROM model_recipes WHERE model = ?", (model,))
        change.event(MODEL_CHANGED, model_subject(reference.name), {"removed": True})
    return numbers


def _metrics_of(connection: sqlite3.Connection, run: int) -> dict[str, float]:
    """The last value of each metric of a run's row."""
    return {
        name: float("nan") if last is None else last
        for name, last in connection.execute("SELECT name, last FROM run_metrics WHERE run = ?", (run,))
    }


def _in_use(used: Iterable[ModelVersion]) -> Refused:
    first = next(iter(used))
    named = f"{first.name}:{first.version}"
    by = [f"alias {alias}" for alias in first.aliases] + [f"deployment {one}" for one in first.deployments]
    hint = (
        f"give the alias to another first: wb model promote {first.name}:VERSION --to {first.aliases[0]}"
        if first.aliases
        else "end the deployment first"
    )
    return Refused(
        f"{named} is in use by {', '.join(by)}",
        hint,
        name=first.name,
        version=first.version,
        aliases=first.aliases,
        deployments=first.deployments,
    )


def _changed(change: Transaction, key: int, what: dict[str, Any]) -> ModelVersion:
    found = _load(change.connection, "v.id = ?", (key,))[0]
    change.event(MODEL_CHANGED, model_subject(found.name, found.version), {**what, "tags": found.tags})
    return found


def _put(change: Transaction, key: int, kind: str, entries: Mapping[str, str | None]) -> None:
    change.executemany(
        "INSERT INTO model_entries (version, kind, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (version, kind, name) DO UPDATE SET value = excluded.value",
        [
            (key, kind, entry_name(name), None if value is None else clean(value))
            for name, value in entries.items()
        ],
    )
    count = change.execute(
        "SELECT count(*) FROM model_entries WHERE version = ? AND kind = ?", (key, kind)
    ).fetchone()[0]
    if count > MOST_ENTRIES:
        raise Conflict(f"a version has at most {MOST_ENTRIES} of them")


def _load(
    connection: sqlite3.Connection,
    where: str,
    words: Sequence[Any],
    limit: int = -1,
    offset: int = 0,
    named: bool = False,
) -> list[ModelVersion]:
    """The versions that fit a condition of this module's own, newest first, in a few queries."""
    order = "v.created DESC, v.id DESC" if named else "v.version DESC"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
        (*words, limit, offset),
    ).fetchall()
    among = json.dumps([row[0] for row in rows])
    tags, properties = _entries(connection, "tag", among), _entries(connection, "property", among)
    live = _live_metrics(connection, rows)
    datasets: dict[int, list[ModelDataset]] = {}
    for key, relation, name, number in connection.execute(
        "SELECT version, relation, name, number FROM model_datasets"
        " WHERE version IN (SELECT value FROM json_each(?)) ORDER BY version, relation, name",
        (among,),
    ):
        datasets.setdefault(key, []).append(ModelDataset(relation=relation, name=name, version=number))
    aliases = _names(connection, "SELECT version, alias FROM model_aliases", among)
    deployments = _names(connection, "SELECT version, name FROM model_deployments", among)
    found = []
    for key, name, version, created, manifest, run, framework, format_, data, run_name, experiment, _ in rows:
        said = json.loads(data)
        said = {**said, "name": name, "version": version, "created": moment(created), "manifest": manifest}
        item = from_wire(ModelVersion, said)
        found.append(
            replace(
                item,
                run=run,
                run_name=run_name,
                experiment=experiment or item.experiment,
                framework=framework,
                format=format_,
                tags=tags.get(key, {}),
                properties=properties.get(key, {}),
                datasets=datasets.get(key, []),
                aliases=aliases.get(key, []),
                deployments=deployments.get(key, []),
                metrics=live.get(key, item.metrics),
            )
        )
    return found


def _live_metrics(connection: sqlite3.Connection, rows: Sequence[Any]) -> dict[int, dict[str, float]]:
    """The metrics of versions whose run was not over when they were registered, while it is here."""
    loose = {row[0]: row[11] for row in rows if row[11] is not None and not json.loads(row[8]).get("settled")}
    return {key: _metrics_of(connection, run) for key, run in loose.items()}


def _entries(connection: sqlite3.Connection, kind: str, among: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for key, name, value in connection.execute(
        "SELECT version, name, value FROM model_entries WHERE kind = ?"
        " AND version IN (SELECT value FROM json_each(?)) ORDER BY version, name",
        (kind, among),
    ):
        found.setdefault(key, {})[name] = value
    return found


def _names(connection: sqlite3.Connection, select: str, among: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for key, name in connection.execute(
        f"{select} WHERE version IN (SELECT value FROM json_each(?)) ORDER BY 1, 2", (among,)
    ):
        found.setdefault(key, []).append(name)
    return found
