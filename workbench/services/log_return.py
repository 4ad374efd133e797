"""Output that was dropped here to save room, and that somebody wants to see."""

from __future__ import annotations

import asyncio

from workbench.entities.run import Run
from workbench.errors import NotFound, Unreachable
from workbench.services.context import Context


async def bring_back(context: Context, run: Run, *, whole: bool = False) -> None:
    """Begin to fetch a run's output when it was dropped; whole: wait until all of it is here.

    Raises NotFound when its machine has it no more, Unreachable when that cannot be asked.
    """
    if not run.status.terminal or not context.store.spool.dropped(run.id):
        return
    fetching = context.conductor.fetching(run.id)
    if fetching is None:
        try:
            link = await context.fleet.link(run.target, retry_now=True)
            await link.call("run_logs", {"run": run.id})
        except NotFound as problem:
            raise NotFound(
                f"the output of {run.name} is gone: it was dropped here, and {run.target} has it no more",
                "logs.max_bytes of the settings says how much is kept here",
            ) from problem
        except Unreachable as problem:
            problem.hint = f"the output of {run.name} was dropped here to save room; {run.target} has it"
            raise
        fetching = context.conductor.fetch(run)
    if whole:
        await asyncio.shield(fetching)
