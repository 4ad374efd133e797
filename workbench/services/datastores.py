"""Datastores as a service: which there are, and which is the default."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.data.places import checked_place
from workbench.entities.base import replace
from workbench.entities.datastore import Datastore, DatastoreKind
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets
from workbench.store.registry import datastores

CHANGEABLE = ("root", "target", "endpoint", "region", "options", "secret", "read_only", "description", "tags")
Datastores = list[Datastore]


class DatastoreService:
    """The noun `datastores`; without a name the default one is meant."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def list(self) -> Datastores:
        """All datastores by name."""
        return await self._store.read(datastores.every)

    @call
    async def get(self, name: str | None = None) -> Datastore:
        """One datastore, the default one without a name; raises NotFound."""
        return await self._store.read(datastores.get, name)

    @call
    async def add(
        self,
        name: str,
        kind: DatastoreKind,
        root: str,
        target: str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
        options: dict[str, str] | None = None,
        secret: str | None = None,
        read_only: bool = False,
        default: bool = False,
        description: str | None = None,
        tags: dict[str, str | None] | None = None,
    ) -> Datastore:
        """Make a datastore (AZ-43); nothing is asked of the place itself. Raises UsageError, Conflict.

        secret: the name of the secret that lets one in; nothing that must not be seen is taken here.
        """
        made = Datastore(
            name=name,
            kind=kind,
            root=root,
            target=target,
            endpoint=endpoint,
            region=region,
            options=options or {},
            secret=secret,
            read_only=read_only,
            default=default,
            description=description or None,
            tags=tags or {},
            created=datetime.now(UTC),
        )
        return await self._store.write(datastores.add, await self._checked(made))

    @call
    async def set(self, name: str, changes: dict[str, Any]) -> Datastore:
        """Change a datastore; an empty value takes a field away. Raises NotFound, UsageError."""
        before = await self._store.read(datastores.get, name)
        unknown = [key for key in changes if key not in CHANGEABLE]
        if unknown:
            raise UsageError(f"a datastore has no {unknown[0]!r} to set", ", ".join(CHANGEABLE))
        read = {key: _value(key, value) for key, value in changes.items()}
        return await self._store.write(datastores.put, await self._checked(replace(before, **read)))

    @call
    async def default(self, name: str) -> Datastore:
        """Make a datastore the default one (AZ-44); raises NotFound."""
        found = await self._store.read(datastores.get, name)
        return await self._store.write(datastores.put, replace(found, default=True))

    @call
    async def remove(self, name: str) -> dict[str, Any]:
        """Forget a datastore; what is in it stays. Raises NotFound, Conflict for the default one."""
        await self._store.write(datastores.remove, name)
        return {}

    async def _checked(self, datastore: Datastore) -> Datastore:
        if datastore.target is not None:
            await self._store.read(targets.get, datastore.target)
        return checked_place(datastore)


def _value(key: str, value: Any) -> Any:
    """A change's value as the field takes it; raises UsageError."""
    if key in ("options", "tags"):
        if not isinstance(value or {}, dict):
            raise UsageError(f"{key} are names with values")
        texts = {str(name): None if text is None else str(text) for name, text in (value or {}).items()}
        return texts if key == "tags" else {name: text or "" for name, text in texts.items()}
    if key == "read_only":
        return value in (True, "true", "yes", "1")
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{key} is a text")
    return value or ("" if key == "root" else None)
