"""How much output of a run is here, for the services that read it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from workbench.entities.run import Run
from workbench.services.context import Context
from workbench.services.log_return import bring_back
from workbench.store import run_rows, spool
from workbench.store.offsets import offsets


class LogExtent(NamedTuple):
    """The output of a run as it is here."""

    run: Run
    path: Path
    size: int
    gaps: list[tuple[int, int]]
    ended: bool
    """Whether nothing more will come."""
    as_of: datetime | None
    """When the machine was heard last."""

    def to_wire(self) -> dict[str, object]:
        """What a client is told."""
        return {"size": self.size, "gaps": self.gaps, "ended": self.ended, "as_of": self.as_of}


async def log_extent(context: Context, run_id: str) -> LogExtent:
    """The extent now; raises NotFound, and what `bring_back` raises where output was dropped here."""
    run = context.fresh(await context.store.read(run_rows.get, run_id))
    await bring_back(context, run)
    # whether it goes on is asked first: what comes after the answer is news
    ended = run.status.terminal and not context.conductor.follows(run_id)
    size = (await context.store.read(offsets, context.store.spool, run_id)).stream
    gaps = [gap for gap in await context.store.read(spool.gaps, run_id) if gap[0] < size]
    path = context.store.spool.path(run_id)
    return LogExtent(run, path, size, gaps, ended, run.as_of)
