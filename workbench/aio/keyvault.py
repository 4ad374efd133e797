"""The workspace's secrets (AZ-11): kept by the system's keyring or encrypted, in no record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.aio.workspace import Workspace


class Keyvault:
    """A workspace's secret store."""

    def __init__(self, workspace: Workspace) -> None:
        self._session = workspace.session

    async def set_secret(self, name: str, value: str) -> None:
        """Keep a value under a name, in place of another."""
        await self._session.call("secrets", "set", name=name, value=value)

    async def get_secret(self, name: str) -> str:
        """The value; raises NotFound."""
        return str((await self._session.call("secrets", "get", name=name))["value"])

    async def list_secrets(self) -> list[str]:
        """The names that are kept."""
        return [str(item["name"]) for item in await self._session.call("secrets", "list")]

    async def delete_secret(self, name: str) -> None:
        """Forget one; raises NotFound."""
        await self._session.call("secrets", "remove", name=name)
