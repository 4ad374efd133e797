"""What is well with a machine and what is not, as a service."""

from __future__ import annotations

from typing import Any

from workbench.compute.examination import examine, merged
from workbench.compute.lasting import breaks
from workbench.errors import RemoteError
from workbench.remote.doctor.checks import ailing
from workbench.services.context import Context
from workbench.services.machine_facts import renew_facts
from workbench.services.operation import call
from workbench.store.fleet import targets

DOCTOR_SECONDS = 240.0
"""A container is started on the way, which may take its time where a disk is slow."""


def broken() -> list[dict[str, Any]]:
    """A finding for each of this side's own tasks that broke since it was started."""
    hint = "a mistake of ours: it began again by itself, and the server's log says where it broke"
    return [ailing("server", "warn", found.text, hint, "wb server logs") for found in breaks()]


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
        target = await self._store.read(targets.get, name)
        link = await self._context.link(name)
        asked = {"containers": True, "container_engine": target.settings.container_engine}
        answer = await link.call("doctor", asked, timeout=DOCTOR_SECONDS)
        found = answer.get("checks")
        if not isinstance(found, list):
            raise RemoteError(f"{name} gave no report")
        await renew_facts(self._store, link, name)  # what is listed of it is what was just found there
        own = await examine(link, self._context.fleet.host(name), answer)
        return merged(found, [*own, *broken()], name)
