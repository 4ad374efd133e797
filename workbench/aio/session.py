"""What the classes of this face speak through: a workspace's services, and work beside the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, TypeVar

from workbench.home import Home, find_home, workspace_name
from workbench.workspace.async_client import AsyncClient
from workbench.workspace.bridged import BridgedClient
from workbench.workspace.facade import Workspace as Local

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Stream = AsyncGenerator[T, None]
"""Values as they come; leave it early with `contextlib.aclosing`."""
cancelled = asyncio.CancelledError
"""How somebody says that they wait no more."""


def fetched(method: F) -> F:
    """Marks what is an attribute in the blocking face, and has to be awaited in this one."""
    return method


class Session:
    """One open workspace of one event loop."""

    def __init__(self, client: AsyncClient, home: Home, name: str, environ: Mapping[str, str]) -> None:
        self.home = home
        self.name = name
        self._client = client
        self._environ = environ

    @classmethod
    def open(cls, name: str | None, embedded: bool | None, home: Home | None) -> Session:
        """See `Workspace.open`."""
        home = home or find_home()
        name = name or workspace_name()
        return cls(AsyncClient.open(name, embedded=embedded, home=home), home, name, os.environ)

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One operation's value as plain JSON types; raises the WorkbenchError the service raised."""
        return await self._client.call(noun, method, **parameters)

    def items(self, noun: str, method: str, **parameters: Any) -> Stream[Any]:
        """A stream of values."""
        return self._client.items(noun, method, **parameters)

    def read(self, noun: str, method: str, **parameters: Any) -> Stream[bytes]:
        """A stream of bytes."""
        return self._client.read(noun, method, **parameters)

    async def aside(self, work: Callable[[Local], T]) -> T:
        """Do what reads or writes files of this side, in a thread; a cancelled wait ends it soon."""
        bridge = BridgedClient(self._client, asyncio.get_running_loop())
        try:
            return await asyncio.to_thread(work, Local(bridge, self.home, self.name, self._environ))
        except asyncio.CancelledError:
            bridge.stop()
            raise

    async def close(self) -> None:
        """Let go of the services; runs go on."""
        await self._client.aclose()
