"""The kinds of things that are kept on a machine as bars, above its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.containers import Vertical

from workbench.text import sizes
from workbench.tui.frame.line import Line, Piece, shortened
from workbench.tui.themes.palette import palette_of
from workbench.views import holdings as look
from workbench.views import machine_files

WIDEST = 24
"""Cells of the longest bar."""


class Part(Line):
    """One kind."""

    def __init__(self, row: Mapping[str, Any], most: int, total: int) -> None:
        super().__init__()
        self._row, self._most, self._total = row, most, total

    def left(self, cells: int) -> Sequence[Piece]:
        """Size, share, bar, what it is."""
        row, plain = self._row, palette_of(self.app).ascii
        bar = machine_files.bar(row["bytes"], self._most, plain, WIDEST)
        return shortened(
            [
                Piece(f"  {sizes.short(row['bytes']):>9}"),
                Piece(f"{machine_files.share(row['bytes'], self._total):>6}  ", "dim"),
                Piece(f"{bar:<{WIDEST}}", "active"),
                Piece(f"  {row['count']} {row['name']}"),
            ],
            cells,
        )


class Parts(Vertical):
    """All kinds of which there is something, the largest first."""

    DEFAULT_CSS = "Parts { height: auto; padding-bottom: 1; }"

    async def say(self, held: Mapping[str, Any]) -> None:
        """Show what is held."""
        rows = look.parts(held)
        most = max((int(row["bytes"]) for row in rows), default=0)
        async with self.batch():
            await self.remove_children()
            await self.mount_all(Part(row, most, held["total"]) for row in rows)
