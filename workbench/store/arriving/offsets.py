"""How much of a run is on this side."""

from __future__ import annotations

import sqlite3

import msgspec

from workbench.entities.base import Entity
from workbench.store.arriving import ingest
from workbench.store.logs.spool import Spool
from workbench.store.runs import run_rows, run_status


class Offsets(Entity, frozen=True, kw_only=True):
    """Where a follower goes on."""

    seq: int = 0
    """All transitions up to this one."""
    stream: int = 0
    """Bytes of output, gaps counted."""
    records: dict[str, int] = msgspec.field(default_factory=dict)
    """Bytes taken in, by record file."""


def offsets(connection: sqlite3.Connection, spool: Spool, run_id: str) -> Offsets:
    """How much of a run is here; raises NotFound."""
    number = run_rows.number(connection, run_id)
    return Offsets(
        seq=run_status.reached_seq(connection, number),
        stream=spool.length(connection, run_id),
        records=ingest.stops(connection, number),
    )
