"""What runs read and wrote, and the way of a dataset: which run made it, which read it, what came of it."""

from __future__ import annotations

from typing import Any

from workbench.entities.dataset import DatasetVersion
from workbench.entities.run import Run
from workbench.entities.run_data import DataDirection, RunData
from workbench.errors import NotFound
from workbench.services.context import Context
from workbench.services.datasets import read_reference
from workbench.services.operation import call
from workbench.store.registry import datasets, model_versions
from workbench.store.runs import run_data, run_rows

MOST = 1000


class RunDataService:
    """Data of runs, under the noun `runs`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def data(self, run: str) -> list[RunData]:
        """Its inputs, then its named outputs, by name: id, mechanism and path on its machine (AZ-60)."""
        found = await self._context.resolve(run)
        return await self._store.read(run_data.of_run, found.id)


class LineageService:
    """Where data came from and where it went, under the noun `datasets`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def lineage(self, dataset: str) -> dict[str, Any]:
        """{version, made_by?: Run, made_of: [RunData], read_by: [Run], models: [ModelVersion], became}.

        made_of: what the run that made it read. models: versions that came of its readers. became: [RunData],
        the dataset versions that they made.
        """
        asked = read_reference(dataset)
        version = await self._store.read(datasets.get, asked.name, asked.version)
        made_by = await self._run(version.run)
        of_maker = [] if made_by is None else await self._store.read(run_data.of_run, made_by.id)
        readers = await self._readers(version)
        became = [
            row
            for run in readers
            for row in await self._store.read(run_data.of_run, run.id)
            if row.direction is DataDirection.OUTPUT and row.asset is not None
        ]
        models = [model for run in readers for model in await self._store.read(model_versions.of_run, run.id)]
        return {
            "version": version,
            "models": models,
            "made_by": made_by,
            "made_of": [row for row in of_maker if row.direction is DataDirection.INPUT],
            "read_by": readers,
            "became": became,
        }

    @call
    async def last_used(self) -> dict[str, Any]:
        """{name: {run, run_name, experiment, version, created}}: who read each dataset last."""
        found: dict[str, Any] = dict(await self._store.read(run_data.last_readers))
        for name, reader in found.items():
            run = await self._run(reader["run"])
            found[name] = {**reader, "created": None if run is None else run.created}
        return found

    async def _run(self, run_id: str | None) -> Run | None:
        if run_id is None:
            return None
        try:
            return await self._store.read(run_rows.get, run_id)
        except NotFound:  # removed since
            return None

    async def _readers(self, version: DatasetVersion) -> list[Run]:
        asset = f"data:{version.reference}"
        ids = await self._store.read(run_data.runs_of_asset, asset, DataDirection.INPUT)
        found = [await self._run(run_id) for run_id in ids[:MOST]]
        return [run for run in found if run is not None]
