"""A service whose module is loaded when somebody first asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import Generic, TypeVar, cast

from workbench.services.context import Context

T = TypeVar("T")


class Later(Generic[T]):
    """A service by its place in this room, "module:Class": a server starts without what nobody asked for."""

    def __init__(self, place: str, context: Context) -> None:
        self._place = place
        self._context = context
        self.made: T | None = None
        """It, once it was asked for."""

    def get(self) -> T:
        """The service; the first time it is loaded and made."""
        if self.made is None:
            module, _, name = self._place.partition(":")
            found = getattr(import_module(f"{__package__}.{module}"), name)
            self.made = cast("T", found(self._context))
        return self.made
