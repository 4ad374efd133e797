"""How the whole workspace stands, in a few numbers."""

from __future__ import annotations

from workbench.entities.run import WORKING
from workbench.entities.target import Target, TargetKind, TargetState
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets
from workbench.store.lists import run_order

TROUBLED = frozenset({TargetState.UNREACHABLE, TargetState.NEEDS_SIGN_IN})


def _reached(target: Target) -> bool:
    """Whether a machine can be asked now; this one can without a connection, unless something is wrong."""
    here = target.kind is TargetKind.LOCAL and target.state not in TROUBLED
    return here or target.state is TargetState.CONNECTED


class OverviewService:
    """The noun `workspace`."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def summary(self) -> dict[str, int]:
        """{"machines", "connected", "troubled", "running", "waiting"}; this machine is one of them."""
        found = await self._store.read(targets.every)
        runs = await self._store.read(run_order.active)
        return {
            "machines": len(found),
            "connected": sum(map(_reached, found)),
            "troubled": sum(target.state in TROUBLED for target in found),
            "running": sum(count for _, status, count in runs if status in WORKING),
            "waiting": sum(count for _, status, count in runs if status not in WORKING),
        }
