"""Tabular datasets, as a service: their first rows, datasets made of them by steps, and their profiles."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any

from workbench.data.reading import DatasetFiles, single_name
from workbench.data.tables import preview, table_definition, with_types
from workbench.entities.base import replace
from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.entities.dataset import DatasetKind, DatasetVersion
from workbench.entities.datastore import DatastoreKind
from workbench.entities.run import Run, RunState
from workbench.errors import NotFound, UsageError, WorkbenchError
from workbench.home import user_at_host
from workbench.remote.forms.run_ids import new_run_id
from workbench.remote.tabular.profiling import DEFINITION, TABLE
from workbench.services.context import Context
from workbench.services.datasets import read_reference
from workbench.services.operation import call
from workbench.services.runs import RunService
from workbench.store.metrics import tables
from workbench.store.registry import datasets, datastores
from workbench.store.runs import run_rows
from workbench.text.asset_reference import checked_name

EXPERIMENT = "profiles"
MOST_ROWS = 10_000
Steps = list[dict[str, Any]]
log = logging.getLogger(__name__)


class DatasetTableService:
    """Part of the noun `datasets`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._files = DatasetFiles(context.datastores)
        self._runs = RunService(context)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take up profiles that an earlier server left."""
        for name, version, run in await self._store.read(datasets.unfinished_profiles):
            self._await(name, version, run)

    async def close(self) -> None:
        """End what waits for profiles; the next server goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _version(self, dataset: str) -> DatasetVersion:
        asked = read_reference(dataset)
        return await self._store.read(datasets.get, asked.name, asked.version)

    async def _table(self, dataset: str) -> tuple[DatasetVersion, dict[str, Any]]:
        version = await self._version(dataset)
        definition = table_definition(version.kind, version.table)
        if definition is None:
            raise UsageError(
                f"{version.reference} is a dataset of files, no table",
                f"wb data register {version.name} PATH --table csv --new-version makes it one",
            )
        return version, definition

    @call
    async def preview(self, dataset: str, rows: int = 20) -> dict[str, Any]:
        """{"columns": [ColumnType], "rows": [[value]], "cut"}: the first rows of a table; raises UsageError.

        cut: reading stopped before so many were found.
        """
        version, definition = await self._table(dataset)
        if not 0 < rows <= MOST_ROWS:
            raise UsageError(f"a preview has {MOST_ROWS} rows at most")
        found = await preview(self._context.datastores, version.source, definition, rows)
        return {"columns": found.columns, "rows": found.rows, "cut": found.cut}

    @call
    async def derive(
        self,
        dataset: str,
        name: str,
        steps: Steps,
        description: str | None = None,
        tags: dict[str, str | None] | None = None,
        new_version: bool = False,
        created_by: str | None = None,
    ) -> DatasetVersion:
        """A dataset of another one's rows behind further steps (AZ-53): the source is not changed or copied.

        steps: take, skip, share, keep, drop, filter, timestamps, as `remote.tabular.steps` reads them.
        """
        version, definition = await self._table(dataset)
        asked = {**definition, "steps": [*definition["steps"], *steps]}
        wanted = table_definition(DatasetKind.TABULAR, asked)
        assert wanted is not None
        wanted, columns = await with_types(self._context.datastores, version.source, wanted)
        made = replace(
            version,
            name=checked_name(name),
            version=0,
            table=wanted,
            schema=columns,
            description=description or None,
            tags=tags or {},
            properties={**version.properties, "workbench.derived_from": version.reference},
            run=None,
            created=datetime.now(UTC),
            created_by=created_by,
        )
        return await self._store.write(datasets.register, made, new_version)

    @call
    async def make_profile(self, dataset: str, target: str | None = None, python: str | None = None) -> Run:
        """Profile a table by a run where its files lie, or on another target (AZ-61): the Run.

        python: an interpreter there, for parquet one that has pyarrow.
        """
        version, definition = await self._table(dataset)
        listing = await self._files.look(version.source, table=version.table)
        if not listing.files:
            raise NotFound(f"{version.reference} has no files")
        kind = "uri_file" if single_name(listing.files) is not None else "uri_folder"
        configuration = RunConfiguration(
            command=["python", "-m", "workbench.remote.tabular.profiling"],
            experiment=EXPERIMENT,
            name=f"profile-{version.name}-{version.version}",
            target=target or await self._place(version),
            data_inputs={"data": DataInput(type=kind, path=f"data:{version.reference}")},
            environment=python,
            environment_variables={DEFINITION: json.dumps(definition)},
            gpus=0,
            ingest=False,
            mlflow=False,
            tags={"dataset": version.reference},
        )
        run = await self._runs.submit(new_run_id(), configuration, submitted_by=user_at_host())
        await self._store.write(datasets.put_profile, version.name, version.version, run.id)
        self._await(version.name, version.version, run.id)
        return run

    async def _place(self, version: DatasetVersion) -> str:
        """The target on which a version's files lie; this side where they lie on none."""
        if version.source.target is not None:
            return version.source.target
        if version.locations:
            return next(iter(version.locations))
        if version.source.datastore is not None:
            store = await self._store.read(datastores.get, version.source.datastore)
            if store.kind is DatastoreKind.MACHINE and store.target is not None:
                return store.target
        return "local"

    @call
    async def profile(self, dataset: str) -> dict[str, Any]:
        """{"run", "status"?, "columns"? [{column, type, ..}], "made"?}; raises NotFound."""
        version = await self._version(dataset)
        found = await self._store.read(datasets.profile, version.name, version.version)
        if found is None:
            raise NotFound(f"{version.reference} has no profile", f"wb data profile {version.reference}")
        if "columns" not in found:
            await self._settle(version.name, version.version, found["run"])
            found = await self._store.read(datasets.profile, version.name, version.version) or found
        try:
            status = (await self._store.read(run_rows.get, found["run"])).status.value
        except NotFound:  # removed since
            status = None
        return {**found, "status": status}

    def _await(self, name: str, version: int, run: str) -> None:
        task = asyncio.create_task(self._until_over(name, version, run), name=f"profile {name}:{version}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_over(self, name: str, version: int, run: str) -> None:
        try:
            async for _ in self._runs.watch(run):
                pass
            await self._settle(name, version, run)
        except WorkbenchError as problem:  # the run was removed: nothing will come of it
            log.info("the profile of %s:%d is not kept: %s", name, version, problem.message)

    async def _settle(self, name: str, version: int, run_id: str) -> None:
        """Keep what a run found, once it is over."""
        run = await self._store.read(run_rows.get, run_id)
        if run.status is not RunState.COMPLETED:
            return
        table = (await self._store.read(tables.rows, run_id, TABLE)).get(TABLE)
        if not table:
            return
        names = list(table)
        columns = [dict(zip(names, row, strict=False)) for row in zip(*table.values(), strict=False)]
        found = {"columns": columns, "made": run.ended}
        await self._store.write(datasets.put_profile, name, version, run_id, found)
