"""The tables of environments: versions that never change, the aliases that move over them (AZ-132, AZ-133).

The interpreters that runs were seen to use are another matter: `environments`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.environment import EnvironmentDefinition, EnvironmentVersion
from workbench.errors import Conflict, NotFound
from workbench.store.sqlite.codec import from_text, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import ENVIRONMENT_CHANGED, ENVIRONMENT_REGISTERED
from workbench.text.asset_reference import LATEST, AssetReference

_COLUMNS = "name, version, archived, data, definition"


def subject(name: str, version: int) -> str:
    """The location of a version, which its events are about."""
    return f"environments/{name}:{version}"


def every(connection: sqlite3.Connection, archived: bool = False) -> list[EnvironmentVersion]:
    """The newest version of each environment by name, without locks; of archived ones only where asked."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM environment_versions v WHERE (archived = 0 OR ?) AND version ="
        " (SELECT max(version) FROM environment_versions WHERE name = v.name AND (archived = 0 OR ?))"
        " ORDER BY name",
        (archived, archived),
    ).fetchall()
    return _built(connection, rows)


def versions(connection: sqlite3.Connection, name: str, archived: bool = True) -> list[EnvironmentVersion]:
    """The versions of one environment, newest first, without locks; raises NotFound where there are none."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM environment_versions WHERE name = ? AND (archived = 0 OR ?)"
        " ORDER BY version DESC",
        (plain_text(name), archived),
    ).fetchall()
    if not rows:
        raise _no_environment(name)
    return _built(connection, rows)


def find(connection: sqlite3.Connection, reference: AssetReference) -> EnvironmentVersion | None:
    """The version that a reference means, whole; None where there is none."""
    version = _number(connection, reference)
    if version is None:
        return None
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM environment_versions WHERE name = ? AND version = ?",
        (reference.name, version),
    ).fetchall()
    lock = connection.execute(
        "SELECT lock FROM environment_versions WHERE name = ? AND version = ?", (reference.name, version)
    ).fetchone()
    found = _built(connection, rows)
    return replace(found[0], lock=lock[0]) if found else None


def get(connection: sqlite3.Connection, reference: AssetReference) -> EnvironmentVersion:
    """The version that a reference means, whole; raises NotFound."""
    found = find(connection, reference)
    if found is not None:
        return found
    if not _exists(connection, reference.name):
        raise _no_environment(reference.name)
    if reference.alias is not None and reference.alias != LATEST:
        raise NotFound(
            f"{reference.name} has no alias {reference.alias!r}",
            f"wb env ls {reference.name} lists what there is; wb env alias sets one",
        )
    raise NotFound(f"there is no {reference}", f"wb env ls {reference.name} lists its versions")


def same(connection: sqlite3.Connection, name: str, hash: str) -> EnvironmentVersion | None:
    """The newest version of that name with that definition, whole."""
    row = connection.execute(
        "SELECT max(version) FROM environment_versions WHERE name = ? AND hash = ?", (plain_text(name), hash)
    ).fetchone()
    return None if row[0] is None else find(connection, AssetReference(name, row[0]))


def register(
    change: Transaction, wanted: EnvironmentVersion, anew: bool = False
) -> tuple[EnvironmentVersion, bool]:
    """The version with wanted's definition, and whether it is new: the next number of its name.

    anew: a next version although there is one with that definition, where its lock is another. A version
    that is there already is back in lists, and otherwise stays as it is.
    """
    known = same(change.connection, wanted.name, wanted.hash)
    if known is not None and (not anew or known.lock == wanted.lock):
        return (archive(change, known, False) if known.archived else known), False
    number = (
        1
        + change.execute(
            "SELECT coalesce(max(version), 0) FROM environment_versions WHERE name = ?", (wanted.name,)
        ).fetchone()[0]
    )
    made = replace(wanted, version=number, created=change.now, aliases=[], archived=False)
    change.execute(
        "INSERT INTO environment_versions (name, version, hash, data, definition, lock)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (made.name, number, made.hash, _facts(made), to_text(made.definition), made.lock),
    )
    change.event(ENVIRONMENT_REGISTERED, subject(made.name, number), {"hash": made.hash})
    return get(change.connection, AssetReference(made.name, number)), True


def describe(
    change: Transaction,
    version: EnvironmentVersion,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    remove: list[str] | None = None,
) -> EnvironmentVersion:
    """Change a version's description, where one is given, and its tags; its definition never changes."""
    known = get(change.connection, AssetReference(version.name, version.version))
    kept = {key: value for key, value in known.tags.items() if key not in (remove or ())}
    kept |= {plain_text(key): value for key, value in (tags or {}).items()}
    known = replace(
        known, tags=kept, description=known.description if description is None else description or None
    )
    change.execute(
        "UPDATE environment_versions SET data = ? WHERE name = ? AND version = ?",
        (_facts(known), known.name, known.version),
    )
    return _changed(change, known, {"tags": known.tags, "description": known.description})


def archive(change: Transaction, version: EnvironmentVersion, archived: bool) -> EnvironmentVersion:
    """Hide a version from lists and from `latest`, or bring it back; runs that name it go on."""
    change.execute(
        "UPDATE environment_versions SET archived = ? WHERE name = ? AND version = ?",
        (archived, version.name, version.version),
    )
    return _changed(change, version, {"archived": archived})


def set_alias(change: Transaction, version: EnvironmentVersion, alias: str) -> EnvironmentVersion:
    """Let an alias mean this version, whichever it meant before."""
    if alias == LATEST:
        raise Conflict("latest is always the newest version", "choose another alias")
    before = change.execute(
        "SELECT version FROM environment_aliases WHERE name = ? AND alias = ?", (version.name, alias)
    ).fetchone()
    change.execute(
        "INSERT INTO environment_aliases (name, alias, version) VALUES (?, ?, ?)"
        " ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version",
        (version.name, alias, version.version),
    )
    return _changed(change, version, {"alias": alias, "before": None if before is None else before[0]})


def remove_alias(change: Transaction, name: str, alias: str) -> EnvironmentVersion:
    """Forget an alias; the version it meant. Raises NotFound."""
    version = get(change.connection, AssetReference(name, alias=alias))
    if alias == LATEST:
        raise Conflict("latest is always the newest version", "it cannot be removed")
    change.execute("DELETE FROM environment_aliases WHERE name = ? AND alias = ?", (name, alias))
    return _changed(change, version, {"alias": alias, "removed": True})


def _changed(change: Transaction, version: EnvironmentVersion, data: dict[str, object]) -> EnvironmentVersion:
    change.event(ENVIRONMENT_CHANGED, subject(version.name, version.version), data)
    return get(change.connection, AssetReference(version.name, version.version))


def _facts(version: EnvironmentVersion) -> str:
    """A version's JSON without what columns and other tables hold."""
    apart = ("definition", "lock", "aliases", "archived")
    return to_text({key: value for key, value in to_wire(version).items() if key not in apart})


def _exists(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM environment_versions WHERE name = ?", (plain_text(name),))
    return row.fetchone() is not None


def _number(connection: sqlite3.Connection, reference: AssetReference) -> int | None:
    name = plain_text(reference.name)
    if reference.version is not None:
        return reference.version
    if reference.alias in (None, LATEST):
        row = connection.execute(
            "SELECT max(version) FROM environment_versions WHERE name = ? AND archived = 0", (name,)
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT version FROM environment_aliases WHERE name = ? AND alias = ?", (name, reference.alias)
        ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _built(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> list[EnvironmentVersion]:
    named: dict[tuple[str, int], list[str]] = {}
    for name, alias, version in connection.execute(
        "SELECT name, alias, version FROM environment_aliases ORDER BY alias"
    ):
        named.setdefault((name, version), []).append(alias)
    newest = dict(
        connection.execute(
            "SELECT name, max(version) FROM environment_versions WHERE archived = 0 GROUP BY name"
        )
    )
    found = []
    for name, version, archived, data, definition in rows:
        latest = [LATEST] if newest.get(name) == version else []
        found.append(
            from_wire(
                EnvironmentVersion,
                {
                    **from_text(dict, str(data)),
                    "definition": to_wire(from_text(EnvironmentDefinition, str(definition))),
                    "aliases": latest + named.get((str(name), int(str(version))), []),
                    "archived": bool(archived),
                },
            )
        )
    return found


def _no_environment(name: str) -> NotFound:
    return NotFound(
        f"no environment {name!r}", "wb env ls shows them; wb env register FILE makes one, so does a submit"
    )
