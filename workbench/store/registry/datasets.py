"""The table of dataset versions. A number that was used once is never another version's."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from workbench.entities.base import replace, to_wire
from workbench.entities.dataset import Dataset, DatasetKind, DatasetVersion
from workbench.errors import Conflict, NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import DATASET_CHANGED, DATASET_REGISTERED


def every(
    connection: sqlite3.Connection,
    text: str | None = None,
    kind: DatasetKind | None = None,
    archived: bool = False,
) -> list[Dataset]:
    """All datasets by name, each with its newest version.

    text: only those with all its words in the name, the description or a tag. archived: archived versions
    too; the newest is one of them where there is no other.
    """
    rows = connection.execute(
        "SELECT v.data, n.count FROM (SELECT name, count(*) AS count,"
        " coalesce(max(CASE WHEN archived = 0 THEN version END), max(version)) AS newest"
        " FROM dataset_versions WHERE archived <= ? GROUP BY name) n"
        " JOIN dataset_versions v ON v.name = n.name AND v.version = n.newest ORDER BY v.name",
        (archived,),
    )
    found = [
        Dataset(name=latest.name, versions=count, latest=latest)
        for data, count in rows
        for latest in [from_text(DatasetVersion, data)]
    ]
    words = (text or "").lower().split()
    return [
        item
        for item in found
        if (kind is None or item.latest.kind is kind) and all(word in _said(item.latest) for word in words)
    ]


def versions(connection: sqlite3.Connection, name: str, archived: bool = True) -> list[DatasetVersion]:
    """All versions of a dataset, the newest first, without archived ones where asked; raises NotFound."""
    rows = connection.execute(
        "SELECT data FROM dataset_versions WHERE name = ? AND archived <= ? ORDER BY version DESC",
        (plain_text(name), archived),
    )
    found = [from_text(DatasetVersion, row[0]) for row in rows]
    if not found and (archived or not _there(connection, name)):
        raise NotFound(f"no dataset {name!r}", "wb data ls shows them; wb data register makes one")
    return found


def get(connection: sqlite3.Connection, name: str, version: int | None = None) -> DatasetVersion:
    """A version, the newest that is not archived where none is named (AZ-56); raises NotFound."""
    row = connection.execute(
        "SELECT data FROM dataset_versions WHERE name = ?1 AND (version = ?2 OR ?2 IS NULL AND archived = 0)"
        " ORDER BY version DESC LIMIT 1",
        (plain_text(name), version),
    ).fetchone()
    if row is not None:
        return from_text(DatasetVersion, row[0])
    there = versions(connection, name)
    if version is None:
        raise NotFound(
            f"all versions of {name} are archived",
            f"name one, or bring it back: wb data archive {there[0].reference} --undo",
        )
    raise NotFound(f"{name} has no version {version}", f"the newest is {name}:{there[0].version}")


def of_run(connection: sqlite3.Connection, run: str) -> list[DatasetVersion]:
    """The versions that a run made, in the order it made them."""
    rows = connection.execute(
        "SELECT data FROM dataset_versions WHERE run = ? ORDER BY name, version", (run,)
    )
    return [from_text(DatasetVersion, row[0]) for row in rows]


def register(change: Transaction, made: DatasetVersion, new_version: bool = False) -> DatasetVersion:
    """Keep a new version; its number is chosen here, whatever made says. Raises Conflict (AZ-55).

    new_version: whether the name may be there already.
    """
    name = made.name
    if not new_version and _there(change.connection, name):
        raise Conflict(f"there is a dataset {name} already", "--new-version makes the next version of it")
    number = change.execute(
        "INSERT INTO dataset_names (name, last) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
        (name,),
    ).fetchone()[0]
    version = replace(made, version=number)
    change.execute(
        "INSERT INTO dataset_versions (name, version, run, data) VALUES (?, ?, ?, ?)",
        (name, number, version.run, to_text(version)),
    )
    data = {"kind": version.kind.value, "tags": version.tags, "run": version.run}
    change.event(DATASET_REGISTERED, f"data/{version.reference}", data)
    return version


def change_version(
    change: Transaction, name: str, version: int | None, changes: dict[str, Any]
) -> DatasetVersion:
    """Change what is said of a version: description, tags, locations, fingerprint, archived ...

    Raises NotFound.

    What it refers to never changes.
    """
    before = get(change.connection, name, version)
    after = replace(before, **changes)
    if after != before:
        change.execute(
            "UPDATE dataset_versions SET data = ?, archived = ? WHERE name = ? AND version = ?",
            (to_text(after), after.archived, after.name, after.version),
        )
        said = {"archived": after.archived} if "archived" in changes else {}
        change.event(DATASET_CHANGED, f"data/{after.reference}", {"changed": sorted(changes), **said})
    return after


def remove(change: Transaction, name: str, version: int | None = None) -> list[DatasetVersion]:
    """Forget a version, or all of a name; the data itself is not touched (AZ-56). Raises NotFound.

    Answers what was forgotten. Numbers that were used are not used again.
    """
    there = versions(change.connection, name) if version is None else [get(change.connection, name, version)]
    for gone in there:
        change.execute(
            "DELETE FROM dataset_versions WHERE name = ? AND version = ?", (gone.name, gone.version)
        )
        for table in ("dataset_profiles", "dataset_caches"):
            change.execute(f"DELETE FROM {table} WHERE name = ? AND version = ?", (gone.name, gone.version))
        change.event(DATASET_CHANGED, f"data/{gone.reference}", {"removed": True})
    return there


def manifests(connection: sqlite3.Connection) -> set[str]:
    """The contents that fingerprints keep: a prune leaves them."""
    rows = connection.execute("SELECT json_extract(data, '$.fingerprint.manifest') FROM dataset_versions")
    return {row[0] for row in rows if row[0]}


def profile(connection: sqlite3.Connection, name: str, version: int) -> dict[str, Any] | None:
    """{"run", "columns"?, "made"?} of the profile that was asked for last; None where none was."""
    row = connection.execute(
        "SELECT run, data FROM dataset_profiles WHERE name = ? AND version = ?", (name, version)
    ).fetchone()
    return None if row is None else {"run": row[0], **(json.loads(row[1]) if row[1] else {})}


def put_profile(
    change: Transaction, name: str, version: int, run: str, data: dict[str, Any] | None = None
) -> None:
    """Keep which run makes, or made, the profile, and what came of it."""
    change.execute(
        "INSERT INTO dataset_profiles (name, version, run, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name, version) DO UPDATE SET run = excluded.run, data = excluded.data",
        (name, version, run, None if data is None else json.dumps(to_wire(data), allow_nan=False)),
    )
    change.event(DATASET_CHANGED, f"data/{name}:{version}", {"changed": ["profile"]})


def unfinished_profiles(connection: sqlite3.Connection) -> list[tuple[str, int, str]]:
    """(name, version, run) of profiles that were asked for and of which nothing came yet."""
    rows = connection.execute("SELECT name, version, run FROM dataset_profiles WHERE data IS NULL")
    return [(str(row[0]), int(row[1]), str(row[2])) for row in rows]


def _there(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM dataset_versions WHERE name = ?", (name,)).fetchone() is not None


def _said(version: DatasetVersion) -> str:
    tags = [text for key, value in version.tags.items() for text in (key, value or "")]
    return "\n".join([version.name, version.description or "", *tags]).lower()
