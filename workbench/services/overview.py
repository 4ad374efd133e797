"""How the whole workspace stands, in a few numbers."""

from __future__ import annotations

from workbench.entities.run import WORKING
from workbench.entities.target import TargetKind, TargetState
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets
from workbench.store.lists import run_order

TROUBLED = frozenset({TargetState.UNREACHABLE, TargetState.NEEDS_SIGN_IN})


class OverviewService:
    """The noun `workspace`."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def summary(self) -> dict[str, int]:
        """{"machines", "connected", "troubled", "running", "waiting"}; this machine is not counted."""
        attached = [
            target for target in await self._store.read(targets.every) if target.kind is not TargetKind.LOCAL
        ]
        runs = await self._store.read(run_order.active)
        return {
            "machines": len(attached),
            "connected": sum(target.state is TargetState.CONNECTED for target in attached),
            "troubled": sum(target.state in TROUBLED for target in attached),
            "running": sum(count for _, status, count in runs if status in WORKING),
            "waiting": sum(count for _, status, count in runs if status not in WORKING),
        }
