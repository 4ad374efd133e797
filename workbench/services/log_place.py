"""From where on a log is wanted: by bytes, by last lines, or by time."""

from __future__ import annotations

import asyncio
import time

from workbench.services.log_extent import LogExtent
from workbench.services.spool_reading import tail_offset
from workbench.store.async_store import AsyncStore


async def place(
    store: AsyncStore, extent: LogExtent, offset: int, lines: int | None, since: float | None
) -> int:
    """The latest of offset, where the last `lines` lines begin, and what came `since` seconds ago.

    Output is judged by this side's clock, other logs by their machine's.
    """
    if lines is not None:
        least = max((stop for _, stop in extent.gaps), default=0)
        offset = max(offset, await asyncio.to_thread(tail_offset, extent.path, lines, least))
    if since is None:
        return offset
    if extent.path == store.spool.path(extent.run.id):
        return max(offset, await store.read(store.spool.since, extent.run.id, since))
    found = await asyncio.to_thread(extent.times.offset, time.time() - since)
    return max(offset, extent.size if found is None else found)
