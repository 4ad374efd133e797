"""Parts of a log that were read lately: what is near the place one looks at, and no more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from workbench.text.log_rows import BLOCK, Row, Stretch
from workbench.tui.logs.source import ShortRead

AHEAD = 4
"""Blocks that are read together: walking wants the neighbours next."""
KEPT = 64
"""Blocks that are held: 4 MiB, enough for the longest row."""


class Blocks:
    """A log's blocks by where they start; a block is cut where a gap begins or ends."""

    def __init__(self, read: Callable[[int, int], Awaitable[bytes]], block: int = BLOCK) -> None:
        self._read = read
        self._block = block
        self._held: OrderedDict[int, bytes] = OrderedDict()

    async def get(self, start: int, stop: int, stretch: Stretch) -> bytes:
        """Bytes start to stop: those of a block in a stretch. Raises ShortRead, WorkbenchError."""
        held = self._held.get(start, b"")
        if len(held) < stop - start:
            await self._fetch(start, stretch)
            held = self._held[start]
            if len(held) < stop - start:
                raise ShortRead
        self._held.move_to_end(start)
        return held if len(held) == stop - start else held[: stop - start]

    async def row(self, row: Row, stretch: Stretch) -> bytes:
        """A row's bytes; the end of them where it is longer than ordinary ones, as progress bars are."""
        block = self._block
        start = row.start if row.stop - row.start <= 2 * block else row.stop - block
        parts = []
        low = max(start // block * block, stretch.start)
        while low < row.stop:
            high = min(low // block * block + block, stretch.stop)
            data = await self.get(low, high, stretch)
            parts.append(data[max(0, start - low) : row.stop - low])
            low = high
        return b"".join(parts)

    def clear(self) -> None:
        """Forget everything: the log was replaced."""
        self._held.clear()

    async def _fetch(self, start: int, stretch: Stretch) -> None:
        """Read a block and those that lie with it in a group, what is held already left out."""
        block, together = self._block, self._block * AHEAD
        group = start // together * together
        low, high = max(group, stretch.start), min(group + together, stretch.stop)
        held = self._held.get(start, b"")
        if held:  # it has grown: the new bytes are enough
            low = start + len(held)
        data = await self._read(low, high - low)
        at = low
        while at - low < len(data):
            first = max(at // block * block, stretch.start)
            stop = min(first // block * block + block, low + len(data))
            self._held[first] = self._held.get(first, b"")[: at - first] + data[at - low : stop - low]
            self._held.move_to_end(first)
            at = stop
        self._held.setdefault(start, b"")
        while len(self._held) > KEPT:
            self._held.popitem(last=False)
