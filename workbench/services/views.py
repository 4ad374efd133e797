"""Saved views of the list of runs as a service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.entities.view import View
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.lists import run_groups
from workbench.store.queries import filtering, ordering
from workbench.store.queries.query import RunQuery
from workbench.store.workspace import views
from workbench.text.saved_names import RULE, valid_saved_name

MOST_COLUMNS = 100


Names = list[str] | None


class ViewService:
    """What can be done with views."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def list(self) -> list[View]:
        """All views by name."""
        return await self._store.read(views.every)

    @call
    async def get(self, name: str) -> View:
        """One view; raises NotFound."""
        return await self._store.read(views.get, name)

    @call
    async def save(
        self,
        name: str,
        filter: str | None = None,
        experiment: str | None = None,
        sort: str | None = None,
        descending: bool | None = None,
        group: str | None = None,
        columns: Names = None,
    ) -> View:
        """Keep a view, in place of one of that name. Raises UsageError where a part of it means nothing."""
        if not valid_saved_name(name):
            raise UsageError(f"{name!r} is no name for a view", RULE)
        if filter is not None:
            filtering.read(filter)
        if group is not None:
            run_groups.read_key(group)
        if len(columns or ()) > MOST_COLUMNS or any(len(column) > 1000 for column in columns or ()):
            raise UsageError(f"a view has at most {MOST_COLUMNS} columns")
        if sort is not None:
            await self._store.read(ordering.find, RunQuery(order=sort, limit=0))
        view = View(
            name=name,
            filter=filter or None,
            experiment=experiment,
            sort=sort,
            descending=descending,
            group=group,
            columns=columns,
            created=datetime.now(UTC),
        )
        return await self._store.write(views.put, view)

    @call
    async def remove(self, name: str) -> dict[str, Any]:
        """Forget a view; runs stay as they are. Raises NotFound."""
        await self._store.write(views.remove, name)
        return {}
