"""Runs that were imported: each is found again by the source it came from."""

from __future__ import annotations

import hashlib
import sqlite3

from workbench.entities.identity import make_run_id
from workbench.text.states import IMPORTED

ENTROPY = 10
FIND = f"SELECT id FROM runs WHERE substr(id, 11) = ? AND target = '{IMPORTED}'"  # by its own index
_CLOCK = 10  # characters of a run id that say its time; the others are its source's


def identity(milliseconds: int, source: str) -> str:
    """The id of the run imported from a source."""
    return make_run_id(
        milliseconds, hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()[:ENTROPY]
    )


def find(connection: sqlite3.Connection, source: str) -> str | None:
    """The run that was imported from a source, if it is still there."""
    row = connection.execute(FIND, (identity(0, source)[_CLOCK:],)).fetchone()
    return None if row is None else str(row[0])
