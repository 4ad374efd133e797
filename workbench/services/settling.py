"""What a configuration's names mean in this workspace: exact ones, before a run is made of it."""

from __future__ import annotations

import sqlite3

from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.pool import ANY
from workbench.services.environment_making import EnvironmentMaker
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import pools, targets
from workbench.store.registry import hosted_names
from workbench.text import hosted


async def settled(
    configuration: RunConfiguration, store: AsyncStore, maker: EnvironmentMaker, by: str | None
) -> RunConfiguration:
    """The configuration with its environment as NAME:VERSION, and its target by the name it has here.

    A target that nothing here answers to stays as it is. Raises NotFound (environment), UsageError, and what
    resolving a preset raises.
    """
    changes: dict[str, str] = {}
    if configuration.target is not None:
        here = await store.read(target_here, configuration.target)
        changes["target"] = configuration.target if here is None else here
    if configuration.environment is not None:
        changes["environment"] = await maker.settle(configuration.environment, by)
    return replace(configuration, **changes)


def target_here(connection: sqlite3.Connection, name: str) -> str | None:
    """The machine or pool that a name means: its own, by the compute map, or behind azureml:; else None."""
    known = {ANY, *(target.name for target in targets.every(connection))}
    known |= {pool.name for pool in pools.every(connection)}
    if name in known:
        return name
    found = hosted_names.find(connection, hosted.COMPUTE, hosted.keys(name))
    if found is not None:
        return found.ours
    plain = name.removeprefix(hosted.PREFIX)
    return plain if plain in known else None
