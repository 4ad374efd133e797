"""Environments as a service: versions, their aliases, what runs are given (AZ-132 to AZ-139)."""

from __future__ import annotations

from typing import Any

from workbench.entities.base import replace
from workbench.entities.environment import EnvironmentDefinition, EnvironmentVersion
from workbench.environments.definition import untranslated
from workbench.environments.presets import PRESETS, Preset
from workbench.services.context import Context
from workbench.services.environment_making import Wanted
from workbench.services.operation import call
from workbench.store.registry import environments_registry as registry
from workbench.text.asset_reference import checked_alias, checked_name, parse

Names = list[str] | None
Texts = list[str]
Presets = list[Preset]


class EnvironmentService:
    """What can be done with environments; `environment` is NAME, NAME:VERSION or NAME@ALIAS."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._maker = context.environments

    @call
    async def list(self, name: str | None = None, archived: bool = False) -> list[EnvironmentVersion]:
        """The newest version of each environment, or all of one, newest first; without locks."""
        if name is None:
            return await self._store.read(registry.every, archived)
        return await self._store.read(registry.versions, checked_name(name), archived)

    @call
    async def get(self, environment: str) -> EnvironmentVersion:
        """One version, with its definition and its lock; raises NotFound."""
        return await self._store.read(registry.get, parse(environment))

    @call
    async def presets(self) -> Presets:
        """The definitions that are built in."""
        return [*PRESETS.values()]

    @call
    async def register(
        self,
        name: str,
        definition: EnvironmentDefinition,
        lock: str | None = None,
        requires_python: str | None = None,
        description: str | None = None,
        tags: dict[str, str | None] | None = None,
        created_by: str | None = None,
        upgrade: bool = False,
    ) -> EnvironmentVersion:
        """The version with that definition: the one there is, else a new one, resolved now (AZ-132).

        upgrade: resolve anew, a next version where the outcome is another (AZ-135). lock, requires_python:
        what it was resolved to elsewhere. Raises Refused (a reserved name), ConfigurationError,
        IndexUnreachable.
        """
        said = Wanted(lock, requires_python, description, tags, created_by, upgrade)
        return await self._maker.make(name, definition, said)

    @call
    async def settle(self, environment: str, created_by: str | None = None) -> dict[str, Any]:
        """{"environment"}: NAME:VERSION or an interpreter's path, of a name, preset, image or hosted name."""
        return {"environment": await self._maker.settle(environment, created_by)}

    @call
    async def clone(
        self, environment: str, name: str, variables: dict[str, str] | None = None
    ) -> EnvironmentVersion:
        """The same definition and lock under another name (AZ-139); variables are set beside its own."""
        found = await self.get(environment)
        definition = replace(found.definition, variables={**found.definition.variables, **(variables or {})})
        said = Wanted(found.lock, found.requires_python, found.description, found.tags)
        return await self._maker.make(name, definition, said)

    @call
    async def untranslated(self, environment: str) -> Texts:
        """What of a conda file only conda can install: missing where a machine has none."""
        return untranslated((await self.get(environment)).definition)

    @call
    async def tag(
        self,
        environment: str,
        set: dict[str, str | None] | None = None,
        remove: Names = None,
        description: str | None = None,
    ) -> EnvironmentVersion:
        """Set and remove tags of a version, change its description."""
        found = await self.get(environment)
        return await self._store.write(registry.describe, found, description, set, remove)

    @call
    async def archive(self, environment: str, archived: bool = True) -> EnvironmentVersion:
        """Hide a version from lists and from `latest`, or bring it back."""
        return await self._store.write(registry.archive, await self.get(environment), archived)

    @call
    async def set_alias(self, environment: str, alias: str) -> EnvironmentVersion:
        """Let an alias mean a version (AZ-133); raises Conflict for latest."""
        found = await self.get(environment)
        return await self._store.write(registry.set_alias, found, checked_alias(alias))

    @call
    async def remove_alias(self, name: str, alias: str) -> EnvironmentVersion:
        """Forget an alias; raises NotFound."""
        return await self._store.write(registry.remove_alias, checked_name(name), checked_alias(alias))
