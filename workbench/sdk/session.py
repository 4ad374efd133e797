"""What the classes of this face speak through: a workspace's services, blocking."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from workbench.home import Home
from workbench.workspace.facade import Workspace as Local

T = TypeVar("T")
Stream = Generator[T, None, None]
"""Values as they come; leave it early with `contextlib.closing`."""
cancelled = KeyboardInterrupt
"""How somebody says that they wait no more."""


class Session:
    """One open workspace of one thread."""

    def __init__(self, local: Local) -> None:
        self._local = local

    @classmethod
    def open(
        cls,
        name: str | None,
        embedded: bool | None,
        home: Home | None,
    ) -> Session:
        """See `Workspace.open`."""
        return cls(Local.open(name, embedded=embedded, home=home))

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._local.name

    @property
    def home(self) -> Home:
        """Where this side keeps things."""
        return self._local.home

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One operation's value as plain JSON types; raises the WorkbenchError the service raised."""
        return self._local.call(noun, method, **parameters)

    def items(self, noun: str, method: str, **parameters: Any) -> Stream[Any]:
        """A stream of values."""
        return self._local.items(noun, method, **parameters)

    def read(self, noun: str, method: str, **parameters: Any) -> Stream[bytes]:
        """A stream of bytes."""
        yield from self._local.read(noun, method, **parameters)

    def aside(self, work: Callable[[Local], T]) -> T:
        """Do what reads or writes files of this side."""
        return work(self._local)

    def close(self) -> None:
        """Let go of the services; runs go on."""
        self._local.close()
