"""Filters of runs as a service: what one means here, and which names nothing has."""

from __future__ import annotations

from typing import Any

from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.lists import filter_names


class RunFilterService:
    """What can be asked about a filter itself."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def check_filter(self, filter: str, experiment: str | None = None) -> dict[str, Any]:
        """{"filter", "unknown"}: the filter in one form, and [{"name", "start", "stop", "message", "hint"}].

        unknown: names that no run has; a run without one fits no comparison with it. start and stop: where a
        name stands, in characters from 0. Raises NotFound (experiment), UsageError (its data have them too).
        """
        return await self._store.read(filter_names.check, filter, experiment)

    @call
    async def check_names(self, names: list[str], experiment: str | None = None) -> list[dict[str, Any]]:
        """[{"name", "message", "hint"}]: those that no run has, of names as a list is sorted or grouped by.

        names: param:NAME, tag:NAME, metric:NAME, min:, max:, best:NAME, or a name alone.
        Raises NotFound (experiment).
        """
        return await self._store.read(filter_names.check_axes, names, experiment)
