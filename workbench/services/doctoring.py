"""What is well with a machine and what is not, as a service."""

from __future__ import annotations

from typing import Any

from workbench.compute.examination import examine, merged
from workbench.errors import RemoteError
from workbench.services.context import Context
from workbench.services.machine_facts import PROBE_SECONDS, renew_facts
from workbench.services.operation import call
from workbench.store import targets


class DoctorService:
    """The doctor of compute targets."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def doctor(self, name: str) -> list[dict[str, Any]]:
        """What is well and what is not, what is wrong first: name, state (ok, warn, bad), text, hint?, fix?.

        fix is a command to be copied: one of ours, else one that is run on the machine.
        """
        await self._store.read(targets.get, name)
        link = await self._context.link(name)
        answer = await link.call("doctor", timeout=PROBE_SECONDS)
        found = answer.get("checks")
        if not isinstance(found, list):
            raise RemoteError(f"{name} gave no report")
        await renew_facts(self._store, link, name)  # what is listed of it is what was just found there
        return merged(found, await examine(link, self._context.fleet.host(name), answer), name)
