"""The table of runs: making them, and what people change of them."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run, RunFile
from workbench.errors import UsageError
from workbench.remote.forms import protocol
from workbench.store.queries import ordering
from workbench.store.queries.query import RunQuery
from workbench.store.runs import files, roll_ups, run_entries, run_rows
from workbench.store.sqlite.codec import from_text, micros, optional_micros, optional_text, to_text, whole
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, RUN_CREATED, run_subject
from workbench.store.workspace import experiments
from workbench.text.sanitize import clean_name


def insert(
    change: Transaction, run: Run, configuration: RunConfiguration, diff: str | None = None
) -> tuple[Run, bool]:
    """Add a run and its experiment; with an id that is there its row as it is, and False."""
    if not protocol.valid_run_id(run.id):
        raise UsageError(f"{run.id!r} is no run id")
    if change.execute("SELECT 1 FROM runs WHERE id = ?", (run.id,)).fetchone() is not None:
        return run_rows.get(change.connection, run.id), False
    values = _columns(run, experiments.ensure_number(change, run.experiment, run.created))
    names = ", ".join(values)
    cursor = change.execute(
        f"INSERT INTO runs ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
    )
    number = cursor.lastrowid
    assert number is not None
    change.execute(
        "INSERT INTO configurations (run, data, diff) VALUES (?, ?, ?)",
        (
            number,
            to_text(configuration),
            None if diff is None else zlib.compress(diff.encode("utf-8", "surrogatepass")),
        ),
    )
    run_entries.put_tags(change, number, run.tags)
    run_entries.put_params(change, number, run.params)
    run_entries.put_properties(change, number, run.properties)
    subject = run_subject(run.experiment, run.id)
    data: dict[str, Any] = {"name": run.name, "target": run.target, "state": run.status.value}
    if run.parent is not None:
        data["above"] = roll_ups.above(change.connection, run.id)
    change.event(RUN_CREATED, subject, data)
    return run_rows.get(change.connection, run.id), True


def _columns(run: Run, experiment: int) -> dict[str, Any]:
    """The row of a new run."""
    return {
        "id": run.id,
        "name": clean_name(run.name),
        "experiment": experiment,
        "target": run.target,
        "status": run.status.value,
        "cause": run.cause,
        "message": optional_text(run.message),
        "created": micros(run.created),
        "started": optional_micros(run.started),
        "ended": optional_micros(run.ended),
        "exit_code": whole(run.exit_code),
        "signal": whole(run.signal),
        "attempt": run.attempt,
        "command": optional_text(run.command),
        "description": optional_text(run.description),
        "environment": optional_text(run.environment),
        "gpus": to_text(run.gpus),
        "git": None if run.git is None else to_text(run.git),
        "snapshot": run.snapshot,
        "snapshot_code": int(run.snapshot_code),
        "collect_outputs": int(run.collect_outputs),
        "submitted_by": optional_text(run.submitted_by),
        "parent": run.parent,
        "inside": run.inside,
        "resources": None if run.resources is None else to_text(run.resources),
        "warnings": run.warnings,
        "archived": int(run.archived),
        "as_of": optional_micros(run.as_of),
    }


def find(connection: sqlite3.Connection, query: RunQuery) -> list[Run]:
    """The runs that fit, in the order asked for; raises NotFound (experiment), UsageError."""
    return run_rows.load(connection, ordering.find(connection, query))


def configuration(connection: sqlite3.Connection, run_id: str) -> RunConfiguration:
    """What a run was asked to do; raises NotFound."""
    number = run_rows.number(connection, run_id)
    row = connection.execute("SELECT data FROM configurations WHERE run = ?", (number,)).fetchone()
    return from_text(RunConfiguration, row[0])


def diff_text(connection: sqlite3.Connection, run_id: str) -> str | None:
    """The uncommitted changes a run was submitted with; None when there were none. Raises NotFound."""
    number = run_rows.number(connection, run_id)
    row = connection.execute("SELECT diff FROM configurations WHERE run = ?", (number,)).fetchone()
    return None if row[0] is None else zlib.decompress(row[0]).decode("utf-8", "surrogatepass")


def targets_of_snapshot(connection: sqlite3.Connection, snapshot: str) -> list[str]:
    """The targets that runs of a snapshot went to, the newest first."""
    rows = connection.execute(
        "SELECT target FROM runs WHERE snapshot = ? GROUP BY target ORDER BY max(created) DESC", (snapshot,)
    )
    return [str(row[0]) for row in rows]


def tag(change: Transaction, run_id: str, new: Mapping[str, str | None], remove: Sequence[str] = ()) -> Run:
    """Set and remove tags (AZ-78); raises NotFound."""
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    run_entries.put_tags(change, number, new)
    run_entries.remove_tags(change, number, remove)
    before = {name: run.tags[name] for name in (*new, *remove) if name in run.tags}
    data = {"tags": dict(new), "removed": list(remove), "before": before}
    change.event(RUN_CHANGED, run_subject(run.experiment, run_id), data)
    return run_rows.get(change.connection, run_id)


def add_properties(change: Transaction, run_id: str, properties: Mapping[str, str]) -> Run:
    """Add properties; raises NotFound, Conflict when one has another value (AZ-78)."""
    run = run_rows.get(change.connection, run_id)
    run_entries.put_properties(change, run_rows.number(change.connection, run_id), properties)
    change.event(RUN_CHANGED, run_subject(run.experiment, run_id), {"properties": dict(properties)})
    return run_rows.get(change.connection, run_id)


def describe(
    change: Transaction, run_id: str, description: str | None = None, name: str | None = None
) -> Run:
    """Change description (Markdown) or display name, where given; raises NotFound, UsageError (AZ-80)."""
    run = run_rows.get(change.connection, run_id)
    data: dict[str, Any] = {}
    if description is not None:
        data |= {"description": description, "description_before": run.description}
        change.execute(
            "UPDATE runs SET description = ? WHERE id = ?", (optional_text(description or None), run_id)
        )
    if name is not None:
        named = clean_name(name)
        if not named:
            raise UsageError("a run's name cannot be empty")
        data |= {"name": named, "name_before": run.name}
        change.execute("UPDATE runs SET name = ? WHERE id = ?", (named, run_id))
    if data:
        change.event(RUN_CHANGED, run_subject(run.experiment, run_id), data)
    return run_rows.get(change.connection, run_id)


def archive(change: Transaction, run_id: str, archived: bool = True) -> Run:
    """Hide a run from lists, or show it again; raises NotFound."""
    run = run_rows.get(change.connection, run_id)
    if run.archived != archived:
        change.execute("UPDATE runs SET archived = ? WHERE id = ?", (int(archived), run_id))
        change.event(RUN_CHANGED, run_subject(run.experiment, run_id), {"archived": archived})
    return run_rows.get(change.connection, run_id)


def put_files(change: Transaction, run_id: str, listing: list[RunFile]) -> None:
    """Make this the listing of the run's files; unsafe paths are left out. Raises NotFound."""
    if files.put(change, run_id, listing):
        number = run_rows.number(change.connection, run_id)
        run_entries.warn(change, number, ["some files have names that cannot be kept"])


def remove(change: Transaction, run_id: str) -> None:
    """Forget a run and all that was recorded of it; raises NotFound."""
    run = run_rows.get(change.connection, run_id)
    # What it made in its own process is a part of it; what was submitted as its child stands alone now.
    change.execute("DELETE FROM runs WHERE inside = ?", (run_id,))
    change.execute("UPDATE runs SET parent = ? WHERE parent = ?", (run.parent, run_id))
    change.execute("DELETE FROM runs WHERE id = ?", (run_id,))
    change.event(RUN_CHANGED, run_subject(run.experiment, run_id), {"removed": True, "name": run.name})


def next_number(change: Transaction) -> int:
    """The next of the numbers that display names end in: 1, 2, 3 ..."""
    change.execute(
        "INSERT INTO counters (name, value) VALUES ('run', 1)"
        " ON CONFLICT (name) DO UPDATE SET value = value + 1"
    )
    return int(change.execute("SELECT value FROM counters WHERE name = 'run'").fetchone()[0])
