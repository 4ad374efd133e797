"""The table of manifests: which files, by content, make up a snapshot."""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from typing import Any

from workbench.entities.snapshot import EntryKind, Manifest, Snapshot, entry_from_line
from workbench.errors import NotFound, StoreError
from workbench.store.registry import datasets
from workbench.store.sqlite.codec import micros
from workbench.store.sqlite.database import Transaction


def has(connection: sqlite3.Connection, snapshot: str) -> bool:
    """Whether the snapshot's manifest is kept."""
    return connection.execute("SELECT 1 FROM manifests WHERE id = ?", (snapshot,)).fetchone() is not None


def put(change: Transaction, manifest: Manifest) -> str:
    """Keep a manifest; returns the snapshot's id. The same again changes nothing but its age."""
    identity = manifest.id
    # Paths may hold undecodable bytes; JSON escapes carry those, UTF-8 does not.
    lines = [
        [
            entry.path,
            entry.kind.value,
            entry.mode,
            entry.size,
            entry.target if entry.kind is EntryKind.LINK else entry.sha256,
        ]
        for entry in manifest.entries
    ]
    data = zlib.compress(json.dumps(lines, separators=(",", ":")).encode("ascii"))
    files = sum(1 for entry in manifest.entries if entry.kind is EntryKind.FILE)
    change.execute(
        "INSERT INTO manifests (id, created, files, size, data) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET created = excluded.created",
        (identity, micros(change.now), files, manifest.size, data),
    )
    return identity


def get(connection: sqlite3.Connection, snapshot: str) -> Manifest:
    """The manifest of a snapshot; raises NotFound, StoreError when it is damaged."""
    try:
        return Manifest(entries=tuple(entry_from_line(*line) for line in _lines(connection, snapshot)))
    except (ValueError, TypeError) as problem:
        raise StoreError(f"the manifest of snapshot {snapshot} is damaged: {problem}") from problem


def renew(change: Transaction, snapshot: str) -> bool:
    """Make a manifest that is here as young as one that was just kept; False when it is not here."""
    words = (micros(change.now), snapshot)
    return change.execute("UPDATE manifests SET created = ? WHERE id = ?", words).rowcount > 0


def hashes(connection: sqlite3.Connection, snapshot: str) -> list[str]:
    """The contents a snapshot's files have, each once; raises what `get` raises, and is much cheaper."""
    try:
        found = {content: None for _, kind, _, _, content in _lines(connection, snapshot) if kind == "file"}
    except (ValueError, TypeError) as problem:
        raise StoreError(f"the manifest of snapshot {snapshot} is damaged: {problem}") from problem
    return list(found)


def _lines(connection: sqlite3.Connection, snapshot: str) -> list[list[Any]]:
    row = connection.execute("SELECT data FROM manifests WHERE id = ?", (snapshot,)).fetchone()
    if row is None:
        raise NotFound(f"no snapshot {snapshot}", "it was pruned, or never came to this store")
    try:
        lines: list[list[Any]] = json.loads(zlib.decompress(row[0]))
    except (ValueError, zlib.error) as problem:
        raise StoreError(f"the manifest of snapshot {snapshot} is damaged: {problem}") from problem
    return lines


def row(connection: sqlite3.Connection, snapshot: str) -> Snapshot:
    """The figures of a snapshot; raises NotFound."""
    found = connection.execute("SELECT files, size FROM manifests WHERE id = ?", (snapshot,)).fetchone()
    if found is None:
        raise NotFound(f"no snapshot {snapshot}", "it was pruned, or never came to this store")
    return Snapshot(id=snapshot, files=found[0], size=found[1])


def prune(change: Transaction, dry_run: bool, grace: float) -> tuple[int, set[str]]:
    """Remove manifests of no run that are older than grace seconds: how many, and what is still needed."""
    gone = _unused(change.connection, grace)
    needed = _needed_blobs(change.connection, set(gone))
    if not dry_run:
        change.executemany("DELETE FROM manifests WHERE id = ?", [(name,) for name in gone])
    return len(gone), needed


def _unused(connection: sqlite3.Connection, grace: float) -> list[str]:
    """Manifests of no run, no model and no environment that are older than grace seconds."""
    horizon = int((time.time() - grace) * 1_000_000)
    rows = connection.execute(
        "SELECT id FROM manifests WHERE created <= ?"
        " AND id NOT IN (SELECT snapshot FROM runs WHERE snapshot IS NOT NULL)"
        " AND id NOT IN (SELECT manifest FROM model_versions)"
        " AND id NOT IN (SELECT snapshot FROM model_recipes WHERE snapshot IS NOT NULL)"
        " AND id NOT IN (SELECT json_extract(definition, '$.context') FROM environment_versions"
        " WHERE json_extract(definition, '$.context') IS NOT NULL)",
        (horizon,),
    )
    return [found[0] for found in rows]


def _needed_blobs(connection: sqlite3.Connection, without: set[str]) -> set[str]:
    """The contents that manifests (but those in without), collected files and datasets refer to."""
    needed = {
        found[0]
        for found in connection.execute(
            "SELECT sha256 FROM run_files WHERE collected = 1 AND sha256 IS NOT NULL"
        )
    }
    for (identity,) in connection.execute("SELECT id FROM manifests").fetchall():
        if identity not in without:
            needed.update(entry.sha256 for entry in get(connection, identity).entries if entry.sha256)
    return needed | datasets.manifests(connection)
