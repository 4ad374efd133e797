"""A finished log, compressed so that any byte of it is found at once.

The file is ordinary gzip, which `zcat` prints whole: one member for each BLOCK bytes of the log, then members
without content whose extra field tells the compressed sizes, the last of them how large the log is and where
they begin. A place costs one block of decompressing, whatever the log's size.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from workbench.errors import StoreError

BLOCK = 1 << 18
LEVEL = 6
HELD = 4
"""Blocks of a log that are held decompressed: the neighbours of a place are wanted next."""
_HEADER = struct.Struct("<4sIBBHBBH")
_START = b"\x1f\x8b\x08\x04"
_EMPTY = b"\x03\x00" + bytes(8)
"""An empty deflate stream, its checksum and its length."""
_FOOTER = struct.Struct("<QQQI")
_SIZES = 12_000
"""Compressed sizes of blocks in one member: an extra field has 64 KiB at most."""
_GZIP = 31
"""zlib's word for gzip with its header."""


def pack(read: Callable[[int, int], bytes], size: int, target: Path, going_on: Callable[[], bool]) -> bool:
    """Write a log of a size as a packed file, whole or not at all; False when going_on said no.

    read: bytes start to stop of the log, all of them. Raises OSError; StoreError when the log is shorter.
    """
    partial = target.with_name(target.name + ".partial")
    sizes = array("I")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for member in _members(read, size):
                if not going_on():
                    return False
                sizes.append(len(member))
                file.write(member)
            file.writelines(_ending(size, sizes))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return True


def _members(read: Callable[[int, int], bytes], size: int) -> Iterator[bytes]:
    hole = b""
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        data = read(start, stop)
        if len(data) != stop - start:
            raise StoreError(f"the log ends at byte {start + len(data)}, not at {size}")
        empty = len(data) == BLOCK and data.count(0) == BLOCK
        if empty and hole:
            yield hole
            continue
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        member = packer.compress(data) + packer.flush()
        hole = member if empty else hole
        yield member


def _ending(size: int, sizes: array[int]) -> Iterable[bytes]:
    """The members without content that tell the sizes."""
    for start in range(0, len(sizes), _SIZES):
        part = sizes[start : start + _SIZES]
        yield _told(b"ws", struct.pack(f"<{len(part)}I", *part))
    packed = struct.pack(f"<{len(sizes)}I", *sizes)
    yield _told(b"we", _FOOTER.pack(size, BLOCK, len(sizes), zlib.crc32(packed)))


def _told(name: bytes, data: bytes) -> bytes:
    head = _HEADER.pack(_START, 0, 0, 255, len(data) + 4, name[0], name[1], len(data))
    return head + data + _EMPTY


_TAIL = _HEADER.size + _FOOTER.size + len(_EMPTY)


class PackedLog:
    """A packed log that is open; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, StoreError when the file is none or is damaged."""
        self._path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._held: OrderedDict[int, bytes] = OrderedDict()
        try:
            self.size, self._block, count, check = self._footer()
            self._sizes = self._table(count, check)
        except BaseException:
            os.close(self._file)
            raise
        self._starts = array("Q", accumulate(self._sizes, initial=0))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def read(self, start: int, stop: int) -> bytes:
        """Bytes start to stop, fewer at the end. Raises StoreError where the file is damaged."""
        stop = min(stop, self.size)
        parts = []
        while start < stop:
            number, within = divmod(start, self._block)
            part = self._content(number)[within : within + stop - start]
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _content(self, number: int) -> bytes:
        held = self._held.get(number)
        if held is not None:
            return held
        raw = os.pread(self._file, self._sizes[number], self._starts[number])
        try:
            data = zlib.decompress(raw, _GZIP, self._block)
        except zlib.error as problem:
            raise self._damaged() from problem
        if len(data) != min(self._block, self.size - number * self._block):
            raise self._damaged()
        self._held[number] = data
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return data

    def _footer(self) -> tuple[int, int, int, int]:
        end = os.fstat(self._file).st_size
        raw = os.pread(self._file, _TAIL, max(0, end - _TAIL))
        if len(raw) != _TAIL or raw[:4] != _START or raw[12:14] != b"we":
            raise self._damaged()
        size, block, count, check = _FOOTER.unpack_from(raw, _HEADER.size)
        if not 0 < block <= 1 << 26 or count != -(-size // block) or count * 4 > end:
            raise self._damaged()
        return size, block, count, check

    def _table(self, count: int, check: int) -> array[int]:
        """The compressed size of each block."""
        members = -(-count // _SIZES)
        around = _HEADER.size + len(_EMPTY)
        length = count * 4 + members * around
        raw = os.pread(self._file, length, max(0, os.fstat(self._file).st_size - _TAIL - length))
        packed, at = bytearray(), 0
        for start in range(0, count, _SIZES):
            here = 4 * min(_SIZES, count - start)
            packed += raw[at + _HEADER.size : at + _HEADER.size + here]
            at += here + around
        if zlib.crc32(packed) != check:
            raise self._damaged()
        return array("I", struct.unpack(f"<{count}I", packed))

    def _damaged(self) -> StoreError:
        return StoreError(f"{self._path} is damaged", "its machine may have the output still: wb run logs")


def packed_size(path: Path) -> int:
    """How large the log in a packed file is; 0 when there is none, or what is there is none."""
    try:
        log = PackedLog(path)
    except (FileNotFoundError, StoreError):
        return 0
    log.close()
    return log.size
