"""Models that scripts asked for: registered by themselves once their run is Completed (AZ-89)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from workbench.compute.lasting import lasting
from workbench.entities.base import from_wire
from workbench.entities.model import ModelFacts, ModelVersion
from workbench.entities.run import Run
from workbench.errors import Unreachable, WorkbenchError
from workbench.services.later import Later
from workbench.store.async_store import AsyncStore
from workbench.store.registry import model_requests
from workbench.store.registry.model_requests import ModelRequest
from workbench.store.runs import run_entries, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject
from workbench.text.sanitize import clean_name

if TYPE_CHECKING:
    from workbench.services.models import ModelService

AGAIN = 60.0
"""Seconds after which machines that were out of reach are asked again."""
log = logging.getLogger(__name__)


class AskedModels:
    """Answers what runs asked for, one after the other."""

    def __init__(self, store: AsyncStore, models: Later[ModelService]) -> None:
        self._store = store
        self._models = models
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look after requests from now on, first those of runs that ended before."""
        self._ended.set()
        self._task = lasting(self._work, "models that scripts asked for")

    def look(self) -> None:
        """A run is over, and all it said is here."""
        self._ended.set()

    async def close(self) -> None:
        """Stop; what has no answer yet is looked at the next time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        waiting = False
        while True:
            try:
                await asyncio.wait_for(self._ended.wait(), AGAIN if waiting else None)
            except TimeoutError:
                pass  # machines may answer by now
            self._ended.clear()
            waiting = False
            for run_id in await self._store.read(model_requests.unanswered):
                for request in await self._store.read(model_requests.waiting, run_id):
                    waiting = not await self._answered(run_id, request) or waiting

    async def _answered(self, run_id: str, request: ModelRequest) -> bool:
        """Register one; False where its machine cannot be asked now."""
        run = await self._store.read(run_rows.get, run_id)
        facts = from_wire(ModelFacts, {**request.about, "created_by": run.submitted_by})
        try:
            version: ModelVersion | None = None
            async for item in self._models.get().register_run(request.name, run_id, request.path, facts):
                version = item.get("version", version)
        except Unreachable as problem:
            log.info("the model %s of run %s waits: %s", request.name, run_id, problem.message)
            return False
        except WorkbenchError as problem:
            shown = clean_name(request.name, 128)
            why = f"the model {shown} was not registered: {clean_name(problem.message, 400)}"
            await self._store.write(_refused, run, request, why)
            return True
        if version is not None:
            said = f"{version.name}:{version.version}"
            await self._store.write(model_requests.answer, run_id, request, said)
        return version is not None


def _refused(change: Transaction, run: Run, request: ModelRequest, why: str) -> None:
    model_requests.answer(change, run.id, request, why)
    run_entries.warn(change, run_rows.number(change.connection, run.id), [why])
    change.event(RUN_CHANGED, run_subject(run.experiment, run.id), {"warning": why})
