"""The table of runs as a service: pages of light rows, however many runs there are."""

from __future__ import annotations

from typing import Any, Unpack

from workbench.entities.base import replace
from workbench.entities.run_group import RunGroup
from workbench.entities.run_row import RunRow, RunTable
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.run_fitting import Fitting, query
from workbench.store.lists import run_groups, run_order, run_table
from workbench.store.lists.run_table import NEWEST, read_columns
from workbench.store.queries.query import RunQuery

MAX_PAGE = 1000
Words = list[str] | None


class RunTableService:
    """What a table of runs asks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def table(
        self,
        ids: Words = None,
        sort: str = "created",
        descending: bool | None = None,
        offset: int = 0,
        limit: int = 50,
        columns: Words = None,
        **which: Unpack[Fitting],
    ) -> RunTable:
        """{"total", "rows", "sequence"}: one page of the runs that fit; no total where `count` has to tell.

        sort: created, name, experiment, target, status, started,
        ended, duration, primary, best, metric:NAME, min:NAME, max:NAME, best:NAME, param:NAME, tag:NAME;
        descending absent: newest first by age, else lowest first. columns: sparkline, param:NAME, tag:NAME,
        metric:NAME, min:NAME, max:NAME, best:NAME, spark:NAME (its course), attribute:NAME; absent: the
        sparkline, all params and tags. ids: only these, at most MAX_PAGE. sequence: `events.watch` from there
        on misses nothing. Raises NotFound (experiment), UsageError.
        """
        if not 0 < limit <= MAX_PAGE or len(ids or ()) > MAX_PAGE:
            raise UsageError(f"a page holds 1 to {MAX_PAGE} runs")
        page_of = {"ids": tuple(ids or ()), "offset": max(0, offset), "limit": limit}
        asked = query(which, order=sort, descending=descending, **page_of)
        page = await self._store.read(run_table.page, self._store.orders, asked, read_columns(columns))
        return replace(page, rows=[self._fresh(row) for row in page.rows])

    @call
    async def count(self, **which: Unpack[Fitting]) -> dict[str, int]:
        """{"count": n}: how many runs fit. The parameters and errors are those of `table`.

        No page waits for it: of 100,000 runs all that a filter does not leave out have to be looked at.
        """
        return {"count": await self._store.read(self._store.orders.count, query(which))}

    @call
    async def order(
        self,
        sort: str = "created",
        descending: bool | None = None,
        grouped: bool = False,
        group: str | None = None,
        unfold: Words = None,
        **which: Unpack[Fitting],
    ) -> dict[str, Any]:
        """{"ids", "groups"}: all ids that fit, in order, separated by spaces; [experiment, count] a group.

        unfold: runs that are followed by their children; "depths" says how far below another a child stands.
        grouped: runs of an experiment stand together. group: those that share what `groups` groups by do,
        and groups are [value, count], null where there is none. The other parameters are those of `table`;
        so are the errors.
        """
        asked = query(which, order=sort, descending=descending)
        ids, groups, depths = await self._store.read(
            run_order.order, self._store.orders, asked, grouped=grouped, group=group, unfold=unfold or ()
        )
        return {"ids": " ".join(ids), "groups": groups, **({"depths": depths} if depths else {})}

    @call
    async def groups(self, by: str, **which: Unpack[Fitting]) -> list[RunGroup]:
        """The runs that fit by what they have in common, the largest group first.

        by: an attribute such as status, target or experiment, param:NAME, tag:NAME. Groups are judged by the
        metric of their experiments, where that is one. Raises NotFound (experiment), UsageError.
        """
        return await self._store.read(run_groups.groups, query(which), by)

    @call
    async def active_by_target(self) -> dict[str, dict[str, int]]:
        """{"runs": {target: n}}: how many runs can still change on each machine."""
        runs: dict[str, int] = {}
        for target, _, count in await self._store.read(run_order.active):
            runs[target] = runs.get(target, 0) + count
        return {"runs": runs}

    def _fresh(self, row: RunRow) -> RunRow:
        heard = self._context.heard(row.id, row.as_of)
        return row if heard == row.as_of else replace(row, as_of=heard)

    @call
    async def columns(self, experiment: str | None = None) -> dict[str, list[str]]:
        """{"params", "tags", "metrics"}: the names that the newest runs have, to choose columns from."""
        return await self._store.read(run_table.column_names, RunQuery(experiment=experiment, limit=NEWEST))
