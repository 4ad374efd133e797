"""Pictures a run kept, brought here to be looked at."""

from __future__ import annotations

import struct

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


def about(data: bytes) -> str:
    """What a picture is, in a few words: its kind, its size in dots where that is known, and in bytes."""
    header = png.header(data)
    if header is not None:
        return f"PNG {header.width} x {header.height}  {sizes.short(len(data))}"
    jpeg = jpeg_size(data)
    if jpeg is not None:
        return f"JPEG {jpeg[0]} x {jpeg[1]}  {sizes.short(len(data))}"
    return sizes.short(len(data))


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG in dots; None when it is none, or does not say."""
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if kind == 0xFF:
            at += 1
            continue
        at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return None


def cells(data: bytes, columns: int, lines: int, ground: Dot) -> list[list[Cell]] | str:
    """The picture in so much room, or a sentence: why it is not drawn. It may take a while."""
    if png.header(data) is None:
        return "only PNG is drawn here"
    try:
        return half_blocks.drawn(png.decode(data), columns, lines, ground)
    except UnreadableImage as problem:
        return str(problem)
