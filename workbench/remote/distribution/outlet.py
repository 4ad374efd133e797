"""The output of several processes as one, line by line, each line with the rank it came from."""

import os
import time
from typing import Dict, List, Optional

LONGEST = 1 << 16  # bytes of one line that are held until it ends
PATIENCE = 0.5  # seconds after which a line without an end is shown as far as it is


class Outlet(object):
    """Whole lines to one descriptor. What ends with a carriage return, as a progress bar's pieces, is one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = {}  # type: Dict[int, bytes]
        self._since = {}  # type: Dict[int, float]
        self._open = None  # type: Optional[int]
        self.lost = False

    def feed(self, rank: int, data: bytes) -> None:
        """Take what a rank wrote."""
        data = self._held.pop(rank, b"") + data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if data.endswith(b"\r"):  # a newline may follow
            end = max(data.rfind(b"\n", 0, -1), data.rfind(b"\r", 0, -1)) + 1
        if len(data) - end > LONGEST:
            end = len(data)
        if end:
            self._say(rank, data[:end])
            self._since.pop(rank, None)
        if data[end:]:
            self._held[rank] = data[end:]
            self._since.setdefault(rank, time.monotonic())

    def tick(self) -> None:
        """Show what has waited long enough for its line's end."""
        late = time.monotonic() - PATIENCE
        for rank in [rank for rank, since in self._since.items() if since < late]:
            self.finish(rank)

    def finish(self, rank: int) -> None:
        """Show what a rank has not ended a line of."""
        self._since.pop(rank, None)
        held = self._held.pop(rank, b"")
        if held:
            self._say(rank, held)

    def tell(self, sentence: str) -> None:
        """A line of ours."""
        self._write(
            (b"\n" if self._open is not None else b"") + ("workbench: %s\n" % sentence).encode("utf-8")
        )
        self._open = None

    def _say(self, rank: int, data: bytes) -> None:
        label = b"[%d] " % rank
        parts = []  # type: List[bytes]
        for piece in data.splitlines(True):  # of bytes: \n, \r and \r\n only
            if self._open is not None and self._open != rank:
                parts.append(b"\n")
            if self._open != rank:
                parts.append(label)
            parts.append(piece)
            self._open = None if piece.endswith((b"\n", b"\r")) else rank
        self._write(b"".join(parts))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and not self.lost:
                view = view[os.write(self._descriptor, view) :]
        except OSError:  # nobody reads it any more: what the ranks do is not ended by that
            self.lost = True
