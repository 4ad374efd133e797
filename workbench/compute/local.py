"""This machine as a compute target: the line runs as a child process, nothing else differs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from workbench.compute.channel import Channel
from workbench.compute.process_channel import ProcessChannel
from workbench.errors import Unreachable


class LocalHost:
    """This machine; see `Host`.

    environment: variables set over our own (HOME, PATH ...), for the demo and for tests. shell: what
    runs the line, the user's login shell elsewhere.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, shell: str = "/bin/sh") -> None:
        self._environment = {**os.environ, **(environment or {})}
        self._shell = shell
        self._channels: list[ProcessChannel] = []

    async def connect(self) -> None:
        """See `Host`."""

    async def open(self, line: str) -> Channel:
        """See `Host`."""
        try:
            channel = await ProcessChannel.start([self._shell, "-c", line], self._environment)
        except OSError as error:
            raise Unreachable(f"{self._shell} cannot be started: {error.strerror}") from error
        self._channels.append(channel)
        return channel

    async def close(self) -> None:
        """See `Host`."""
        channels, self._channels = self._channels, []
        for channel in channels:
            await channel.close()

    def describe(self) -> str:
        """See `Host`."""
        return "this machine"
