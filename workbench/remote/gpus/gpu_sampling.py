"""All GPUs of the machine, each asked in a thread of its own: one that hangs costs its own row only."""

import threading
import time
from typing import Callable, FrozenSet, List, Optional, Tuple

from workbench.remote.forms.gpu_words import UNKNOWN
from workbench.remote.gpus import nvml_library
from workbench.remote.gpus.devices import DRIVER, information_files, read_information
from workbench.remote.gpus.gpu_reading import Fields, GpuReader, Uses
from workbench.remote.gpus.nvml_device import Pulse, open_device
from workbench.remote.gpus.nvml_events import XidListener
from workbench.remote.gpus.nvml_library import Library, NvmlError

HUNG = 3.0  # seconds of one call after which a GPU is said to hang
STALE = 1.0  # seconds beyond a tick after which figures have an age
RETRY = 2.0  # seconds between two tries to reach a GPU that is lost


class GpuThread(threading.Thread):
    """Samples one GPU whenever it is told to.

    known: its row as long as it says nothing itself. done: called after each sample with the number of that.
    """

    def __init__(self, library, index, known, listener, done):
        # type: (Library, int, Fields, XidListener, Callable[[int], None]) -> None
        super(GpuThread, self).__init__(daemon=True)
        self.rows = [known]  # type: List[Fields]
        self.uses = {}  # type: Uses
        self.error = None  # type: Optional[str]
        self.read_at = None  # type: Optional[float]
        self.busy_since = None  # type: Optional[float]
        self.detail = frozenset()  # type: FrozenSet[str]
        self._library = library
        self._index = index
        self._name = str(known["uuid"])
        self._listener = listener
        self._done = done
        self._go = threading.Semaphore(0)
        self._number = 0
        self._pulse = Pulse()
        self._reader = None  # type: Optional[GpuReader]
        self._retry_at = 0.0

    def sample(self, now, number):
        # type: (float, int) -> bool
        """Begin the sample of a number; False when an earlier one is still going on."""
        if self.busy_since is not None:
            return False
        self.busy_since = now
        self._number = number
        self._go.release()
        return True

    def hangs(self, now):
        # type: (float) -> bool
        """Whether one question has been waiting for its answer for long; many slow ones are no hanging."""
        busy = self.busy_since
        return busy is not None and now - max(busy, self._pulse.at) > HUNG

    def look_again(self):
        # type: () -> None
        """Read everything at the next sample."""
        reader = self._reader
        if reader is not None:
            reader.look_again()

    def run(self):
        # type: () -> None
        """Sample until the process ends."""
        while True:
            self._go.acquire()
            try:
                self._once(time.monotonic())
            except Exception as error:  # a fault of ours costs this row only
                import traceback  # here: it would cost every start

                traceback.print_exc()
                self.error = "the probe failed: %r" % error
            finally:
                self.busy_since = None

    def _once(self, now):
        # type: (float) -> None
        try:
            if self._reader is None and now < self._retry_at:
                return
            if self._reader is None:
                device = open_device(self._library, self._index, self._pulse)
                self._reader = GpuReader(device, self._index, self._name, self._listener)
            self._reader.read(now)
            self._publish(now)
        except NvmlError as error:  # its row says so until it answers again
            self.error = error.words
            self._reader = None
            self._retry_at = now + RETRY
            self.uses = {}
        finally:
            self._done(self._number)
        if self._reader is not None:
            self._rates(self._reader, now)

    def _rates(self, reader, now):
        # type: (GpuReader, float) -> None
        # After the sample, since it takes long: the next one has them.
        try:
            if reader.uuid in self.detail:
                reader.read_rates(now)
            else:
                reader.forget_rates()
        except NvmlError:  # the next sample says so
            return

    def _publish(self, now):
        # type: (float) -> None
        assert self._reader is not None
        self.rows = self._reader.rows()
        self.uses = self._reader.uses()
        self.error = None
        self.read_at = now


class GpuSampler(object):
    """All GPUs and the driver of a loaded NVML; `sample` never waits longer than it is allowed to."""

    def __init__(self, library):
        # type: (Library) -> None
        self.ready = False  # whether it is known which GPUs there are
        self._library = library
        self._driver = {"source": "nvml"}  # type: Fields
        self._threads = []  # type: List[GpuThread]
        self._lock = threading.Lock()
        self._left = 0
        self._number = 0  # of the sample that is being taken
        self._all_done = threading.Event()
        self._started_at = time.monotonic()
        self._starter = threading.Thread(target=self._start, daemon=True)
        self._starter.start()

    def driver(self):
        # type: () -> Fields
        """The driver, as entities/sample.py has it."""
        if not self.ready and time.monotonic() - self._started_at > HUNG:
            return dict(self._driver, error="the driver hangs: its library does not finish starting")
        return self._driver

    def progress(self):
        # type: () -> Tuple[bool, int]
        """How far the start has come: whether the GPUs are known, how many of them have answered."""
        answered = sum(one.read_at is not None or one.error is not None for one in self._threads)
        return self.ready, answered

    def starting(self):
        # type: () -> bool
        """Whether the driver, or a GPU, may still give its first answer in a moment."""
        young = time.monotonic() - self._started_at <= HUNG
        return young and self.progress() != (True, len(self._threads))

    def sample(self, detail, wait):
        # type: (FrozenSet[str], float) -> None
        """Have every GPU sampled; wait at most so many seconds for those that are expected to answer.

        detail: UUIDs of the GPUs whose PCIe and NVLink rates are wanted.
        """
        deadline = time.monotonic() + wait
        self._starter.join(wait)
        if not self.ready:
            return
        now = time.monotonic()
        self._all_done.clear()
        with self._lock:
            self._number += 1
            self._left = len(self._threads)
        for thread in self._threads:
            thread.detail = detail
            if not thread.sample(now, self._number):
                self._one_done(self._number)
        if self._threads:
            self._all_done.wait(max(0.0, deadline - time.monotonic()))

    def rows(self, every):
        # type: (float) -> List[Fields]
        """The GPUs' figures, in bus order; old ones with their age and why."""
        now = time.monotonic()
        found = []  # type: List[Fields]
        for thread in self._threads:
            error = "hung" if thread.hangs(now) else thread.error
            age = now - (self._started_at if thread.read_at is None else thread.read_at)
            for row in thread.rows:
                row = dict(row)
                if error is not None:
                    row["error"] = error
                if error is not None or age > every + STALE:
                    row["age"] = age
                found.append(row)
        return found

    def uses(self):
        # type: () -> Uses
        """pid -> what it has of which GPU."""
        found = {}  # type: Uses
        for thread in self._threads:
            for pid, uses in list(thread.uses.items()):
                found.setdefault(pid, []).extend(uses)
        return found

    def _start(self):
        # type: () -> None
        library = self._library
        try:
            library.start()
            count = library.count()
        except NvmlError as error:
            version = nvml_library.loaded_version() or library.library_version()
            module = nvml_library.module_version()
            self._driver = {
                "source": "nvml",
                "version": module,
                "error": nvml_library.start_problem(error, version, module),
            }
            self.ready = True
            return
        self._driver = {
            "source": "nvml",
            "version": library.driver_version(),
            "cuda": library.cuda_version(),
        }
        listener = XidListener(library, self._look_again)
        threads = []
        for index, known in enumerate(provisional_rows(count)):
            threads.append(GpuThread(library, index, known, listener, self._one_done))
        for thread in threads:
            thread.start()
        self._threads = threads
        self.ready = True

    def _look_again(self):
        # type: () -> None
        for thread in self._threads:
            thread.look_again()

    def _one_done(self, number):
        # type: (int) -> None
        with self._lock:
            if number == self._number:
                self._left -= 1
                if self._left == 0:
                    self._all_done.set()


def provisional_rows(count, driver=DRIVER):
    # type: (int, str) -> List[Fields]
    """Rows of so many GPUs before they answer: what the driver's own files tell of UUID and model."""
    known = [read_information(path) for path in information_files(driver)]
    if len(known) != count:
        known = [None] * count
    rows = []  # type: List[Fields]
    for index, gpu in enumerate(known):
        row = {"uuid": gpu["uuid"] if gpu else "%s%d" % (UNKNOWN, index), "index": index}  # type: Fields
        if gpu and gpu["name"]:
            row["name"] = gpu["name"]
        rows.append(row)
    return rows
