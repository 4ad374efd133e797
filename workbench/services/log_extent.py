"""How much of a log of a run is here, for the services that read it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from workbench.entities.run import Run
from workbench.errors import NotFound, RemoteError, Unreachable, UsageError
from workbench.runs.collect import safe_path
from workbench.services.context import Context
from workbench.services.log_return import bring_back
from workbench.store.arriving.offsets import offsets
from workbench.store.logs import spool
from workbench.store.logs.line_index import LineIndex
from workbench.store.logs.log_file import log_size
from workbench.store.logs.log_times import LogTimes
from workbench.store.runs import run_rows
from workbench.text.log_names import LogName, parse_logs


class LogExtent(NamedTuple):
    """A log as it is here."""

    run: Run
    path: Path
    size: int
    gaps: list[tuple[int, int]]
    ended: bool
    """Whether nothing more will come."""
    as_of: datetime | None
    """When the machine was heard last."""
    times: LogTimes
    lines: LineIndex

    def to_wire(self) -> dict[str, object]:
        """What a client is told."""
        return {"size": self.size, "gaps": self.gaps, "ended": self.ended, "as_of": self.as_of}


async def log_extent(context: Context, run_id: str, log: str = "", *, whole: bool = False) -> LogExtent:
    """The extent of a log of a run now, by its name (`text/log_names.py`), its output when there is none.

    whole: wait for what is not here yet of what there is. Raises NotFound, UsageError for a name that is
    none, and what `bring_back` raises where output was dropped here.
    """
    names = parse_logs(log)
    if len(names) > 1:
        return await context.merging.extent(context, run_id, names, whole=whole)
    return await one_extent(context, run_id, names[0], whole=whole)


async def one_extent(context: Context, run_id: str, name: LogName, *, whole: bool = False) -> LogExtent:
    """The extent of one log; raises as `log_extent`."""
    if name.run is not None:
        run_id = (await context.place(name.run)).id
    run = context.fresh(await context.store.read(run_rows.get, run_id))
    if name.path:
        return await _of_file(context, run, name.path, whole)
    await bring_back(context, run, whole=whole)
    # whether it goes on is asked first: what comes after the answer is news
    ended = run.status.terminal and not context.conductor.follows(run_id)
    size = (await context.store.read(offsets, context.store.spool, run_id)).stream
    gaps = [gap for gap in await context.store.read(spool.gaps, run_id) if gap[0] < size]
    kept = context.store.spool
    return LogExtent(
        run, kept.path(run_id), size, gaps, ended, run.as_of, kept.times(run_id), kept.line_index(run_id)
    )


async def _of_file(context: Context, run: Run, path: str, whole: bool) -> LogExtent:
    """A file below logs/: collected when the run was over, else as it comes while somebody looks."""
    if not safe_path(path):
        raise UsageError(f"{path!r} is no log of a run", "wb run logs --list names them")
    here, times = context.file_logs.path(run.id, path), context.file_logs.times(run.id, path)
    lines = here.with_suffix(".lines")
    collected = context.collector.path(run.id, path)
    over = run.status.terminal and not context.conductor.follows(run.id)
    if over and not context.file_logs.whole(run.id, path):
        # a collected copy has no times: it is taken where the machine cannot be asked
        size = await asyncio.to_thread(log_size, collected)
        if size and context.fleet.current(run.target) is not None:
            await _bring(context, run, path)
        if size > await asyncio.to_thread(log_size, here):
            await asyncio.to_thread(lines.parent.mkdir, 0o700, exist_ok=True)
            index = LineIndex(collected, lines)
            return LogExtent(run, collected, size, [], True, run.as_of, times, index)
    if whole:
        await context.file_logs.caught_up(run, path)
    context.file_logs.want(run, path)
    ended = run.status.terminal and not context.file_logs.follows(run.id, path)
    size = await asyncio.to_thread(log_size, here)
    return LogExtent(run, here, size, [], ended, run.as_of, times, LineIndex(here, lines))


async def _bring(context: Context, run: Run, path: str) -> None:
    """Fetch the file of a run that is over with its times, where its machine has it still."""
    with suppress(NotFound, Unreachable, RemoteError, TimeoutError):
        await context.file_logs.caught_up(run, path)
