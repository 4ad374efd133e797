"""What a run ran in, as a service: the definition, what it was resolved to, what was installed (AZ-90)."""

from __future__ import annotations

from typing import Any

from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.registry import environments_registry as registry
from workbench.store.runs import environments, kept_runs
from workbench.text.asset_reference import AssetReference, parse


class RunEnvironmentService:
    """What can be asked of a run's environment."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def environment(self, run: str) -> dict[str, Any]:
        """{"environment"?, "version"?, "interpreters", "installed"}: what a run ran in.

        environment: NAME:VERSION, or an interpreter's path; absent where it was the target's own. version:
        with definition and lock. interpreters: the Pythons that were seen in it; installed: what was in each
        of them, name to version by the interpreter's path.
        """
        found = await self._context.place(run)
        configuration = await self._store.read(kept_runs.configuration, found.id)
        named = configuration.environment or found.environment
        reference = None if named is None else _version(named)
        version = None if reference is None else await self._store.read(registry.find, reference)
        return {
            "environment": named,
            "version": version,
            "interpreters": found.interpreters,
            "installed": await self._store.read(environments.distributions, found.id),
        }


def _version(text: str) -> AssetReference | None:
    """The version that a run's environment is; None for an interpreter's path."""
    if text.startswith(("/", "~")):
        return None
    try:
        return parse(text)
    except UsageError:  # a run of another workbench, or an imported one
        return None
