"""What machines over SSH share, whichever program speaks it: what they are told and their one connection."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

from workbench.compute.address import Address, parse_address
from workbench.compute.channel import Channel
from workbench.compute.signin import SignIn
from workbench.entities.target import TargetSettings
from workbench.errors import UsageError

CONNECT_TIMEOUT = 20.0


class SshHost(ABC):
    """A machine over SSH; see `Host`.

    known_hosts: our own file; keys accepted here are added to it, the user's files are only read. sign_in:
    who answers prompts. accept_keys: fingerprints the user accepted just now. timeout: seconds to connect,
    without the time a person takes to answer, unless ssh_config has a ConnectTimeout.
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
        self._settings = settings
        self._known_hosts = known_hosts
        self._sign_in = sign_in
        self._accept = frozenset(accept_keys)
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._prepare()

    async def connect(self) -> None:
        """See `Host`."""
        async with self._lock:
            if self._connected:
                return
            await self._hang_up()
            try:
                await self._reach()
            except BaseException:  # also when the attempt is cancelled: half of a way may stand already
                await self._hang_up()
                raise

    @abstractmethod
    async def open(self, line: str) -> Channel:
        """See `Host`."""

    async def close(self) -> None:
        """See `Host`."""
        async with self._lock:
            await self._hang_up()

    def describe(self) -> str:
        """See `Host`."""
        return str(self._found or self._address)

    @abstractmethod
    def _prepare(self) -> None:
        """Set up what this way of reaching a machine holds besides."""

    @property
    @abstractmethod
    def _connected(self) -> bool:
        """Whether the connection stands."""

    @property
    @abstractmethod
    def _found(self) -> Address | None:
        """What ssh_config makes of the address; None before the first connect."""

    @abstractmethod
    async def _reach(self) -> None:
        """Connect; what stands when this raises is hung up."""

    @abstractmethod
    async def _hang_up(self) -> None:
        """Let go of everything that stands; may be called when nothing does."""
