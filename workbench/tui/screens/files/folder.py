"""One folder of a machine as the browser knows it: the order of all names, and the entries that were seen."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.tui.model.feed import Services

AT_ONCE = 500
"""Entries that are asked for in one call."""


class Folder:
    """Asks the services; holds what they said."""

    def __init__(self, services: Services, target: str, path: str) -> None:
        self._services = services
        self.target = target
        self.path = path
        """As it was asked for; the machine's absolute path once it was listed."""
        self.free: int | None = None
        """Bytes free on its disk."""
        self.names: list[str] = []
        self.listed = False
        """Whether the machine said what is in it."""
        self.sort = "name"
        self.descending = False
        self.hidden = False
        self._entries: dict[str, Mapping[str, Any]] = {}

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """An entry, where it is here already."""
        return self._entries.get(name)

    def place(self, name: str) -> str:
        """The path of something in it."""
        return posixpath.join(self.path, name)

    async def list(self) -> None:
        """The names in order, as they are now; raises WorkbenchError."""
        found = await self._services.call(
            "files", "order", target=self.target, path=self.path, sort=self.sort,
            descending=self.descending, hidden=self.hidden,
        )  # fmt: skip
        told = await self._services.call("files", "stat", target=self.target, path=found["path"])
        self.path, self.names, self.free = found["path"], found["names"], told.get("free")
        self.listed = True
        self._entries.clear()

    async def fetch(self, names: Iterable[str]) -> Sequence[str]:
        """Have the entries of these names here; which of them came. Raises WorkbenchError."""
        wanted = [name for name in names if name not in self._entries][:AT_ONCE]
        if not wanted:
            return []
        path = self.path
        found = await self._services.call("files", "list", target=self.target, path=path, names=wanted)
        if path == self.path:
            self._entries |= {entry["name"]: entry for entry in found["entries"]}
        return [name for name in wanted if name in self._entries]
