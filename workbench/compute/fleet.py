"""The fleet: one link a machine, made on demand, noticed when lost, reconnected without a storm."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from workbench.compute.backoff import Backoff
from workbench.compute.channel import Host
from workbench.compute.hosts import make_host
from workbench.compute.link import Link
from workbench.compute.machine import Machine, OnState
from workbench.compute.signin import SignIn
from workbench.entities.target import Target, TargetState
from workbench.errors import NotFound, Unreachable

PATIENT = Backoff()


class Fleet:
    """All machines of one server.

    known_hosts: our own file. on_state: told of each change with the machine's name and, when it is not
    connected, why; called in the event loop, must not block. idle: seconds after which a link nobody uses is
    closed, its machine's state then IDLE; 0: never. One that a user answered questions for stays.
    """

    def __init__(
        self, known_hosts: Path, on_state: OnState, backoff: Backoff = PATIENT, idle: float = 0.0
    ) -> None:
        self._known_hosts = known_hosts
        self._on_state = on_state
        self._backoff = backoff
        self._idle = idle
        self._machines: dict[str, Machine] = {}

    def configure(self, target: Target) -> None:
        """Take a target in, or its changed settings.

        They count from the next `link` on; another root or python needs no new connection.
        """
        machine = self._machines.get(target.name)
        if machine is None:
            self._machines[target.name] = Machine(
                target, self._known_hosts, self._on_state, self._backoff, self._idle
            )
        else:
            machine.change(target)

    async def forget(self, name: str) -> None:
        """Close a machine's link and forget the machine; nothing happens when it is not known."""
        machine = self._machines.pop(name, None)
        if machine is not None:
            await machine.close()

    async def link(
        self,
        name: str,
        sign_in: SignIn | None = None,
        *,
        accept_keys: Collection[str] = (),
        retry_now: bool = False,
    ) -> Link:
        """The machine's link; connects when there is none.

        Concurrent callers share one attempt. In back-off the last error is raised at once, unless a user
        asks: with retry_now, sign_in or accept_keys. Raises Unreachable and its kinds, NotFound, NoPython.
        """
        machine = self._get(name)
        by_user = retry_now or sign_in is not None or bool(accept_keys)
        return await machine.link(sign_in, accept_keys, by_user=by_user)

    def state(self, name: str) -> tuple[TargetState, str | None]:
        """What is known of a machine now, and why when it is not connected. Raises NotFound."""
        machine = self._get(name)
        return machine.state, machine.problem

    def current(self, name: str) -> Link | None:
        """The link that is up now; None when there is none, or no such machine."""
        machine = self._machines.get(name)
        return None if machine is None else machine.current

    def retry_in(self, name: str) -> float | None:
        """Seconds until `link` tries again after a failure, 0 when it would now; None: only for a user.

        Raises NotFound.
        """
        return self._get(name).retry_in

    def alerts_off(self, name: str) -> list[str]:
        """The rules of alerts that a machine is not judged by; none for one that is not known."""
        machine = self._machines.get(name)
        return machine.target.settings.alerts_off if machine is not None else []

    def host(self, name: str) -> Host:
        """What the machine's link runs over. Raises NotFound, Unreachable while there is no link."""
        host = self._get(name).host
        if host is None:
            raise Unreachable(f"{name} is not connected", "connect to it first")
        return host

    async def own_host(self, name: str) -> Host:
        """Another way to the machine, for what needs no link; the caller closes it. Nobody is asked anything.

        Raises NotFound, UsageError for a target without an address.
        """
        target = self._get(name).target
        return await asyncio.to_thread(make_host, target, known_hosts=self._known_hosts)

    async def close(self) -> None:
        """Close every link and end every attempt."""
        machines, self._machines = list(self._machines.values()), {}
        await asyncio.gather(*(machine.close() for machine in machines))

    def _get(self, name: str) -> Machine:
        machine = self._machines.get(name)
        if machine is None:
            raise NotFound(f"there is no target named {name!r}", "see: wb compute ls")
        return machine
