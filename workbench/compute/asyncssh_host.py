"""A machine reached through asyncssh: its jump hosts, then itself; one connection for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import asyncssh

from workbench.compute.address import Address, parse_address, parse_jump
from workbench.compute.asyncssh_channel import AsyncsshChannel
from workbench.compute.channel import Channel
from workbench.compute.host_keys import HostKeys
from workbench.compute.signin import SignIn
from workbench.compute.ssh_config import Survey, config_paths, survey
from workbench.compute.ssh_errors import explain
from workbench.compute.ssh_hop import Hop, Manner, join_hop
from workbench.entities.target import TargetSettings
from workbench.errors import ConfigurationError, Unreachable, UsageError
from workbench.text.sanitize import clean_name

CONNECT_TIMEOUT = 20.0
MAX_HOPS = 8


class AsyncsshHost:
    """A machine over SSH; see `Host`.

    known_hosts: our own file, beside the user's. sign_in: who answers prompts. accept_keys: fingerprints the
    user accepted just now. timeout: seconds a hop gets, unless ssh_config has a ConnectTimeout.
    """

    def __init__(
        self,
        settings: TargetSettings,
        known_hosts: Path,
        sign_in: SignIn,
        accept_keys: Collection[str] = (),
        timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        if not settings.address:
            raise UsageError("the target has no address", "set one: wb compute set NAME address=USER@HOST")
        self._address = parse_address(settings.address)
        self._jump = settings.jump
        self._ssh_config = settings.ssh_config
        self._manner = Manner(HostKeys(known_hosts, accept_keys), sign_in, timeout)
        self._identity = Path(settings.identity).expanduser() if settings.identity else None
        self._lock = asyncio.Lock()
        self._hops: list[Hop] = []
        self.survey: Survey | None = None
        """What ssh_config says of the machine; None before the first connect."""

    async def connect(self) -> None:
        """See `Host`."""
        async with self._lock:
            if self._hops and not self._hops[-1].connection.is_closed():
                return
            await self._hang_up()
            paths = config_paths(self._ssh_config)
            try:
                self.survey = await asyncio.to_thread(survey, self._address, paths)
                manner = self._manner._replace(identity=self._identity)
                await self._reach(self._address, self.survey, self._jump, manner, depth=0)
            except BaseException:  # also when the attempt is cancelled: a hop may stand already
                await self._hang_up()
                raise

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

    async def close(self) -> None:
        """See `Host`."""
        async with self._lock:
            await self._hang_up()

    def describe(self) -> str:
        """See `Host`."""
        if self.survey is None:
            return str(self._address)
        return str(Address(self.survey.host, self.survey.user, self.survey.port))

    @property
    def cipher(self) -> str | None:
        """What the connection to the machine is encrypted with; None while there is none."""
        return str(self._hops[-1].connection.get_extra_info("send_cipher")) if self._hops else None

    async def _reach(
        self, address: Address, found: Survey, jump: str | None, manner: Manner, depth: int
    ) -> None:
        """Connect to address, over its jump hosts first; every hop joins the list."""
        if depth > MAX_HOPS:
            raise ConfigurationError("the jump hosts of ssh_config lead round in a circle", "check ProxyJump")
        # Only the first hop has a way of its own; later ones are reached from the hop before.
        for hop in [] if self._hops else jump_hosts(found, jump):
            there = await asyncio.to_thread(survey, hop, found.paths)
            await self._reach(hop, there, None, self._manner, depth + 1)
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
