"""Making versions of environments: checked, resolved once however many ask, kept (AZ-132, AZ-135)."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind, EnvironmentVersion
from workbench.environments import requirements
from workbench.environments.canonical import definition_hash
from workbench.environments.definition import asked_indexes, settled
from workbench.environments.locking import Lock, resolve
from workbench.environments.names import checked_new_name
from workbench.environments.presets import PRESETS
from workbench.environments.reference import Form, read
from workbench.environments.requirement_lines import index_secrets
from workbench.errors import NotFound, UsageError
from workbench.runs.activity import activity
from workbench.runs.locks import Locks
from workbench.store.async_store import AsyncStore
from workbench.store.registry import environments_registry as registry
from workbench.store.registry import hosted_names
from workbench.store.workspace.secret_store import SecretStore
from workbench.text import hosted
from workbench.text.asset_reference import AssetReference
from workbench.text.sanitize import clean_name

MOST_MAPS = 5
"""Names that lead to one another in a map, before that is called a circle."""


class Wanted(NamedTuple):
    """What is said of a version beside its definition."""

    lock: str | None = None
    requires_python: str | None = None
    description: str | None = None
    tags: dict[str, str | None] | None = None
    created_by: str | None = None
    upgrade: bool = False


class EnvironmentMaker:
    """One workspace's way from definitions to versions."""

    def __init__(self, store: AsyncStore, secrets: SecretStore) -> None:
        self._store = store
        self._secrets = secrets
        self._making = Locks()

    async def make(self, name: str, definition: EnvironmentDefinition, said: Wanted) -> EnvironmentVersion:
        """The version with that definition; a new one is resolved first, as an activity.

        Raises Refused (a reserved name), ConfigurationError, IndexUnreachable, WorkbenchError (no uv).
        """
        checked_new_name(name)
        definition = await asyncio.to_thread(settled, definition)
        digest = await asyncio.to_thread(definition_hash, definition)
        async with self._making.of(f"{name}/{digest}"):
            known = await self._store.read(registry.same, name, digest)
            if known is not None and not said.upgrade:
                return await self._kept(known, said)
            lock = await self._lock(name, definition, said)
            wanted = EnvironmentVersion(
                name=name,
                version=0,
                hash=digest,
                definition=definition,
                lock=lock.text,
                requires_python=lock.requires_python,
                created=datetime.now(UTC),
                created_by=said.created_by,
                description=said.description,
                tags=said.tags or {},
            )
            made, new = await self._store.write(registry.register, wanted, said.upgrade)
            return made if new else await self._kept(made, said)

    async def _kept(self, known: EnvironmentVersion, said: Wanted) -> EnvironmentVersion:
        """A version that is there, back in lists, with what is said of it now."""
        if known.archived:
            known = await self._store.write(registry.archive, known, False)
        if said.description is not None or said.tags:
            known = await self._store.write(registry.describe, known, said.description, said.tags)
        return known

    async def _lock(self, name: str, definition: EnvironmentDefinition, said: Wanted) -> Lock:
        if said.lock is not None:
            if definition.kind in (EnvironmentKind.PYTHON, EnvironmentKind.IMAGE):
                raise UsageError(f"an environment of kind {definition.kind.value} has no lock")
            return Lock(requirements.read(said.lock, "the lock").text, said.requires_python)
        subject = f"environments/{name}"
        if definition.kind in (EnvironmentKind.PYTHON, EnvironmentKind.IMAGE):
            return Lock(None, None)
        async with activity(self._store, "resolve", subject, f"resolving {name}"):
            # User and password of an index: for uv's eyes alone, as it looks for them.
            names = index_secrets(asked_indexes(definition))
            hidden = await asyncio.to_thread(self._secrets.those_of, names) if names else {}
            return await resolve(definition, {**os.environ, **hidden})

    async def settle(self, text: str, created_by: str | None = None) -> str:
        """NAME:VERSION, or the path of an interpreter: what a text means that names no file of the caller.

        A preset is registered by its first use. Raises NotFound, UsageError and what `make` raises.
        """
        for _ in range(MOST_MAPS):
            found = read(text)
            if found.form is Form.PYTHON:
                return found.text
            if found.form is Form.VERSION and found.asset is not None:
                return await self._version(found.asset, created_by)
            if found.form is Form.IMAGE:
                definition = EnvironmentDefinition(kind=EnvironmentKind.IMAGE, image=found.text)
                name = image_name(found.text)
                version = await self.make(name, definition, Wanted(created_by=created_by))
                return f"{version.name}:{version.version}"
            if found.form is not Form.HOSTED:
                raise UsageError(
                    f"{clean_name(text, 80)} is a file of the submitting side", "register it first"
                )
            ours = await self._store.read(hosted_names.find, hosted.ENVIRONMENT, hosted.keys(text))
            if ours is None:
                known = None if found.asset is None else await self._store.read(registry.find, found.asset)
                if known is None:
                    raise unmapped(text)
                return f"{known.name}:{known.version}"
            text = ours.ours
        raise UsageError(f"{clean_name(text, 80)} leads back to itself in the environment map")

    async def _version(self, reference: AssetReference, created_by: str | None) -> str:
        preset = PRESETS.get(reference.name)
        found = await self._store.read(registry.find, reference)
        if found is None and preset is not None and reference.version is None:
            said = Wanted(description=preset.description, created_by=created_by)
            found = await self.make(preset.name, preset.definition, said)
        if found is None:
            found = await self._store.read(registry.get, reference)
        return f"{found.name}:{found.version}"


def image_name(image: str) -> str:
    """The name an image's environment has: pytorch-2.4.0 of docker.io/pytorch/pytorch:2.4.0."""
    from workbench.environments.names import name_from

    plain = image.partition("@")[0].rpartition("/")[2]
    return name_from(plain.replace(":", "-"))


def unmapped(text: str) -> NotFound:
    """Nothing here is what a name of the cloud means; the hint proposes the nearest preset."""
    name = hosted.name(text).lower()
    near = next(
        (preset for word, preset in (("sklearn", "sklearn"), ("scikit", "sklearn"), ("torch", "pytorch"),
                                     ("acpt", "pytorch")) if word in name),
        "python",
    )  # fmt: skip
    return NotFound(
        f"{clean_name(text, 200)} is an environment of the cloud, and nothing here stands for it",
        f"wb workspace map set environment {clean_name(hosted.name(text), 100)} {near}",
    )
