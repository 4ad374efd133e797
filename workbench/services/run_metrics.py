"""What runs measured, and what else they logged."""

from __future__ import annotations

from typing import Any

from workbench.entities.metric import Bucket, Evaluation, Logged, Points, SeriesSummary
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.metrics import evaluations, log_envelope, logged, series, summaries, tables, values
from workbench.store.metrics.summaries import METRIC, STEP, TIME, Selection
from workbench.store.runs import environments, run_entries


class RunMetricService:
    """The records of runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def metrics(self, run: str) -> list[SeriesSummary]:
        """One row a series."""
        found = await self._context.resolve(run)
        return await self._store.read(summaries.of_run, found.id)

    @call
    async def points(self, run: str, name: str, rank: int | None = None, limit: int | None = None) -> Points:
        """The values of one metric (AZ-100) as columns; raises NotFound for a name the run never logged."""
        found = await self._context.resolve(run)
        return await self._store.read(series.points, found.id, name, rank, limit)

    @call
    async def envelope(
        self,
        run: str,
        name: str,
        buckets: int = 500,
        rank: int | None = None,
        attempt: int | None = None,
        x: str = "step",
        low: float | None = None,
        high: float | None = None,
        coarse: bool = False,
        origin: float | None = None,
    ) -> list[Bucket]:
        """The series as min/max buckets, for a picture buckets columns wide.

        attempt: of one alone, with what newer ones replaced. x: "step", "time" (seconds since 1970), or
        "metric:" and the name of another one. low, high: the part of x that is wanted. coarse: over
        another metric, a first picture at once where the exact one takes long. origin: x counts from there on
        a logarithmic axis: so many buckets for each tenth of the way to it. Raises NotFound, UsageError.
        """
        if x not in (STEP, TIME) and not x.startswith(METRIC):
            raise UsageError(f"a metric has no x axis {x!r}", "it is step, time or metric:NAME")
        found = await self._context.resolve(run)
        selection = Selection(rank, attempt, x, low, high, coarse)
        buckets = max(1, min(buckets, 10_000))
        if origin is not None and not coarse:
            return await self._store.read(log_envelope.towards, found.id, name, buckets, selection, origin)
        return await self._store.read(summaries.envelope, found.id, name, buckets, selection)

    @call
    async def values(self, run: str, name: str | None = None) -> dict[str, Any]:
        """All that was logged: one value, a list of several, a table's columns, an evaluation (AZ-99)."""
        found = await self._context.resolve(run)
        return await self._store.read(values.of_run, found.id, name)

    @call
    async def logged(self, run: str) -> list[Logged]:
        """What was logged besides series of numbers, by name and kind."""
        found = await self._context.resolve(run)
        return await self._store.read(logged.of_run, found.id)

    @call
    async def rows(
        self, run: str, name: str | None = None, limit: int | None = None
    ) -> dict[str, dict[str, list[Any]]]:
        """Tables logged row by row, as columns (AZ-99); of one that is named also only its last rows."""
        found = await self._context.resolve(run)
        return await self._store.read(tables.rows, found.id, name, limit)

    @call
    async def distributions(self, run: str) -> dict[str, dict[str, str]]:
        """What was installed in the Pythons it used, name to version by the interpreter's path (AZ-90)."""
        found = await self._context.resolve(run)
        return await self._store.read(environments.distributions, found.id)

    @call
    async def evaluations(
        self, run: str, name: str | None = None, limit: int | None = None
    ) -> dict[str, list[Evaluation]]:
        """Confusion matrices and the like by name, as they were logged (AZ-97), or the last ones of each."""
        found = await self._context.resolve(run)
        return await self._store.read(evaluations.of_run, found.id, name, limit)

    @call
    async def texts(
        self, run: str, name: str | None = None, limit: int | None = None
    ) -> dict[str, list[tuple[int | None, str | None]]]:
        """Metrics whose values are texts, by name: step and text in the order written, or the last ones."""
        found = await self._context.resolve(run)
        return await self._store.read(tables.texts, found.id, name, limit)

    @call
    async def warnings(self, run: str) -> list[str]:
        """What the run's own logging complained about."""
        found = await self._context.resolve(run)
        return await self._store.read(run_entries.warnings, found.id)
