"""Taking machines out of service and back, as a part of the noun compute."""

from __future__ import annotations

from workbench.entities.queue import MachineQueue
from workbench.home import user_name
from workbench.runs.queue_words import read_cordon, read_queue
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets

ASK_SECONDS = 20.0


class CordonService:
    """Cordon and drain; the machine itself remembers it, so every laptop and user of its leases sees it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def cordon(
        self, name: str, on: bool = True, drain: bool = False, reason: str = "", by: str | None = None
    ) -> MachineQueue:
        """Let nothing start on a machine until it is lifted (on=false); what runs goes on.

        Runs that wait there wait on. drain: nothing new is taken on either, so that it empties itself.
        """
        await self._store.read(targets.get, name)
        link = await self._context.link(name)
        asked = {"on": on, "drain": drain, "reason": reason, "by": by or user_name()}
        answer = await link.call("cordon", asked, timeout=ASK_SECONDS)
        made = read_cordon(answer.get("cordon") if isinstance(answer, dict) else None)
        await self._context.cordons.note(name, made)
        return read_queue(name, await link.call("queue", {}, timeout=ASK_SECONDS)).machine
