"""One thread that carries bytes between descriptors of this machine and streams of the link, both ways.

Terminals and connections are carried by it: however many there are, they cost one thread and have one turn
among those who write to the link. Nothing is read that the near end has no credit for, and nothing is taken
from the near end that a descriptor does not want yet.
"""

import errno
import os
import select
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

BLOCK = 1 << 16  # bytes that one descriptor may move before the next one's turn
GONE = (errno.EIO, errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)


class Carried(object):
    """A descriptor that does not block, and the exchange whose bytes it takes and gives.

    window: bytes that may be on their way to the near end. What happens at either end of it is its kind's.
    """

    ENDS = ()  # type: Tuple[int, ...]  # what reading fails with when the other side has just ended

    def __init__(self, exchange, fd, window):
        # type: (Exchange, int, int) -> None
        self.exchange = exchange
        self.fd = fd
        self.due = None  # type: Optional[float]
        self.given = False  # the near end has said its last and all of it was written
        self.taken = False  # nothing more is read
        self._unsent = protocol.INITIAL_CREDIT - window
        self._pending = b""
        self._more = False  # what waits may be written as soon as others had their turn

    def wants(self):
        # type: () -> int
        """What to wait for, as poll has it; 0 for nothing."""
        wanted = select.POLLOUT if self._pending or self._more else 0
        return wanted | (select.POLLIN if not self.taken and self._room() > 0 else 0)

    def step(self, events):
        # type: (int) -> bool
        """Move what can be moved; True when it is over and was answered. Raises whatever ends it."""
        self.exchange.check()
        self._write()
        if events & ~select.POLLOUT and not self.taken and self._room() > 0:
            self._read()
        return self.look()

    def look(self):
        # type: () -> bool
        """Whether it is over; then it has been answered here."""
        raise NotImplementedError

    def no_more_input(self):
        # type: () -> None
        """The near end has said its last, and it was written."""

    def no_more_output(self):
        # type: () -> None
        """The descriptor has given its last, and it was sent."""

    def close(self):
        # type: () -> None
        """Let go of the descriptor, however it ended."""
        os.close(self.fd)

    def _room(self):
        # type: () -> int
        return self.exchange.credit - self._unsent

    def _write(self):
        # type: () -> None
        moved = 0
        self._more = False
        while not self.given:
            if moved >= BLOCK:
                self._more = True
                return
            if not self._pending:
                block = self.exchange.read(0)
                if block is None:
                    return
                if not block:
                    self.given = True
                    self.no_more_input()
                    return
                self._pending = block
            try:
                count = os.write(self.fd, self._pending)
            except BlockingIOError:
                return
            except OSError as error:  # nobody reads it any more: what still comes is dropped
                if error.errno not in GONE:
                    raise
                count = len(self._pending)
            moved += count
            self._pending = self._pending[count:]

    def _read(self):
        # type: () -> None
        blocks = []  # type: List[bytes]
        left = min(BLOCK, self._room())
        while left > 0:
            try:
                block = os.read(self.fd, left)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno not in self.ENDS:
                    raise
                block = b""
            if not block:
                self.taken = True
                break
            blocks.append(block)
            left -= len(block)
        if blocks:
            data = b"".join(blocks)
            self.exchange.send(frames.encode_data(self.exchange.stream, data), len(data))
        if self.taken:
            self.no_more_output()


class Relay(object):
    """The thread; it starts with the first that is to be carried, and lives as long as the link does.

    most: how many may be carried at once. what: their name in the error for one more.
    """

    def __init__(self, most, what):
        # type: (int, str) -> None
        self._most = most
        self._what = what
        self._lock = threading.Lock()
        self._carried = {}  # type: Dict[int, Carried]
        self._woken = set()  # type: Set[Carried]
        self._waits = {}  # type: Dict[Carried, Tuple[int, int]]
        self._poll = select.poll()
        self._wake_read = self._wake_write = -1

    def check_room(self):
        # type: () -> None
        """Raise RequestError when as many are carried as may be."""
        if len(self._carried) >= self._most:
            raise RequestError("busy", "%d %s are open already" % (self._most, self._what), "close some")

    def add(self, carried):
        # type: (Carried) -> None
        """Carry one from now on; its exchange is answered when it is over, and its descriptor closed."""
        with self._lock:
            self._carried[carried.exchange.stream] = carried
            if self._wake_read < 0:
                self._begin()
        carried.exchange.changed = lambda: self.wake(carried)
        self.wake(carried)

    def ask(self, stream, question):
        # type: (Any, Callable[[Carried], None]) -> bool
        """Ask something of the one of a stream, which is not closed meanwhile; False when there is none."""
        with self._lock:
            carried = self._carried.get(stream) if isinstance(stream, int) else None
            if carried is None:
                return False
            question(carried)
            return True

    def wake(self, carried):
        # type: (Carried) -> None
        """Look at one now: bytes or credit came, it was given up, its process ended."""
        with self._lock:
            self._woken.add(carried)
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:  # it is awake
            return

    def _begin(self):
        # type: () -> None
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        self._poll.register(self._wake_read, select.POLLIN)
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        # type: () -> None
        while True:
            ready = dict(self._poll.poll(self._patience()))
            if ready.pop(self._wake_read, 0):
                os.read(self._wake_read, 4096)
            now = time.monotonic()
            with self._lock:
                everyone = list(self._carried.values())
                woken, self._woken = self._woken, set()
            for carried in everyone:
                events = ready.get(carried.fd, 0)
                if events or carried in woken or (carried.due is not None and carried.due <= now):
                    self._step(carried, events)

    def _patience(self):
        # type: () -> Optional[float]
        """Milliseconds until one is to be looked at whatever happens; None when none is."""
        with self._lock:
            dues = [carried.due for carried in self._carried.values() if carried.due is not None]
        return max(0.0, min(dues) - time.monotonic()) * 1000 + 1 if dues else None

    def _step(self, carried, events):
        # type: (Carried, int) -> None
        try:
            over = carried.step(events)
        except BrokenPipeError:  # nobody is left to be told
            over = True
        except Exception as error:  # a fault in one ends that one only, and says why
            over = True
            self._fail(carried, error)
        if over:
            self._forget(carried)
            return
        wait = (carried.fd, carried.wants())
        before = self._waits.get(carried, (-1, 0))
        if wait != before:
            if before[1]:
                self._poll.unregister(before[0])
            if wait[1]:  # else one that hung up would be reported for ever
                self._poll.register(*wait)
            self._waits[carried] = wait

    def _fail(self, carried, error):
        # type: (Carried, Exception) -> None
        try:
            carried.exchange.fail(error)
        except BrokenPipeError:
            return

    def _forget(self, carried):
        # type: (Carried) -> None
        carried.exchange.changed = None
        fd, mask = self._waits.pop(carried, (-1, 0))
        if mask:
            self._poll.unregister(fd)
        with self._lock:
            self._carried.pop(carried.exchange.stream, None)
            self._woken.discard(carried)
            carried.close()
