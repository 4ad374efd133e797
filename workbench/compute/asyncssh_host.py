"""A machine reached through asyncssh: jump hosts, host keys, sign-in, one connection for everything."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from workbench.compute.address import Address, parse_address, parse_jump
from workbench.compute.asyncssh_channel import AsyncsshChannel
from workbench.compute.channel import Channel
from workbench.compute.host_keys import DEFAULT_PORT, HostKeys
from workbench.compute.identities import sort_identities, without_agents
from workbench.compute.signin import SignIn
from workbench.compute.ssh_client import HopClient
from workbench.compute.ssh_config import Survey, config_paths, survey
from workbench.compute.ssh_errors import explain
from workbench.entities.target import TargetSettings
from workbench.errors import ConfigurationError, NeedsSignIn, Unreachable, UsageError, WorkbenchError
from workbench.text.sanitize import clean_name

CONNECT_TIMEOUT = 20.0  # seconds a hop gets to be reached and to let us in, questions to the user not counted
KEEPALIVE = 15
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
        self._settings = settings
        self._address = parse_address(settings.address)
        self._sign_in = sign_in
        self._host_keys = HostKeys(known_hosts, accept_keys)
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._connections: list[asyncssh.SSHClientConnection] = []
        self._survey: Survey | None = None

    async def connect(self) -> None:
        """See `Host`."""
        async with self._lock:
            if self._connections and not self._connections[-1].is_closed():
                return
            await self._hang_up()
            try:
                paths = await asyncio.to_thread(config_paths, self._settings.ssh_config)
                await self._reach(self._address, paths, jump=self._settings.jump, depth=0, target=True)
            except BaseException:  # a hop may stand already; also when the attempt is cancelled
                await self._hang_up()
                raise

    async def open(self, line: str) -> Channel:
        """See `Host`. Raises Unreachable also when the machine allows no further session."""
        await self.connect()
        try:
            return await AsyncsshChannel.start(self._connections[-1], line)
        except asyncssh.ChannelOpenError as error:
            raise Unreachable(
                f"{self.describe()} opens no further session: {clean_name(error.reason, 200)}",
                "its sshd allows few sessions a connection (MaxSessions)",
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise explain(error, self.describe(), self._port) from error

    async def close(self) -> None:
        """See `Host`."""
        async with self._lock:
            await self._hang_up()

    def describe(self) -> str:
        """See `Host`."""
        if self._survey is None:
            return str(self._address)
        return f"{self._survey.user}@{self._survey.host}:{self._survey.port}"

    @property
    def survey(self) -> Survey | None:
        """What ssh_config says of the machine; None before the first connect."""
        return self._survey

    @property
    def _port(self) -> int:
        return self._survey.port if self._survey else self._address.port or DEFAULT_PORT

    async def _hang_up(self) -> None:
        connections, self._connections = self._connections, []
        for connection in reversed(connections):
            connection.abort()
            await connection.wait_closed()

    # --- the way there --------------------------------------------------------------------------------

    async def _reach(
        self, address: Address, paths: list[Path], *, jump: str | None, depth: int, target: bool = False
    ) -> None:
        """Connect to address, over its jump hosts when it has any; the connection is the last of the list."""
        if depth > MAX_HOPS:
            raise ConfigurationError("the jump hosts of ssh_config lead round in a circle", "check its ProxyJump")
        found = await asyncio.to_thread(survey, address, paths)
        if target:
            self._survey = found
        for hop in self._hops(found, jump, first=not self._connections):
            await self._reach(hop, paths, jump=None, depth=depth + 1)
        await self._join(address, found)

    @staticmethod
    def _hops(found: Survey, jump: str | None, *, first: bool) -> list[Address]:
        """The jump hosts before a host; none where one stands already, nor itself (`Host *` matches it too)."""
        if not first:
            return []
        hops = parse_jump(jump if jump is not None else found.proxy_jump)
        return [] if hops and hops[-1].host in (found.host, found.named) else hops

    async def _join(self, address: Address, found: Survey) -> None:
        name = f"{found.user}@{found.host}" + (f":{found.port}" if found.port != DEFAULT_PORT else "")
        known_name, known_port = (found.alias, DEFAULT_PORT) if found.alias else (found.host, found.port)
        known = await asyncio.to_thread(self._host_keys.known, found.known_hosts, known_name, known_port)
        keys = await asyncio.to_thread(sort_identities, self._identities(found))
        agent = str(found.options.get("IdentityAgent") or os.environ.get("SSH_AUTH_SOCK", ""))
        encrypted = await without_agents(keys.encrypted, agent)
        timeout = float(found.options.get("ConnectTimeout") or self._timeout)
        log = _ProxyLog() if found.proxy_command and not self._connections else None
        client: HopClient | None = None
        try:
            async with asyncio.timeout(timeout) as scope:

                def asking(begun: bool) -> None:
                    with suppress(RuntimeError):  # the attempt has ended meanwhile
                        scope.reschedule(None if begun else asyncio.get_running_loop().time() + timeout)

                client = HopClient(
                    name, known, self._host_keys, found.strict, self._sign_in, encrypted, asking
                )
                one = client
                options = self._options(found, [str(path) for path in keys.plain])
                if log is not None:
                    options["proxy_command"] = log.wrap(found.proxy_command or "")
                connection = await asyncssh.connect(
                    address.host,
                    address.port or (),
                    username=address.user or (),
                    config=[str(path) for path in found.paths],
                    tunnel=self._connections[-1] if self._connections else (),
                    client_factory=lambda: one,
                    known_hosts=lambda *_: (
                        [entry.key for entry in known.keys], known.authorities, known.revoked
                    ),
                    **{**({} if "HostKeyAlgorithms" in found.options else
                          {"server_host_key_algs": known.algorithms()}), **options},
                )
        except (OSError, asyncssh.Error, ValueError) as error:
            raise _why(error, client, found, log) from error
        finally:
            if log is not None:
                log.remove()
        self._connections.append(connection)

    def _identities(self, found: Survey) -> list[Path]:
        if self._settings.identity is None:
            return found.identities
        return [Path(self._settings.identity).expanduser()]
