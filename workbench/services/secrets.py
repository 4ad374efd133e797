"""Secrets as a service (AZ-11): who reaches the server's socket is the user themself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.entities.secret import Secret
from workbench.home import Home
from workbench.runs.stored_secrets import Reader
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.settings import SecretSettings
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import SECRET_CHANGED
from workbench.store.workspace.secret_store import SecretStore
from workbench.store.workspace.system_keyring import LazyKeyring

Secrets = list[Secret]


def open_secrets(workspace: str, home: Home, settings: SecretSettings) -> SecretStore:
    """A workspace's secrets, where the settings want them. Nothing is opened before it is asked for."""
    key = Path(settings.key_file).expanduser() if settings.key_file else home.root / "secrets.key"
    keyring = None if settings.store == "file" else LazyKeyring(home.root, settings.store == "keyring")
    return SecretStore(home.workspace(workspace), key, workspace, keyring)


def reading(store: SecretStore) -> Reader:
    """What gives a store's values to who waits for them."""

    async def read(names: Sequence[str]) -> dict[str, str]:
        return await asyncio.to_thread(store.those_of, names)

    return read


class SecretService:
    """The noun `secrets`."""

    def __init__(self, context: Context) -> None:
        self._secrets = context.secrets
        self._store = context.store

    @call
    async def list(self) -> Secrets:
        """All secrets by name, without their values."""
        return await asyncio.to_thread(self._secrets.every)

    @call
    async def set(self, name: str, value: str) -> Secret:
        """Keep a value, in place of what was there. Raises UsageError, StoreError."""
        kept = await asyncio.to_thread(self._secrets.put, name, value)
        await self._store.write(_told, name, "set")
        return kept

    @call
    async def get(self, name: str) -> dict[str, Any]:
        """{"value"}; raises NotFound, StoreError when it cannot be read."""
        return {"value": await asyncio.to_thread(self._secrets.get, name)}

    @call
    async def remove(self, name: str) -> dict[str, Any]:
        """Forget a secret; runs and datastores that need it fail from then on. Raises NotFound.

        {"left"}: whether its value stays in a keyring that does not let it go, as one that is locked.
        """
        gone = await asyncio.to_thread(self._secrets.remove, name)
        await self._store.write(_told, name, "removed")
        return {"left": not gone}


def _told(change: Transaction, name: str, what: str) -> None:
    change.event(SECRET_CHANGED, f"secrets/{name}", {"changed": what})
