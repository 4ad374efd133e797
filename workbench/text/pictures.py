"""What picture a file is, told by its first bytes and never by its name: PNG, JPEG, GIF. Pure."""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

from workbench.text import png, sizes


class Picture(NamedTuple):
    """What a picture says of itself."""

    kind: Literal["PNG", "JPEG", "GIF"]
    width: int
    height: int
    """In dots, neither of them 0."""

    @property
    def media(self) -> str:
        """Its media type."""
        return f"image/{self.kind.lower()}"


def read(data: bytes) -> Picture | None:
    """What picture it is; None when it is none of these, or does not say how large it is."""
    header = png.header(data)
    if header is not None:
        found = Picture("PNG", header.width, header.height)
    elif (jpeg := _jpeg_size(data)) is not None:
        found = Picture("JPEG", *jpeg)
    elif data[:6] in (b"GIF87a", b"GIF89a") and len(data) > 12:
        found = Picture("GIF", *struct.unpack("<HH", data[6:10]))
    else:
        return None
    return found if found.width and found.height else None


def about(data: bytes) -> str:
    """What a picture is, in a few words: its kind, its size in dots where that is known, and in bytes."""
    found, size = read(data), sizes.short(len(data))
    return size if found is None else f"{found.kind} {found.width} x {found.height}  {size}"


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG; None when it is none, or does not say."""
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
