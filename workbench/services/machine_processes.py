"""What is done with the processes of machines, as a part of the noun compute."""

from __future__ import annotations

from typing import Literal

from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets

ASK_SECONDS = 20.0
Signal = Literal["TERM", "INT", "HUP", "KILL"]


class MachineProcessService:
    """Ending processes; only those of the user we are on the machine can be ended from here."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @call
    async def end_process(self, name: str, pid: int, start: int, signal: Signal = "TERM") -> dict[str, bool]:
        """Send a signal to the process that pid and start (of its sample) mean: {"ended": seen to be gone}.

        Raises NotFound when it is gone, also when its number is another's by now; Refused for another
        user's.
        """
        await self._context.store.read(targets.get, name)
        link = await self._context.link(name)
        asked = {"pid": pid, "start": start, "signal": signal}
        answer = await link.call("end_process", asked, timeout=ASK_SECONDS)
        return {"ended": answer.get("ended") is True}
