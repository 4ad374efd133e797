"""The clients' interface: one call shape for every operation, whatever carries it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator
from typing import Any, Protocol

from workbench.workspace.duplex import Duplex


class Client(Protocol):
    """What a face needs of the services."""

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """Values as they come; closing the iterator ends the operation."""

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """Begin an operation that sends and receives; closing what is returned ends it."""

    def close(self) -> None:
        """Let go of what the client holds."""


class AsyncServices(Protocol):
    """The same for who has an event loop. Cancelling whatever is awaited ends the operation."""

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

    def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come; closing the generator ends the operation."""

    def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Bytes as they come."""

    async def write(self, noun: str, method: str, source: AsyncIterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""

    def duplex(
        self, noun: str, method: str, source: AsyncIterable[Any], **parameters: Any
    ) -> AsyncGenerator[Any, None]:
        """Send bytes and values, get bytes and values as they come; closing the generator ends it."""

    async def aclose(self) -> None:
        """Let go of what the client holds."""
