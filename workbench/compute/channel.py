"""What the link needs of a transport: a host that can be connected to, and channels that carry bytes."""

from __future__ import annotations

from typing import Protocol

READ = 1 << 20
"""Bytes asked of a channel at once: as much as a packet of asyncssh, which copies the rest of a part."""

STDERR_KEPT = 8192
"""Bytes of a channel's error output that are kept, the last ones."""


class Channel(Protocol):
    """One command running on a host, its input and output as bytes."""

    async def read(self, n: int) -> bytes:
        """At most n bytes of output as soon as there are any; b"" at its end. Raises OSError."""
        ...

    async def write(self, data: bytes) -> None:
        """Send to its input; returns when little is left to send. Raises OSError when it is closed."""
        ...

    async def close(self) -> None:
        """Close its input, wait a moment for it to end by itself, then cut it off. Idempotent."""
        ...

    def abort(self) -> None:
        """Cut it off at once, without waiting."""
        ...

    async def wait(self) -> int | None:
        """Its exit status once it has ended; None when the transport cannot tell."""
        ...

    def stderr_tail(self) -> str:
        """The last of what it wrote to its error output, undecodable bytes replaced."""
        ...


class Host(Protocol):
    """A machine, reached in one way or another."""

    async def connect(self) -> None:
        """Be connected; nothing happens when it is already.

        Raises Unreachable, NeedsSignIn, HostKeyUnknown, HostKeyChanged.
        """
        ...

    async def open(self, line: str) -> Channel:
        """Run a line with the user's login shell there; connects first where that is needed."""
        ...

    async def close(self) -> None:
        """Close the connection and every channel."""
        ...

    def describe(self) -> str:
        """How it is reached, for people: "this machine", "ann@gpu1:22"."""
        ...
