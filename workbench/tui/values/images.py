"""Pictures a run kept, brought here to be looked at."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.text import half_blocks, png, sizes
from workbench.text.half_blocks import Cell
from workbench.text.png import Dot, UnreadableImage
from workbench.tui.model.feed import Services

MOST = 16 << 20
"""Bytes of a picture that is fetched to be looked at."""


async def fetched(services: Services, run: str, path: str) -> bytes:
    """A picture's bytes; raises UsageError where they are too many, and WorkbenchError."""
    parts, size = [], 0
    async for block in services.read("runs", "download", run=run, path=path):
        size += len(block)
        if size > MOST:
            raise UsageError(f"the picture is over {sizes.short(MOST)}", "o opens it outside")
        parts.append(block)
    return b"".join(parts)


def cells(data: bytes, columns: int, lines: int, ground: Dot) -> list[list[Cell]] | str:
    """The picture in so much room, or a sentence: why it is not drawn. It may take a while."""
    if png.header(data) is None:
        return "only PNG is drawn here"
    try:
        return half_blocks.drawn(png.decode(data), columns, lines, ground)
    except UnreadableImage as problem:
        return str(problem)
