"""The one place where a supervisor waits: descriptors, its children's ends, its guard's end, signals."""

import os
import select
import signal
from typing import Callable, Dict, Set

from workbench.remote.processes.limits import limits_of


class Watch(object):
    """One poll over everything, with the ends and the resource use of all children.

    guard_pipe: a descriptor that ends when the guard does.
    """

    def __init__(self, guard_pipe):
        # type: (int) -> None
        self.guard_lost = False
        self.asked_to_end = False
        self.ends = {}  # type: Dict[int, int]
        self.limits = {}  # type: Dict[int, Dict[str, int]]
        self._expected = set()  # type: Set[int]
        self.cpu_seconds = 0.0
        self.peak_memory = 0
        self._uncounted = set()  # type: Set[int]
        self._callbacks = {}  # type: Dict[int, Callable[[], None]]
        self._guard_pipe = guard_pipe
        self._wake, self._woken = os.pipe()
        for end in (self._wake, self._woken):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.set_wakeup_fd(self._woken)
        self.on(self._wake, self._on_wake)
        self.on(guard_pipe, self._on_guard)

    def on(self, descriptor, callback):
        # type: (int, Callable[[], None]) -> None
        """Call back whenever the descriptor can be read or has ended, until `off`."""
        self._callbacks[descriptor] = callback

    def off(self, descriptor):
        # type: (int) -> None
        """Watch it no longer."""
        self._callbacks.pop(descriptor, None)

    def expect(self, pid):
        # type: (int) -> None
        """Keep how this child ends, in `ends`, and its `limits`; to be called right after its start."""
        self._expected.add(pid)

    def own_helper(self, pid):
        # type: (int) -> None
        """A child that is ours: what it uses is not the run's."""
        self._uncounted.add(pid)

    def round(self, seconds, ignored=-1):
        # type: (float, int) -> None
        """Wait until something happens, at most so many seconds, and call back. ignored: a descriptor to
        leave alone this time."""
        poll = select.poll()
        for descriptor in self._callbacks:
            if descriptor != ignored:
                poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
        for descriptor, _ in poll.poll(max(0.0, seconds) * 1000):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()

    def reap(self):
        # type: () -> None
        """Take the ends of all children there are; orphans of the run come here as well (subreaper)."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid in self._expected:  # once reaped it says nothing any more
                self.limits[ended.si_pid] = limits_of(ended.si_pid)
            pid, status, usage = os.wait4(ended.si_pid, 0)
            if pid in self._expected:
                self.ends[pid] = status
            if pid in self._uncounted:
                continue
            self.cpu_seconds += usage.ru_utime + usage.ru_stime
            self.peak_memory = max(self.peak_memory, usage.ru_maxrss * 1024)

    def _on_signal(self, number, frame):
        # type: (int, object) -> None
        if number == signal.SIGTERM:
            self.asked_to_end = True

    def _on_wake(self):
        # type: () -> None
        try:
            while os.read(self._wake, 4096):
                pass
        except BlockingIOError:
            pass
        self.reap()

    def _on_guard(self):
        # type: () -> None
        if not os.read(self._guard_pipe, 16):
            self.guard_lost = True
            self.off(self._guard_pipe)
