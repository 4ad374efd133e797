"""Taking in runs that other trackers logged, as a service: record lines that the caller's readers made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.entities.run import Run, RunState
from workbench.errors import Conflict, UsageError
from workbench.services.context import Context
from workbench.services.imported_state import read_state, write_state
from workbench.services.operation import call, write
from workbench.store.arriving import imported
from workbench.store.runs import kept_runs, run_rows
from workbench.text.sanitize import clean, clean_name
from workbench.text.states import IMPORTED

TOGETHER = 8 << 20
"""Bytes that are taken in at once: where very many metrics take turns, each then has several points."""
MAX_SOURCE = 8192
_LATEST = 4_000_000_000.0
"""Seconds since 1970: no run ended later than that."""


class RunImportService:
    """Runs of other trackers, each once, and what is new of them when they are imported again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def imported(self, source: str) -> dict[str, Any]:
        """{"run", "state"} of the run imported from a source, state as `import_done` kept it; {} for none."""
        found = await self._store.read(imported.find, _checked(source))
        if found is None:
            return {}
        kept = await asyncio.to_thread(read_state, self._place(found))
        return {"run": found, "state": kept}

    @call
    async def import_begin(
        self,
        source: str,
        name: str,
        experiment: str,
        status: str = RunState.COMPLETED.value,
        started: float | None = None,
        ended: float | None = None,
    ) -> Run:
        """The row of a run from a source, made when it is not there: it is over, no machine is asked for it.

        started, ended: seconds since 1970. Raises UsageError.
        """
        known = await self._store.read(imported.find, _checked(source))
        if known is not None:
            return await self._store.read(run_rows.get, known)
        if not valid_experiment_name(experiment):
            raise UsageError(f"{clean_name(experiment)!r} is no experiment name")
        if status not in {state.value for state in RunState if state.terminal}:
            raise UsageError("an imported run is over", "give Completed, Failed or Canceled")
        now = datetime.now(UTC)
        begun = _moment(started) or now
        run = Run(
            id=imported.identity(int(begun.timestamp() * 1000), source),
            name=clean_name(name, 200) or "imported",
            experiment=experiment,
            target=IMPORTED,
            status=RunState(status),
            message=f"imported from {clean(source, 1000)}",
            created=begun,
            started=begun,
            ended=_moment(ended) or begun,
            snapshot_code=False,
            collect_outputs=False,
        )
        row, _ = await self._store.write(
            kept_runs.insert, run, RunConfiguration(command="", experiment=experiment)
        )
        return row

    @write
    async def import_records(
        self, run: str, file: str, source: AsyncIterator[bytes], offset: int = 0
    ) -> dict[str, Any]:
        """Lines of a record file of an imported run, from byte offset of it on: {"size": its size}.

        What is here already is passed over. Raises Conflict for a run that was not imported, or a gap.
        """
        await self._imported(run)
        held: list[bytes] = []
        size = 0
        async for block in source:
            held.append(block)
            size += len(block)
            if size >= TOGETHER:
                offset, held, size = await self._take(run, file, offset, b"".join(held)), [], 0
        return {"size": await self._take(run, file, offset, b"".join(held))}

    @call
    async def import_done(self, run: str, state: dict[str, Any]) -> dict[str, Any]:
        """Keep how far the readers came, for the next time."""
        await self._imported(run)
        await asyncio.to_thread(write_state, self._place(run), state)
        return {}

    async def _take(self, run: str, file: str, offset: int, data: bytes) -> int:
        """Take bytes of a record file in; where the next ones begin."""
        if data:
            await self._store.write(self._store.intake.take, run, file, offset, data)
        return offset + len(data)

    async def _imported(self, run: str) -> None:
        found = await self._store.read(run_rows.get, run)
        if found.target != IMPORTED:
            raise Conflict(f"{found.name} was not imported", "wb run import PATH makes such runs")

    def _place(self, run: str) -> Path:
        return self._context.folder / "imports" / f"{run}.json"


def _checked(source: str) -> str:
    if not source or len(source) > MAX_SOURCE:
        raise UsageError(f"a source has 1 to {MAX_SOURCE} characters")
    return source


def _moment(seconds: float | None) -> datetime | None:
    if seconds is None or not 0 <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
