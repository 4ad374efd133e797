"""Experiments as a service."""

from __future__ import annotations

from workbench.entities.experiment import Experiment, Goal
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.workspace import experiments


class ExperimentService:
    """What can be done with experiments (AZ-64 to AZ-68)."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def list(self, archived: bool = False) -> list[Experiment]:
        """All experiments, newest activity first."""
        return await self._store.read(experiments.every, archived)

    @call
    async def get(self, name: str) -> Experiment:
        """One experiment; raises NotFound."""
        return await self._store.read(experiments.get, name)

    @call
    async def set(
        self,
        name: str,
        primary_metric: str | None = None,
        goal: Goal | None = None,
        tags: dict[str, str | None] | None = None,
    ) -> Experiment:
        """Choose the metric runs are judged by, its goal, or tags."""
        return await self._store.write(
            experiments.update, name, primary_metric=primary_metric, goal=goal, tags=tags
        )

    @call
    async def archive(self, name: str, archived: bool = True) -> Experiment:
        """Hide an experiment, or bring it back; raises Conflict when an active one has the name."""
        return await self._store.write(experiments.update, name, archived=archived)
