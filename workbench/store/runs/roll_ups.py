"""What there is below runs, summed up, and what is above them."""

from __future__ import annotations

import sqlite3

from workbench.entities.run import RunChildren

_BELOW = (
    "WITH RECURSIVE below (top, id) AS ("
    " SELECT parent, id FROM runs WHERE parent IN (SELECT id FROM runs WHERE number IN {0})"
    " UNION SELECT below.top, r.id FROM below JOIN runs r ON r.parent = below.id)"
)


def of_runs(connection: sqlite3.Connection, among: str) -> dict[str, RunChildren]:
    """What there is below each of these runs that has children, to any depth, by id.

    among: row numbers, as `query.among_numbers` writes them, of however many runs.
    """
    rows = connection.execute(
        _BELOW.format(among)
        + " SELECT below.top, count(*), total(r.status NOT IN ('Completed', 'Failed', 'Canceled')),"
        " total(r.status = 'Failed'),"
        " CASE e.goal WHEN 'maximize' THEN max(m.max) ELSE min(m.min) END"
        " FROM below JOIN runs r ON r.id = below.id JOIN experiments e ON e.number = r.experiment"
        " LEFT JOIN run_metrics m ON m.run = r.number AND m.name = e.primary_metric GROUP BY below.top"
    )
    return {
        top: RunChildren(count=count, active=int(active), failed=int(failed), best=best)
        for top, count, active, failed, best in rows
    }


def above(connection: sqlite3.Connection, run_id: str | None) -> list[str]:
    """A run's parent, the parent of that, and so on."""
    found: list[str] = []
    at = run_id
    while at is not None:
        row = connection.execute("SELECT parent FROM runs WHERE id = ?", (at,)).fetchone()
        at = None if row is None or row[0] in (run_id, *found) else row[0]
        found += [] if at is None else [at]
    return found
