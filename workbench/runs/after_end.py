"""How what a run asked for at its end went: asked of its machine once the run is over, kept as warnings."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.entities.run import Run
from workbench.errors import NotFound, Unreachable, WorkbenchError
from workbench.remote.supervision.on_end import SECONDS
from workbench.store.async_store import AsyncStore
from workbench.store.runs import run_entries, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject
from workbench.text.sanitize import clean_name

LOOK = 0.5
SLOWEST = 5.0
"""Seconds between two looks: more and more."""
MARGIN = 20.0
"""Seconds beyond what all of it may take."""
BEGIN = 15.0
"""Seconds after the end within which it begins, if anybody looks after the run."""
log = logging.getLogger(__name__)


async def note_after_end(store: AsyncStore, fleet: Fleet, run: Run, entries: int) -> None:
    """Wait until all of it is done, and keep what failed as warnings of the run. Never raises."""
    try:
        await _note(store, fleet, run, entries)
    except WorkbenchError as problem:  # the run is over and whole; its machine still has the log
        log.warning("what run %s did at its end is not known: %s", run.id, problem.message)


async def _note(store: AsyncStore, fleet: Fleet, run: Run, entries: int) -> None:
    began, pause = time.monotonic(), LOOK
    heard: float | None = None
    answer: dict[str, Any] = {}
    while True:
        try:
            link = await fleet.link(run.target)
            answer = await link.call("on_end", {"run": run.id})
            heard = heard or time.monotonic()
        except NotFound:  # removed there
            return
        except Unreachable as problem:  # it was told of by others: this is only how that went
            log.info("run %s: %s", run.id, problem.message)
        now = time.monotonic()
        not_begun = heard is not None and not answer.get("begun") and now - heard > BEGIN
        if answer.get("done") or not_begun or now - began > entries * SECONDS + MARGIN:
            break
        await asyncio.sleep(pause)
        pause = min(SLOWEST, pause * 1.5)
    warnings = _warnings(answer)
    if heard is not None and warnings:
        await store.write(_keep, run, warnings)


def _warnings(answer: dict[str, Any]) -> list[str]:
    """A sentence for each that failed."""
    if not answer.get("begun"):
        return ["what it asked for at its end was not done: nobody looked after the run when it ended"]
    results = answer.get("results")
    said = [
        f"at its end, {clean_name(str(result.get('what')), 20)} {number} failed:"
        f" {clean_name(str(result.get('message') or 'no reason given'), 400)}"
        for number, result in enumerate(results if isinstance(results, list) else [], 1)
        if isinstance(result, dict) and result.get("ok") is False
    ]
    return said if answer.get("done") else [*said, "what it asked for at its end was not finished"]


def _keep(change: Transaction, run: Run, warnings: list[str]) -> None:
    run_entries.warn(change, run_rows.number(change.connection, run.id), warnings)
    change.event(RUN_CHANGED, run_subject(run.experiment, run.id), {"on_end": warnings})
