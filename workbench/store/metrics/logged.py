"""What a run logged besides series of numbers, by name and kind, without reading any of it."""

from __future__ import annotations

import sqlite3

from workbench.entities.metric import Logged
from workbench.store.runs import run_rows

IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg")
"""How the files end that count as pictures."""


def of_run(connection: sqlite3.Connection, run_id: str) -> list[Logged]:
    """All of it, evaluations first, then images, tables and texts, each by name; raises NotFound (run)."""
    run = run_rows.number(connection, run_id)
    evaluations = connection.execute(
        "SELECT name, schema, count(*) FROM evaluations WHERE run = ? GROUP BY name, schema ORDER BY name",
        (run,),
    )
    found = [Logged(name=name, kind=schema, count=count) for name, schema, count in evaluations]
    for name, path in connection.execute(
        "SELECT name, path FROM artifacts WHERE run = ? ORDER BY name", (run,)
    ):
        if path.lower().endswith(IMAGES):
            found.append(Logged(name=name, kind="image", count=1, path=path))
    for table, kind in (("table_rows", "table"), ("texts", "text")):
        counted = connection.execute(
            f"SELECT name, count(*), max(step) FROM {table} WHERE run = ?"
            " GROUP BY name, attempt ORDER BY name, attempt",
            (run,),
        )
        # Of several attempts the latest is the one that is shown.
        latest = {name: (count, step) for name, count, step in counted}
        found += [
            Logged(name=name, kind=kind, count=count, last_step=step)
            for name, (count, step) in latest.items()
        ]
    return found
