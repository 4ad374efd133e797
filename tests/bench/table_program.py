"""A list on a screen, for bench_tui_table: `python -m tests.bench.table_program KIND ROWS RATE FOLDER`.

KIND: ours or textual (its DataTable). RATE: changed rows a second, flushed at ten times a second. How long the
list took until the loop was free again goes to FOLDER/settled, in ms.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from textual.app import App
from textual.widgets import DataTable

from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.columns import Column

COLUMNS = 12
SEEN = 40
FLUSHES = 10
LATE = 0.02


class Rows:
    """Twelve cells a row, made when they are asked for."""

    def __init__(self) -> None:
        self.version: dict[str, int] = {}

    def texts(self, key: str) -> list[str]:
        """The row's texts."""
        number, version = int(key), self.version.get(key, 0)
        return [
            f"run-{number:06}",
            *(f"{number * 7919 % 1000 + version + at}.5" for at in range(COLUMNS - 1)),
        ]

    def cells(self, key: str) -> Sequence[Cell]:
        """The row as ours wants it."""
        return [Cell(text, "good" if at % 3 == 1 else "") for at, text in enumerate(self.texts(key))]

    def want(self, keys: Sequence[str]) -> None:
        """Everything is there."""


class Program(App[None]):
    """One list and nothing else."""

    def __init__(self, kind: str, count: int, rate: int, folder: Path) -> None:
        super().__init__()
        self.kind, self.count, self.rate, self.folder = kind, count, rate, folder
        self.rows = Rows()
        self.keys = [str(number) for number in range(count)]
        self.table: MarkingTable | DataTable[str] | None = None

    async def on_ready(self) -> None:
        """Fill the list and wait until the loop is free."""
        began = time.perf_counter()
        filler = self._ours if self.kind == "ours" else self._theirs
        await filler()
        settled = await _settled()
        (self.folder / "part").write_text(str((settled - began) * 1000))
        (self.folder / "part").rename(self.folder / "settled")
        if self.rate:
            self.set_interval(1 / FLUSHES, self._change)

    async def _ours(self) -> None:
        columns = [
            Column(f"c{at}", f"column {at}", right=at > 0, least=10, ideal=10) for at in range(COLUMNS)
        ]
        table = MarkingTable(self.rows, columns)
        await self.mount(table)
        table.replace(self.keys)
        table.focus()
        self.table = table

    async def _theirs(self) -> None:
        table: DataTable[str] = DataTable(cursor_type="row")
        await self.mount(table)
        for at in range(COLUMNS):
            table.add_column(f"column {at}", key=f"c{at}", width=10)
        for key in self.keys:
            table.add_row(*self.rows.texts(key), key=key)
        table.focus()
        self.table = table

    def _change(self) -> None:
        """Rows in view become others, two cells each."""
        top = int(self.table.scroll_offset.y) if self.table is not None else 0
        keys = random.sample(self.keys[top : top + SEEN], min(SEEN, self.rate // FLUSHES))
        for key in keys:
            self.rows.version[key] = self.rows.version.get(key, 0) + 1
        if isinstance(self.table, MarkingTable):
            self.table.changed(keys)
        elif self.table is not None:
            with self.batch_update():
                for key in keys:
                    texts = self.rows.texts(key)
                    self.table.update_cell(key, "c3", texts[3])
                    self.table.update_cell(key, "c7", texts[7])


async def _settled() -> float:
    """When the loop was free again: the end of the last delay, before a while without any."""
    last = before = time.perf_counter()
    while before - last < 0.3:
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        if now - before > LATE:
            last = now
        before = now
    return last


if __name__ == "__main__":
    Program(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])).run()
