"""The probe: a process of its own that samples this machine and writes a line a tick until its input closes.

Its input are JSON lines {"every": seconds, "detail": [GPU UUID], "full": true}, any of them; its output are
the messages of sample_sending. No thread waits for another that may hang: GPUs have their own threads, and so
have the host and the processes, since /proc and disks can hang as well.
"""

import json
import os
import threading
import time
from typing import Any, Callable, Dict, FrozenSet, List, Tuple

from workbench.remote.forms import sample_form
from workbench.remote.gpus.gpu_sources import open_gpus
from workbench.remote.machine import Machine
from workbench.remote.probe.driver_renewal import Renewal
from workbench.remote.probe.host_sampling import HostSampler, places_of
from workbench.remote.probe.process_sampling import ProcessSampler
from workbench.remote.probe.sample_sending import Sender

MAX_LINE = 65536
HOST_ONLY = "host-only"
SHARE_OF_TICK = 0.5  # of it may pass before what is not there yet is left for the next one
LONGEST_WAIT = 0.25
FIRST_WAIT = 0.03  # the first line is not to wait for a driver that takes long to start
SOON = 0.01  # then this often is looked whether it has
PROCESSES_EVERY = 0.9  # shares of a CPU say nothing over less


class Wish(object):
    """How often, and in what detail, the other side wants to be told; changed while the probe runs."""

    def __init__(self):
        # type: () -> None
        self.every = 1.0
        self.detail = frozenset()  # type: FrozenSet[str]
        self.full = threading.Event()
        self.changed = threading.Event()

    def take(self, line):
        # type: (bytes) -> None
        """A line of input; one that makes no sense changes nothing."""
        try:
            asked = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            return
        if not isinstance(asked, dict):
            return
        every, detail = asked.get("every"), asked.get("detail")
        if isinstance(every, (int, float)) and not isinstance(every, bool) and every > 0:
            self.every = float(min(max(every, sample_form.FASTEST), sample_form.SLOWEST))
        if isinstance(detail, list):
            self.detail = frozenset(one for one in detail[: sample_form.MAX_DETAIL] if isinstance(one, str))
        if asked.get("full") is True:
            self.full.set()
        self.changed.set()


class Sideline(threading.Thread):
    """Asks for something in a thread of its own whenever it is told to; `value` is the last answer.

    What fails costs that answer only: the last one stands.
    """

    def __init__(self, ask):
        # type: (Callable[[], Any]) -> None
        super(Sideline, self).__init__(daemon=True)
        self.value = None  # type: Any
        self._ask = ask
        self._go = threading.Semaphore(0)
        self._done = threading.Event()
        self._done.set()
        self.start()

    def begin(self):
        # type: () -> None
        """Ask, unless the last answer is still waited for."""
        if self._done.is_set():
            self._done.clear()
            self._go.release()

    def wait(self, seconds):
        # type: (float) -> None
        """Wait until it has answered, at most so long."""
        self._done.wait(max(0.0, seconds))

    def run(self):
        # type: () -> None
        """Ask until the process ends."""
        while True:
            self._go.acquire()
            try:
                self.value = self._ask()
            except Exception:
                import traceback  # here: it would cost every start

                traceback.print_exc()
            finally:
                self._done.set()


class Probe(object):
    """Samples the machine tick by tick. write: takes a line. gpus: whether the driver is asked at all."""

    def __init__(self, machine, wish, write, gpus=True):
        # type: (Machine, Wish, Callable[[bytes], None], bool) -> None
        self._wish = wish
        self._write = write
        self._sender = Sender()
        self._gpus = open_gpus(gpus)
        self._process_sampler = ProcessSampler(machine.pidns)
        self._host = Sideline(HostSampler(places_of(machine)).sample)
        self._processes = Sideline(lambda: self._process_sampler.sample(self._gpus.uses()))
        self._processes_at = float("-inf")
        self._told = self._progress()
        self._renewal = Renewal()

    def run(self):
        # type: () -> None
        """Tick until a new process is wanted, which whoever started this one starts."""
        wait = FIRST_WAIT
        while not (self._gpus.ready and self._renewal.due(self._gpus.driver(), self._rows)):
            began = time.monotonic()
            self.tick(wait)
            wait = min(LONGEST_WAIT, SHARE_OF_TICK * self._wish.every)
            self._pause(began)

    def tick(self, wait):
        # type: (float) -> None
        """Sample and write, waiting at most so many seconds for what is asked."""
        wish = self._wish
        deadline = time.monotonic() + wait
        self._host.begin()
        self._gpus.sample(wish.detail, wait)
        now = time.monotonic()
        if now - self._processes_at >= PROCESSES_EVERY:
            self._processes_at = now
            self._processes.begin()
        if self._processes.value is not None:  # they come after the first line: finding them takes longest
            self._processes.wait(deadline - time.monotonic())
        self._host.wait(deadline - time.monotonic())
        full = wish.full.is_set()
        if full:  # one that is asked for from here on is another one
            wish.full.clear()
        self._told = self._progress()
        sample = {
            "time": time.time(),
            "every": wish.every,
            "host": self._host.value,
            "driver": self._gpus.driver(),
            "gpus": self._rows(),
            "processes": self._processes.value,
            "note": self._process_sampler.note,
        }
        message = self._sender.message(sample, full)
        self._write(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")

    def _rows(self):
        # type: () -> List[Dict[str, Any]]
        return self._gpus.rows(self._wish.every)  # type: ignore[no-any-return]

    def _progress(self):
        # type: () -> Tuple[Any, bool]
        """How much of what is measured has been told of at all."""
        return self._gpus.progress(), self._processes.value is not None

    def _pause(self, began):
        # type: (float) -> None
        """Until the next tick is due: one comes early when something has given its first answer."""
        wish = self._wish
        while not wish.full.is_set():
            left = began + wish.every - time.monotonic()
            starting = self._gpus.starting() or self._processes.value is None
            if left <= 0 or self._told != self._progress():
                return
            wish.changed.wait(min(left, SOON) if starting else left)
            wish.changed.clear()


def listen(wish, descriptor, output):
    # type: (Wish, int, int) -> None
    """Take lines of input until it closes; then end the process, whatever its threads are stuck in."""
    pending = b""
    while True:
        try:
            block = os.read(descriptor, 4096)
        except OSError:
            block = b""
        if not block:
            os.close(output)  # first: a thread that cannot be ended keeps a dead process's descriptors
            os._exit(0)
        lines = (pending + block).split(b"\n")
        pending = lines.pop()[-MAX_LINE:]
        for line in lines:
            wish.take(line)


def writer(descriptor):
    # type: (int) -> Callable[[bytes], None]
    """Writes whole lines; nobody reading is the end."""

    def write(line):
        # type: (bytes) -> None
        try:
            while line:
                line = line[os.write(descriptor, line) :]
        except OSError:
            os._exit(0)

    return write


def main(argv):
    # type: (List[str]) -> int
    """Be the probe. argv: root and lease folder, as for Machine; then host-only to leave GPUs alone."""
    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints is not ours
    wish = Wish()
    threading.Thread(target=listen, args=(wish, 0, output), daemon=True).start()
    Probe(Machine(argv[0], argv[1]), wish, writer(output), HOST_ONLY not in argv[2:]).run()
    return 0
