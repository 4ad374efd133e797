"""Writing a zip as a stream of bytes: no seeking, no temporary copy, whatever the size of its entries.

Contents are deflated in pieces that stand alone. A piece that does not shrink is carried as it is; of one
that shrinks so much that a reader's guard against zip bombs would wonder, the beginning is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PIECE = 1 << 20
_LEVEL = 4
_HELPS = 0.95  # compressed to less than this much of its size, or not at all
_MOST_RATIO = 128  # remote.archive accepts 200
_PASS = 16  # pieces carried as they are after one that did not shrink, before the next is tried
_STORED, _DEFLATED = 0, 8
_DESCRIPTOR, _UTF8 = 0x8, 0x800
_DATE = 0x21  # 1 January 1980: a time would make the same tree two archives
_MADE_BY = 0x0300 | 45  # Unix, so that modes and links count
_LIMIT = 0xFFFFFFFF
_END = b"\x03\x00"  # an empty last block


class _Member(NamedTuple):
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int


class ZipStream:
    """Makes one zip archive: pass on what each `entry` yields, in order, then what `end` yields."""

    def __init__(self) -> None:
        self._members: list[_Member] = []
        self._offset = 0

    def entry(self, name: bytes, mode: int, pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
        """The bytes of one entry. mode: type and permissions as in st_mode; size: that of pieces in all.

        Only an entry over one PIECE is begun before all of pieces was taken.
        """
        flags = _name_flag(name)
        if size <= PIECE:
            yield from self._small(name, mode, flags, b"".join(pieces))
        else:
            yield from self._large(name, mode, flags | _DESCRIPTOR, pieces, size)

    def end(self) -> Iterator[bytes]:
        """The archive's directory."""
        start = self._offset
        for member in self._members:
            yield self._told(_central(member))
        size = self._offset - start
        count = len(self._members)
        if count >= 0xFFFF or start >= _LIMIT or size >= _LIMIT:
            place = self._offset
            wide = (0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
            yield self._told(struct.pack("<IQHHIIQQQQ", *wide))
            yield self._told(struct.pack("<IIQI", 0x07064B50, 0, place, 1))
        few, size, start = min(count, 0xFFFF), min(size, _LIMIT), min(start, _LIMIT)
        yield self._told(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, few, few, size, start, 0))

    def _told(self, data: bytes) -> bytes:
        self._offset += len(data)
        return data

    def _small(self, name: bytes, mode: int, flags: int, data: bytes) -> Iterator[bytes]:
        method, packed = _STORED, data
        shrunk = _modest(data) + _END
        if len(shrunk) < _HELPS * len(data):
            method, packed = _DEFLATED, shrunk
        member = _Member(
            name, flags, method, zlib.crc32(data), len(packed), len(data), _attributes(mode), self._offset
        )
        self._members.append(member)
        yield self._told(_local(member, large=False) + packed)

    def _large(
        self, name: bytes, mode: int, flags: int, pieces: Iterable[bytes], size: int
    ) -> Iterator[bytes]:
        big = size >= _LIMIT - (size >> 10) - PIECE  # what stored blocks add may carry it over
        offset = self._offset
        member = _Member(name, flags, _DEFLATED, 0, 0, 0, _attributes(mode), offset)
        yield self._told(_local(member, large=big))
        crc = total = 0
        begun = self._offset
        tried = 0
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
            total += len(piece)
            packed = b""
            if tried == 0:
                packed = _modest(piece)
                if len(packed) >= _HELPS * len(piece):
                    tried, packed = _PASS, b""
            else:
                tried -= 1
            yield self._told(packed or _deflate(piece, level=0))
        yield self._told(_END)
        size = self._offset - begun
        yield self._told(struct.pack("<IIQQ" if big else "<IIII", 0x08074B50, crc, size, total))
        self._members.append(member._replace(crc=crc, packed=size, size=total))


def _name_flag(name: bytes) -> int:
    # An undecodable name goes in as its bytes, without the claim that it is UTF-8.
    if name.isascii():
        return 0
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return 0
    return _UTF8


def _attributes(mode: int) -> int:
    return (mode & 0xFFFF) << 16 | (0x10 if mode & 0o170000 == 0o040000 else 0)


def _modest(data: bytes) -> bytes:
    packed = _deflate(data)
    if len(packed) * _MOST_RATIO > len(data):
        return packed
    plain = -(-len(data) // _MOST_RATIO)
    return _deflate(data[:plain], level=0) + _deflate(data[plain:])


def _deflate(data: bytes, level: int = _LEVEL) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def _local(member: _Member, *, large: bool) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, 0, 0) if large else b""
    size = _LIMIT if large else member.size
    packed = _LIMIT if large else member.packed
    head = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 45 if large else 20, member.flags, member.method, 0, _DATE,
        member.crc, packed, size, len(member.name), len(extra),
    )  # fmt: skip
    return head + member.name + extra


def _central(member: _Member) -> bytes:
    wide = [value for value in (member.size, member.packed, member.offset) if value >= _LIMIT]
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    head = struct.pack(
        "<IHHHHHHIIIHHHHHII", 0x02014B50, _MADE_BY, 45 if wide else 20, member.flags, member.method, 0, _DATE,
        member.crc, min(member.packed, _LIMIT), min(member.size, _LIMIT), len(member.name), len(extra),
        0, 0, 0, member.attributes, min(member.offset, _LIMIT),
    )  # fmt: skip
    return head + member.name + extra
