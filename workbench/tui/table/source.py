"""Where a table's rows come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from workbench.tui.table.cell import Cell


class Source(Protocol):
    """Rows by key, from a cache; neither method may wait for anything."""

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A row's cells, one a column of the table in its order (missing ones are empty); None: not here yet.

        Called when the row is drawn for the first time, and again after `Table.changed` named it.
        """
        ...

    def want(self, keys: Sequence[str]) -> None:
        """Get these, what is in view first, and call `Table.changed` with those that came.

        Each call replaces the one before: what it does not name any more went out of view.
        """
        ...
