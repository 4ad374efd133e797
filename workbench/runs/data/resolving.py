"""Which versions a run's inputs are of, made exact when it is submitted: `latest` is what it was then."""

from __future__ import annotations

from workbench.entities.base import replace
from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.errors import NotFound, UsageError
from workbench.runs.data.places import check_inputs, read_input
from workbench.store.async_store import AsyncStore
from workbench.store.registry import datasets, datastores, hosted_names, model_versions
from workbench.text import hosted
from workbench.text.asset_reference import LATEST, checked_name
from workbench.text.data_path import read_data_path


async def resolved_data(store: AsyncStore, configuration: RunConfiguration) -> RunConfiguration:
    """The configuration with `asset` of every input that is a version's.

    Raises UsageError, NotFound for what no machine could make sense of.
    """
    if not configuration.data_inputs and not configuration.outputs:
        return configuration
    rows = await store.read(hosted_names.every, hosted.DATA)
    ours = {row.hosted: row.ours for row in rows}
    inputs = {
        name: replace(item, path=hosted.place_of(item.path, ours) or item.path)
        for name, item in configuration.data_inputs.items()
    }
    configuration = replace(configuration, data_inputs=inputs)
    check_inputs(configuration)
    inputs = {name: await _resolved(store, name, item) for name, item in inputs.items()}
    for name, output in configuration.outputs.items():
        if output.name is not None:
            checked_name(output.name)
        if output.path is not None and (place := read_data_path(output.path)).datastore is not None:
            known = await store.read(datastores.get, place.datastore)
            if known.read_only:
                raise UsageError(f"output {name}: the datastore {known.name} is only read")
    return replace(configuration, data_inputs=inputs)


async def _resolved(store: AsyncStore, name: str, item: DataInput) -> DataInput:
    path = read_input(name, item)
    if path.datastore is not None:
        await store.read(datastores.get, path.datastore)
    if path.data is not None:
        if path.data.alias not in (None, LATEST):
            raise NotFound(
                f"input {name}: {path.path}: datasets have no aliases but latest", "data:NAME:VERSION"
            )
        version = await store.read(datasets.get, path.data.name, path.data.version)
        return replace(item, asset=f"data:{version.reference}")
    if path.model is not None:
        model = await store.read(model_versions.get, path.model)
        return replace(item, asset=f"model:{model.name}:{model.version}")
    return item
