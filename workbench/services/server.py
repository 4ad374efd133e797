"""The server itself as a service, reachable from every workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.services.operation import call


class ServerService:
    """What can be asked of the process that holds the workspaces."""

    def __init__(self, facts: Callable[[], dict[str, Any]], stop: Callable[[], None]) -> None:
        self._facts = facts
        self._stop = stop

    @call
    async def info(self) -> dict[str, Any]:
        """Version, process, since when, and what it is busy with."""
        return self._facts()

    @call
    async def stop(self) -> dict[str, Any]:
        """End the server; runs go on, the next client starts it again."""
        self._stop()
        return {}
