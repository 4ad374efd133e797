"""What the processes of a run are doing, as a service."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.entities.base import from_wire
from workbench.entities.process_stack import RunStacks
from workbench.errors import RemoteError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.text.sanitize import clean

ASK_SECONDS = 120.0
LONGEST = 1 << 16


class RunStackService:
    """Looking into runs that hang."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @call
    async def stack(self, run: str) -> RunStacks:
        """Where every process of a run is: its Pythons' threads, what others wait for. It goes on meanwhile.

        Raises Conflict when it has no processes, Unreachable.
        """
        found = await self._context.place(run)
        link = await self._context.link(found.target)
        answer = await link.call("stack", {"run": found.id}, timeout=ASK_SECONDS)
        try:
            return from_wire(RunStacks, _cleaned(answer))
        except msgspec.ValidationError as problem:
            raise RemoteError(f"{found.target} told what makes no sense of the run's processes") from problem


def _cleaned(value: Any) -> Any:
    """What a machine said with every text of it harmless."""
    if isinstance(value, str):
        return clean(value, LONGEST)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(key), 100): _cleaned(item) for key, item in value.items()}
    return value
