"""A machine reached through asyncssh: its jump hosts, then itself; one connection for everything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh

from workbench.compute.address import Address, parse_jump
from workbench.compute.asyncssh_channel import AsyncsshChannel
from workbench.compute.channel import Channel
from workbench.compute.host_keys import HostKeys
from workbench.compute.ssh_config import Survey, config_paths, survey
from workbench.compute.ssh_errors import explain
from workbench.compute.ssh_hop import Hop, Manner, join_hop
from workbench.compute.ssh_host import SshHost
from workbench.errors import ConfigurationError, Unreachable
from workbench.text.sanitize import clean_name

MAX_HOPS = 8


class AsyncsshHost(SshHost):
    """A machine over asyncssh; timeout is what each hop gets."""

    def _prepare(self) -> None:
        keys, identity = HostKeys(self._known_hosts, self._accept), self._settings.identity
        self._manner = Manner(keys, self._sign_in, self._timeout)
        self._identity = Path(identity).expanduser() if identity else None
        self._hops: list[Hop] = []
        self.survey: Survey | None = None
        """What ssh_config says of the machine; None before the first connect."""

    async def open(self, line: str) -> Channel:
        """See `Host`. Raises Unreachable also when the machine allows no further session."""
        await self.connect()
        try:
            return await AsyncsshChannel.start(self._hops[-1].connection, line)
        except asyncssh.ChannelOpenError as error:
            raise Unreachable(
                f"{self.describe()} opens no further session: {clean_name(error.reason, 200)}",
                "its sshd allows few sessions a connection (MaxSessions)",
            ) from error
        except (asyncssh.Error, OSError) as error:
            assert self.survey is not None
            raise explain(error, self.survey.host, self.survey.port) from error

    @property
    def cipher(self) -> str | None:
        """What the connection to the machine is encrypted with; None while there is none."""
        return str(self._hops[-1].connection.get_extra_info("send_cipher")) if self._hops else None

    @property
    def _connected(self) -> bool:
        return bool(self._hops) and not self._hops[-1].connection.is_closed()

    @property
    def _found(self) -> Address | None:
        found = self.survey
        return None if found is None else Address(found.host, found.user, found.port)

    async def _reach(self) -> None:
        paths = config_paths(self._settings.ssh_config)
        self.survey = await asyncio.to_thread(survey, self._address, paths)
        manner = self._manner._replace(identity=self._identity)
        await self._join(self._address, self.survey, self._settings.jump, manner)

    async def _join(
        self, address: Address, found: Survey, jump: str | None, manner: Manner, depth: int = 0
    ) -> None:
        """Connect to address, over its jump hosts first; every hop joins the list."""
        if depth > MAX_HOPS:
            raise ConfigurationError("the jump hosts of ssh_config lead round in a circle", "check ProxyJump")
        # Only the first hop has a way of its own; later ones are reached from the hop before.
        for hop in [] if self._hops else jump_hosts(found, jump):
            there = await asyncio.to_thread(survey, hop, found.paths)
            await self._join(hop, there, None, self._manner, depth + 1)
        over = self._hops[-1].connection if self._hops else None
        self._hops.append(await join_hop(address, found, over, manner))

    async def _hang_up(self) -> None:
        hops, self._hops = self._hops, []
        for hop in reversed(hops):
            await hop.leave()


def jump_hosts(found: Survey, jump: str | None) -> list[Address]:
    """The hosts on the way to a host: those of its settings, else of ssh_config.

    A host is never its own jump host, although a ProxyJump under `Host *` says so.
    """
    hops = parse_jump(jump if jump is not None else found.proxy_jump)
    return [] if hops and hops[-1].host in (found.host, found.named) else hops
