"""The table of what runs read and wrote: data -> run, run -> data, run -> model (lineage)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from workbench.entities.run_data import DataDirection, RunData
from workbench.store.runs import run_rows
from workbench.store.sqlite.codec import from_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject

MOST = 10_000


def put(change: Transaction, run_id: str, rows: Sequence[RunData]) -> None:
    """Keep what is known of inputs and outputs of a run, in place of what was. Raises NotFound (run)."""
    number = run_rows.number(change.connection, run_id)
    for row in rows:
        change.execute(
            "INSERT INTO run_data (run, direction, name, asset, state, data) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run, direction, name) DO UPDATE SET asset = excluded.asset,"
            " state = excluded.state, data = excluded.data",
            (number, row.direction.value, row.name, row.asset, row.state, to_text(row)),
        )
    if rows:
        run = run_rows.get(change.connection, run_id)
        change.event(RUN_CHANGED, run_subject(run.experiment, run.id), {"data": [row.name for row in rows]})


def of_run(connection: sqlite3.Connection, run_id: str) -> list[RunData]:
    """A run's inputs, then its outputs, by name."""
    rows = connection.execute(
        "SELECT d.data FROM run_data d JOIN runs r ON r.number = d.run WHERE r.id = ?"
        " ORDER BY d.direction, d.name",
        (run_id,),
    )
    return [from_text(RunData, row[0]) for row in rows]


def runs_of_asset(connection: sqlite3.Connection, asset: str, direction: DataDirection) -> list[str]:
    """Ids of the runs that read (or made) an asset such as data:digits:3, the newest first.

    Without a version, data:digits: of any of its versions.
    """
    kind, _, rest = asset.partition(":")
    exact = ":" in rest
    condition = "d.asset = ?" if exact else "substr(d.asset, 1, ?) = ?"
    values: tuple[object, ...] = (asset,) if exact else (len(asset) + 1, f"{kind}:{rest}:")
    rows = connection.execute(
        f"SELECT DISTINCT r.id, r.created FROM run_data d JOIN runs r ON r.number = d.run"
        f" WHERE d.direction = ? AND {condition} ORDER BY r.created DESC, r.id DESC LIMIT {MOST}",
        (direction.value, *values),
    )
    return [str(row[0]) for row in rows]


def last_readers(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Who read each dataset last: its name -> {"run", "run_name", "experiment", "version"}."""
    rows = connection.execute(
        "SELECT substr(n.asset, 6), r.id, r.name, e.name FROM (SELECT asset, max(run) AS run FROM run_data"
        " WHERE asset >= 'data:' AND asset < 'data;' AND direction = ? GROUP BY asset) n"
        " JOIN runs r ON r.number = n.run JOIN experiments e ON e.number = r.experiment ORDER BY n.run",
        (DataDirection.INPUT.value,),
    )
    found = {}
    for asset, run, name, experiment in rows:
        dataset, _, version = str(asset).rpartition(":")
        found[dataset] = {"run": run, "run_name": name, "experiment": experiment, "version": version}
    return found


def waiting(connection: sqlite3.Connection) -> list[str]:
    """Ids of runs that are over and of which something waits to be registered or sent."""
    rows = connection.execute(
        "SELECT DISTINCT r.id FROM run_data d JOIN runs r ON r.number = d.run"
        " WHERE d.state = 'waiting' AND r.status IN ('Completed', 'Failed', 'Canceled')"
    )
    return [str(row[0]) for row in rows]


def holding(connection: sqlite3.Connection) -> dict[str, str]:
    """Runs in whose folder on their machine the files of dataset versions lie: run -> one of those."""
    rows = connection.execute(
        "SELECT r.id, d.asset, json_extract(d.data, '$.location') FROM run_data d"
        " JOIN runs r ON r.number = d.run WHERE d.direction = 'output' AND d.asset IS NOT NULL"
    )
    return {str(run): str(asset) for run, asset, location in rows if f"/runs/{run}/" in str(location)}
