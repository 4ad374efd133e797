"""Every operation of a workspace by its name, those of services that are not loaded yet among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.services.later import Later
from workbench.services.operation import Operation, operations


class OperationTable(Mapping[str, Operation]):
    """All marked methods of (noun, service) pairs, by "noun.method"; several services may share a noun.

    A service that is there later is loaded once a method of its noun is asked for that those before it lack.
    """

    def __init__(self, services: Iterable[tuple[str, object]]) -> None:
        self._found: dict[str, Operation] = {}
        self._waiting: dict[str, list[Later[Any]]] = {}
        for noun, service in services:
            if isinstance(service, Later):
                self._waiting.setdefault(noun, []).append(service)
            else:
                self._found.update(operations([(noun, service)]))

    def loaded(self, name: str) -> bool:
        """Whether an operation is found, or known to be none, without loading a module."""
        return name in self._found or not self._waiting.get(name.partition(".")[0])

    def _load_next(self, noun: str) -> None:
        waiting = self._waiting[noun]
        self._found.update(operations([(noun, waiting[0].get())]))
        waiting.pop(0)

    def _all(self) -> dict[str, Operation]:
        for noun, waiting in self._waiting.items():
            while waiting:
                self._load_next(noun)
        return self._found

    def __getitem__(self, name: str) -> Operation:
        while not self.loaded(name):
            self._load_next(name.partition(".")[0])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
