"""PNG files as dots, with the standard library alone: 8 bits a channel, grey, colours, palette, see-through.

What is interlaced or has other depths is refused in words: such a picture is opened outside. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MOST: Final = 4_000_000
"""Dots of a picture that is drawn here."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6

Dot = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


class UnreadableImage(Exception):
    """Why a picture cannot be drawn here, as a sentence."""


class Header(NamedTuple):
    """What a PNG says of itself."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


class Image(NamedTuple):
    """Rows of dots, each row so many channels a dot."""

    width: int
    height: int
    colour: int
    rows: list[bytes]
    palette: list[Dot]
    clear: bytes
    """How little each colour of the palette is seen through, 255 where nothing is said."""

    def dot(self, x: int, y: int, ground: Dot) -> Dot:
        """The colour of a dot over a ground."""
        row = self.rows[y]
        if self.colour == _RGB:
            return row[3 * x], row[3 * x + 1], row[3 * x + 2]
        if self.colour == _GREY:
            return row[x], row[x], row[x]
        if self.colour == _PALETTE:
            index = row[x]
            found = self.palette[index] if index < len(self.palette) else (0, 0, 0)
            return _over(found, self.clear[index] if index < len(self.clear) else 255, ground)
        if self.colour == _GREY_ALPHA:
            grey = row[2 * x]
            return _over((grey, grey, grey), row[2 * x + 1], ground)
        return _over((row[4 * x], row[4 * x + 1], row[4 * x + 2]), row[4 * x + 3], ground)


def _over(colour: Dot, alpha: int, ground: Dot) -> Dot:
    if alpha == 255:
        return colour
    red, green, blue = (
        (upper * alpha + lower * (255 - alpha)) // 255 for upper, lower in zip(colour, ground, strict=True)
    )
    return red, green, blue


def header(data: bytes) -> Header | None:
    """What a PNG says of itself; None when it is none."""
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 29:
        return None
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    return Header(width, height, depth, colour, interlace != 0)


def decode(data: bytes) -> Image:
    """The dots of a PNG; raises UnreadableImage."""
    about = header(data)
    if about is None:
        raise UnreadableImage("this is no PNG")
    if about.interlaced:
        raise UnreadableImage("an interlaced PNG is not drawn here")
    if about.depth != 8 or about.colour not in _CHANNELS:
        raise UnreadableImage(f"a PNG of {about.depth} bits a channel is not drawn here")
    if not 0 < about.width * about.height <= MOST:
        raise UnreadableImage(f"{about.width} x {about.height} dots are too many to be drawn here")
    packed, palette, clear = [], b"", b""
    for kind, body in _chunks(data):
        if kind == b"IDAT":
            packed.append(body)
        elif kind == b"PLTE":
            palette = body
        elif kind == b"tRNS" and about.colour == _PALETTE:
            clear = body
    channels = _CHANNELS[about.colour]
    stride = about.width * channels
    rows = _rows(_unpacked(b"".join(packed), (stride + 1) * about.height), stride, channels)
    colours = [
        (red, green, blue) for red, green, blue in struct.iter_unpack("3B", palette[: len(palette) // 3 * 3])
    ]
    return Image(about.width, about.height, about.colour, rows, colours, clear)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind = data[at + 4 : at + 8]
        yield kind, data[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        at += length + 12


def _unpacked(packed: bytes, size: int) -> bytes:
    """Exactly so many bytes, however many more they would become."""
    try:
        found = zlib.decompressobj().decompress(packed, size)
    except zlib.error as problem:
        raise UnreadableImage(f"the PNG is damaged: {problem}") from problem
    if len(found) < size:
        raise UnreadableImage("the PNG ends too early")
    return found


def _rows(data: bytes, stride: int, step: int) -> list[bytes]:
    """The lines without their filters."""
    rows: list[bytes] = []
    before = bytes(stride)
    for start in range(0, len(data), stride + 1):
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + stride])
        if kind == 1:
            for at in range(step, stride):
                line[at] = (line[at] + line[at - step]) & 255
        elif kind == 2:
            line = bytearray([(a + b) & 255 for a, b in zip(line, before, strict=True)])
        elif kind == 3:
            for at in range(stride):
                left = line[at - step] if at >= step else 0
                line[at] = (line[at] + ((left + before[at]) >> 1)) & 255
        elif kind == 4:
            _paeth(line, before, step)
        elif kind:
            raise UnreadableImage("the PNG has a line that cannot be read")
        before = bytes(line)
        rows.append(before)
    return rows


def _paeth(line: bytearray, above: bytes, step: int) -> None:
    """Each byte is told from the nearest of left, above and above left."""
    for at in range(min(step, len(line))):
        line[at] = (line[at] + above[at]) & 255
    for at in range(step, len(line)):
        left, up, corner = line[at - step], above[at], above[at - step]
        from_left, from_up, from_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        if from_left <= from_up and from_left <= from_corner:
            line[at] = (line[at] + left) & 255
        else:
            line[at] = (line[at] + (up if from_up <= from_corner else corner)) & 255
