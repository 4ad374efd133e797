"""The bytes of a log on this side, wherever they lie: as they came, packed, or packed with more after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from workbench.store.logs.packed_log import PackedLog, packed_size

BLOCK = 1 << 18
PACKED = ".gz"
"""Follows the plain file's name."""


def packed_path(path: Path) -> Path:
    """Where the log whose plain file is path lies when it is packed."""
    return path.with_name(path.name + PACKED)


def log_size(path: Path) -> int:
    """How many bytes of a log are here; 0 when there is none."""
    try:
        plain = os.stat(path).st_size
    except FileNotFoundError:
        plain = 0
    packed = packed_path(path)
    return max(plain, packed_size(packed)) if packed.exists() else plain


class LogFile:
    """A log that is open for reading, for one thread at a time; of one that is not there nothing is read.

    What is packed is read from there, what came after it, as when a run was resumed, from the plain file.
    Raises StoreError where a packed one is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._plain = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._plain = -1
        try:
            self._packed: PackedLog | None = PackedLog(packed_path(path))
        except FileNotFoundError:
            self._packed = None
            if self._plain < 0:  # it may have been packed between the two looks, then it is there now
                self._packed = _packed(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> LogFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        if self._plain >= 0:
            os.close(self._plain)
            self._plain = -1
        packed: PackedLog | None = getattr(self, "_packed", None)
        if packed is not None:
            packed.close()
            self._packed = None

    @property
    def present(self) -> bool:
        """Whether there is any such log, if an empty one."""
        return self._plain >= 0 or self._packed is not None

    @property
    def size(self) -> int:
        """How many bytes there are."""
        plain = os.fstat(self._plain).st_size if self._plain >= 0 else 0
        return max(plain, self._packed.size if self._packed is not None else 0)

    def read(self, start: int, stop: int) -> bytes:
        """Bytes start to stop, fewer at the end of the log."""
        parts = []
        if self._packed is not None and start < self._packed.size:
            parts.append(self._packed.read(start, stop))
            start += len(parts[0])
        while start < stop and self._plain >= 0:
            block = os.pread(self._plain, stop - start, start)
            if not block:
                break
            parts.append(block)
            start += len(block)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes start to stop, a block after the other."""
        while start < stop and (block := self.read(start, min(stop, start + BLOCK))):
            yield block
            start += len(block)


def _packed(path: Path) -> PackedLog | None:
    try:
        return PackedLog(packed_path(path))
    except FileNotFoundError:
        return None
