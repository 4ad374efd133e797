"""The runs that are not over, by the machine they are on: what a machine's page shows of them."""

from __future__ import annotations

import sqlite3

from workbench.entities.machine_view import RunThere
from workbench.entities.run import RunState
from workbench.store.sqlite.codec import from_text, optional_moment


def active(connection: sqlite3.Connection) -> dict[str, dict[str, RunThere]]:
    """By target and id."""
    found: dict[str, dict[str, RunThere]] = {}
    for target, run, name, experiment, status, user, gpus, started in connection.execute(
        "SELECT r.target, r.id, r.name, e.name, r.status, r.submitted_by, r.gpus, r.started"
        " FROM runs r JOIN experiments e ON e.number = r.experiment"
        " WHERE r.status NOT IN ('Completed', 'Failed', 'Canceled') AND r.inside IS NULL"
        " ORDER BY r.created, r.id"
    ):
        found.setdefault(target, {})[run] = RunThere(
            name=name,
            experiment=experiment,
            status=RunState(status),
            user=user,
            gpus=from_text(list[str], gpus),
            started=optional_moment(started),
        )
    return found
