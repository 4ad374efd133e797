"""Small files of the kernel, read again and again: kept open, since opening costs as much as reading."""

import os
from typing import Optional

BLOCK = 1 << 16
SHORT = 2048  # bytes; the kernel fills a page with lines before it stops, so what is shorter is the end


class KeptFile(object):
    """A file of /proc or /sys, read from its beginning each time."""

    def __init__(self, path):
        # type: (str) -> None
        self._path = path
        self._handle = -1

    def read(self):
        # type: () -> Optional[bytes]
        """Its content now; None when it is not there or says nothing."""
        for _ in range(2):  # a handle of yesterday may have died with what it belonged to
            if self._handle < 0:
                try:
                    self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                except OSError:
                    return None
            try:
                return self._whole() or None
            except OSError:
                self.close()
        return None

    def close(self):
        # type: () -> None
        """Let go of it; `read` opens it again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _whole(self):
        # type: () -> bytes
        found = block = os.pread(self._handle, BLOCK, 0)
        while len(block) >= SHORT:
            block = os.pread(self._handle, BLOCK, len(found))
            found += block
        return found
