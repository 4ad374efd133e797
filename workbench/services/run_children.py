"""Child runs as a service: what there is below a run."""

from __future__ import annotations

from typing import Any

from workbench.entities.run import Run
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.run_fitting import read_state
from workbench.store.runs import children

Words = list[str] | None


class RunChildService:
    """The runs below a run, whether it made them itself or they were submitted."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @call
    async def children(
        self,
        run: str,
        recursive: bool = False,
        tags: dict[str, str | None] | None = None,
        properties: dict[str, str | None] | None = None,
        status: Words = None,
    ) -> list[Run]:
        """The runs below one, the first made first; recursive: each followed by those below it (AZ-84).

        tags, properties: a value of null is that the name is there. All that is given must fit. Raises
        NotFound, UsageError.
        """
        found = await self._context.resolve(run)
        states = {read_state(name) for name in status or ()}
        below = await self._context.store.read(children.rows, found.id, recursive=recursive)
        return [
            self._context.fresh(child)
            for child in below
            if (not states or child.status in states)
            and _has(child.tags, tags or {})
            and _has(child.properties, properties or {})
        ]

    @call
    async def children_metric(self, run: str) -> dict[str, Any]:
        """{"metric", "goal"}: what a run's children can be judged by; metric null where none measured.

        That of their experiment where half of them log it, else what most of them log. Raises NotFound.
        """
        found = await self._context.resolve(run)
        metric, goal = await self._context.store.read(children.metric, found.id)
        return {"metric": metric, "goal": goal.value}


def _has(entries: dict[str, str] | dict[str, str | None], wanted: dict[str, str | None]) -> bool:
    return all(
        name in entries and (value is None or entries[name] == value) for name, value in wanted.items()
    )
