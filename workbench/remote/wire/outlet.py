"""The one writer of a link: small frames go out with whoever writes next, bulk waits its turn in order."""

import os
import threading
from collections import deque
from typing import Callable, Deque, List, Sequence

from workbench.remote.wire.frames import Bytes

MAX_PIECES = 512  # iovecs of one writev, well under every kernel's limit of 1024


class FairLock(object):
    """A lock handed to whoever waited longest; threading.Lock lets one thread take it again and again."""

    def __init__(self):
        # type: () -> None
        self._mutex = threading.Lock()
        self._held = False
        self._waiting = deque()  # type: Deque[threading.Lock]

    def acquire(self, blocking=True):
        # type: (bool) -> bool
        """Take it; without blocking, False when somebody has it."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            if not blocking:
                return False
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        ticket.acquire()
        return True

    def release(self):
        # type: () -> None
        """Hand it to the next one."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Outlet(object):
    """Writes frames to a file descriptor from any thread; raises BrokenPipeError once nobody reads it.

    broken: called, perhaps more than once, when that is noticed.
    """

    def __init__(self, fd, broken):
        # type: (int, Callable[[], None]) -> None
        self._fd = fd
        self._broken = broken
        self._turn = FairLock()
        self._urgent = deque()  # type: Deque[bytes]

    def small(self, frame):
        # type: (bytes) -> None
        """Send one small frame: at the latest when the bulk that is being written now is out."""
        self._urgent.append(frame)
        self._flush()

    def bulk(self, pieces):
        # type: (Sequence[Bytes]) -> None
        """Send whole frames, given as pieces; a few hundred KB at a time keeps everybody else prompt."""
        self._turn.acquire()
        try:
            self._write(self._taken() + list(pieces))
        finally:
            self._turn.release()
        self._flush()

    def _flush(self):
        # type: () -> None
        # Whoever fails to get the turn may leave: its holder looks at the urgent frames once more at the end.
        while self._urgent and self._turn.acquire(blocking=False):
            try:
                self._write(self._taken())
            finally:
                self._turn.release()

    def _taken(self):
        # type: () -> List[Bytes]
        taken = []  # type: List[Bytes]
        while self._urgent:
            taken.append(self._urgent.popleft())
        return taken

    def _write(self, pieces):
        # type: (List[Bytes]) -> None
        try:
            for start in range(0, len(pieces), MAX_PIECES):
                batch = pieces[start : start + MAX_PIECES]
                left = sum(len(piece) for piece in batch) - os.writev(self._fd, batch)
                if left > 0:
                    rest = memoryview(b"".join(batch))
                    rest = rest[len(rest) - left :]
                    while len(rest):
                        rest = rest[os.write(self._fd, rest) :]
        except BrokenPipeError:
            self._broken()
            raise
