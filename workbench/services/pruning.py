"""Room on machines as a service: what we keep there, what of it may go, and removing it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from workbench.compute.holdings import read_figures, read_holdings, read_named
from workbench.compute.link import Link
from workbench.entities.holdings import Holdings, PrunePlan
from workbench.errors import NotFound
from workbench.runs import pruning
from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.operation import call, items
from workbench.store.fleet import prunable, targets
from workbench.store.runs import run_data
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean

Names = list[str] | None
MONTH = 30 * 86400.0


class PruneService:
    """What is done about full disks of compute targets."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def _link(self, name: str) -> Link:
        await self._store.read(targets.get, name)
        return await self._context.link(name)

    @items
    async def du(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """What the workbench keeps on a machine: {"done", "of", "bytes"} while it is counted, at the end
        {"holdings": Holdings}.
        """
        async with (await self._link(name)).stream("holdings") as stream:
            async for event in stream:
                if isinstance(event, dict):
                    yield read_figures(event, ("done", "of", "bytes"))
            answer = await stream.result()
        yield {"holdings": read_holdings(answer)}

    @call
    async def prune_plan(self, name: str, older: float = MONTH, keep: Names = None) -> PrunePlan:
        """What `prune` would remove of a machine by these rules, and how much that frees; nothing is touched.

        older: seconds since a run ended. keep: best, tagged, registered (all three when absent), archived.
        """
        rules = pruning.rules(older, pruning.USUAL if keep is None else keep)
        link = await self._link(name)
        return await self._plan(link, name, read_holdings(await link.call("holdings")), rules)

    @items
    async def room(
        self, name: str, older: float = MONTH, keep: Names = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """`du` and `prune_plan` in one count: as `du` while it is counted, then {"holdings", "plan"}."""
        rules = pruning.rules(older, pruning.USUAL if keep is None else keep)
        async with aclosing(self.du(name)) as counting:
            async for item in counting:
                if "holdings" in item:
                    item["plan"] = await self._plan(await self._link(name), name, item["holdings"], rules)
                yield item

    async def _plan(self, link: Link, name: str, held: Holdings, rules: pruning.Rules) -> PrunePlan:
        rows = await self._store.read(prunable.of_target, name)
        holding = await self._store.read(run_data.holding)
        known = {
            row.id: pruning.Known(
                name=row.name, experiment=row.experiment, over=row.over, best=row.best, tagged=row.tagged,
                archived=row.archived, files_there=row.files_there, bytes_there=row.bytes_there,
                unseen=row.unseen, registered=row.registered or row.id in holding,
            )
            for row in rows
        }  # fmt: skip
        plan = pruning.decide(name, held, known, rules)
        asked = _asked({kind: [i.id for i in plan.remove if i.kind == kind] for kind in KINDS})
        kept: dict[tuple[str, str], str] = {}
        async with link.stream("prune", {**asked, "dry_run": True}) as stream:
            async for event in stream:
                stays = event.get("kept") if isinstance(event, dict) else None
                if isinstance(stays, dict):
                    why = clean(str(stays.get("why") or ""), 500)
                    kept.update({(kind, str(stays[kind])): why for kind in KINDS if kind in stays})
            answer = await stream.result()
        return pruning.judged(plan, kept, read_figures(answer, ("bytes", "blobs")))

    @items
    async def prune(
        self,
        name: str,
        runs: Names = None,
        trees: Names = None,
        environments: Names = None,
        payloads: Names = None,
        data: Names = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Remove these of a machine for good, and contents that nothing names any more.

        {"removed": {"run" | "tree" | "environment" | "data" | "payload": id, "bytes"}} and {"kept": {..,
        "why"}} as it goes, then the figures of all. The rows of the runs stay, with what was fetched. The
        machine refuses what lives, what a run needs, and snapshots that were asked for in the last day.
        """
        link = await self._link(name)
        named = zip(KINDS, (runs, trees, environments, payloads, data), strict=True)
        asked = _asked({kind: ids or [] for kind, ids in named})
        async with activity(self._store, "prune", f"compute/{name}", "making room") as progress:
            async with link.stream("prune", {**asked, "dry_run": False}) as stream:
                freed = 0
                async for event in stream:
                    if not isinstance(event, dict):
                        continue
                    if isinstance(event.get("removed"), dict):
                        removed = read_named(event["removed"], KINDS)
                        freed += removed.get("bytes") or 0
                        if removed.get("run") in asked["runs"]:  # of others it has nothing to say
                            await self._note(removed["run"])
                        await progress.report(f"{sizes.short(freed)} freed")
                        yield {"removed": removed}
                    elif isinstance(event.get("kept"), dict):
                        yield {"kept": read_named(event["kept"], KINDS)}
                answer = await stream.result()
            figures = read_figures(answer, ("bytes", "blobs", *(many(kind) for kind in KINDS)))
            gone = counted(figures["runs"] or 0, "run")
            await progress.report(f"{sizes.short(figures['bytes'])} freed, {gone} removed")
        yield figures

    async def _note(self, run: str) -> None:
        when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        try:
            await self._store.write(prunable.mark_pruned, run, when)
        except NotFound:  # it was removed here as well meanwhile
            return


KINDS = ("run", "tree", "environment", "payload", "data")
MANY = {"data": "data"}
"""Kinds that are called the same when there are many."""


def _asked(found: dict[str, list[str]]) -> dict[str, Any]:
    """The parameters of the machine's `prune`."""
    return {**{many(kind): found[kind] for kind in KINDS}, "blobs": True}


def many(kind: str) -> str:
    """What several of a kind are called in parameters and figures."""
    return MANY.get(kind, f"{kind}s")
