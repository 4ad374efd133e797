"""What is said about the workspace itself, and what belongs to it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from workbench.entities.base import replace
from workbench.entities.workspace import WorkspaceFacts
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import WORKSPACE_CHANGED

_COUNTS = (
    "SELECT (SELECT count(*) FROM runs),"
    " (SELECT count(*) FROM runs WHERE status NOT IN ('Completed', 'Failed', 'Canceled')),"
    " (SELECT count(*) FROM targets)"
)


def get(connection: sqlite3.Connection, name: str) -> WorkspaceFacts:
    """What is said about it; name is the workspace's, which its store does not know."""
    row = connection.execute("SELECT data FROM workspace_facts").fetchone()
    said = WorkspaceFacts(name=name) if row is None else from_text(WorkspaceFacts, row[0])
    runs, active, machines = connection.execute(_COUNTS).fetchone()
    return replace(said, name=name, runs=runs, active_runs=active, machines=machines)


def begin(change: Transaction, name: str) -> None:
    """Note when a workspace was first opened."""
    if change.execute("SELECT 1 FROM workspace_facts").fetchone() is None:
        _write(change, WorkspaceFacts(name=name, created=datetime.now(UTC)))


def describe(
    change: Transaction,
    name: str,
    friendly_name: str | None,
    description: str | None,
    tags: dict[str, str | None],
    untagged: list[str],
) -> WorkspaceFacts:
    """Change what is said (AZ-7): None leaves a text as it is, "" takes it away."""
    before = get(change.connection, name)
    kept = {key: value for key, value in before.tags.items() if key not in untagged}
    now = replace(
        before,
        friendly_name=before.friendly_name if friendly_name is None else friendly_name or None,
        description=before.description if description is None else description or None,
        tags={**kept, **tags},
    )
    _write(change, now)
    change.event(WORKSPACE_CHANGED, f"workspaces/{name}", {"tags": now.tags})
    return get(change.connection, name)


def by_machine(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The ids of submitted runs that machines may have folders of, by machine."""
    found: dict[str, list[str]] = {}
    for target, run in connection.execute(
        "SELECT target, id FROM runs WHERE target <> 'imported' AND inside IS NULL ORDER BY id"
    ):
        found.setdefault(target, []).append(run)
    return found


def _write(change: Transaction, facts: WorkspaceFacts) -> None:
    kept = to_text(replace(facts, runs=0, active_runs=0, machines=0))
    change.execute(
        "INSERT INTO workspace_facts (one, data) VALUES (1, ?)"
        " ON CONFLICT (one) DO UPDATE SET data = excluded.data",
        (kept,),
    )
