# Written by docs/make_sdk.py from workbench/aio/keyvault.py: change it there.
"""The workspace's secrets (AZ-11): kept by the system's keyring or encrypted, in no record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.sdk.workspace import Workspace


class Keyvault:
    """A workspace's secret store."""

    def __init__(self, workspace: Workspace) -> None:
        self._session = workspace.session

    def set_secret(self, name: str, value: str) -> None:
        """Keep a value under a name, in place of another."""
        self._session.call("secrets", "set", name=name, value=value)

    def get_secret(self, name: str) -> str:
        """The value; raises NotFound."""
        return str((self._session.call("secrets", "get", name=name))["value"])

    def list_secrets(self) -> list[str]:
        """The names that are kept."""
        return [str(item["name"]) for item in self._session.call("secrets", "list")]

    def delete_secret(self, name: str) -> None:
        """Forget one; raises NotFound."""
        self._session.call("secrets", "remove", name=name)
