"""The GPUs of a machine whose NVML this python cannot load, from nvidia-smi processes that go on printing.

Starting nvidia-smi opens the driver anew, which may take seconds: it is started once and read for as long as
it prints.
"""

import os
import shutil
import subprocess
import threading
import time
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

from workbench.remote.gpus import smi_text
from workbench.remote.gpus.smi_table import SmiTable
from workbench.remote.gpus.smi_text import COLUMNS, Column, Fields

OFTEN, SELDOM = 1, 5  # seconds between two tellings: it costs the driver more than NVML does
SELDOM_FROM = 4.0  # seconds between samples from which on the longer one will do
RETRY = (1.0, 30.0)  # seconds until it is started again when it ended: the first time, and at most
HUNG = 6.0  # seconds without a word, beyond an interval, after which it is said to hang
LONGEST = 8192  # bytes of a line
PLACES = ("/usr/bin", "/usr/local/bin", "/usr/lib/wsl/lib", "/run/current-system/sw/bin", "/opt/bin")


def find_program():
    # type: () -> Optional[str]
    """nvidia-smi's path; None where there is none."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + os.pathsep.join(PLACES)
    return shutil.which("nvidia-smi", path=path)


class Printing(threading.Thread):
    """One nvidia-smi, kept printing.

    words: its arguments but for the interval. take: gets each line, False for one it makes nothing of.
    ended: told the lines that were none; whether another start at once is worth it.
    """

    def __init__(self, program, words, take, ended):
        # type: (str, Callable[[], List[str]], Callable[[str], bool], Callable[[str], bool]) -> None
        super(Printing, self).__init__(daemon=True)
        self.interval = OFTEN
        self.heard = time.monotonic()
        self._program = program
        self._words = words
        self._take = take
        self._ended = ended
        self._child = None  # type: Optional[Any]
        self._printing = OFTEN
        self._closed = threading.Event()
        self.start()

    def change(self, interval):
        # type: (int) -> None
        """Have it print so often from now on; it is started anew for that. To be repeated."""
        self.interval = interval
        child = self._child
        if child is not None and self._printing != interval:
            child.terminate()

    def close(self):
        # type: () -> None
        """Start it no more, and end it."""
        self._closed.set()
        child = self._child
        if child is not None:
            child.terminate()
        self.join()

    def run(self):
        # type: () -> None
        """Start it, again and again, until the process ends; it ends itself when nobody reads it."""
        wait = RETRY[0]
        while not self._closed.is_set():
            interval, began = self.interval, time.monotonic()
            said = self._once(interval)
            if interval != self.interval or self._ended(said):
                continue
            wait = RETRY[0] if time.monotonic() - began > RETRY[1] else min(RETRY[1], 2 * wait)
            self._closed.wait(wait)

    def _once(self, interval):
        # type: (int) -> str
        """Read it to its end; returns what it printed that was no line of ours."""
        argv = [self._program] + self._words() + ["-l", str(interval)]
        try:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
            )
        except OSError as error:
            return str(error)
        self._printing, self._child = interval, child
        if self._closed.is_set():
            child.terminate()
        assert child.stdout is not None
        other = ""
        try:
            while True:
                line = child.stdout.readline(LONGEST)
                if not line:
                    break
                self.heard = time.monotonic()
                text = line.decode("utf-8", "replace").strip()
                if not self._take(text):
                    other = (other + text + "\n")[-4096:]
        finally:
            self._child = None
            child.stdout.close()
            child.wait()
        return other


class SmiSampler(object):
    """Stands for GpuSampler, see there. program: nvidia-smi's path."""

    ready = True

    def __init__(self, program):
        # type: (str) -> None
        self._columns = COLUMNS  # type: Tuple[Column, ...]
        self._table = SmiTable(OFTEN)
        self._began = time.monotonic()
        self._first = threading.Event()
        self._gpus = Printing(program, self._query, self._take_gpu, self._gpus_ended)
        words = [smi_text.APPS, smi_text.FORMAT]
        self._apps = Printing(program, lambda: words, self._take_app, lambda said: False)

    def close(self):
        # type: () -> None
        """End the nvidia-smi processes."""
        for printing in (self._gpus, self._apps):
            printing.close()

    def driver(self):
        # type: () -> Fields
        """The driver, as entities/sample.py has it."""
        return self._table.driver()

    def progress(self):
        # type: () -> Tuple[bool, int]
        """Whether it has told anything, of how many GPUs."""
        return self._first.is_set(), len(self._table.rows(0.0, 0.0))

    def starting(self):
        # type: () -> bool
        """Whether the first telling may still come in a moment."""
        return not self._first.is_set() and time.monotonic() - self._began < HUNG

    def sample(self, detail, wait):
        # type: (FrozenSet[str], float) -> None
        """Wait at most so many seconds for the first telling; what is told later is there when it is."""
        if not self._first.is_set():
            self._first.wait(wait)

    def rows(self, every):
        # type: (float) -> List[Fields]
        """The GPUs' figures, in bus order; every: seconds between samples."""
        interval = SELDOM if every >= SELDOM_FROM else OFTEN
        self._table.interval = interval
        for printing in (self._gpus, self._apps):
            printing.change(interval)
        now = time.monotonic()
        if now - self._gpus.heard > interval + HUNG and self._table.error is None:
            self._table.error = "hung"
        return self._table.rows(now, every)

    def uses(self):
        # type: () -> Dict[int, List[Dict[str, Any]]]
        """pid -> what it has of which GPU."""
        return self._table.uses(time.monotonic())

    def _query(self):
        # type: () -> List[str]
        return smi_text.gpu_query(self._columns)

    def _take_gpu(self, text):
        # type: (str) -> bool
        if not self._table.gpu(text, self._columns, time.monotonic()):
            return False
        self._first.set()
        return True

    def _take_app(self, text):
        # type: (str) -> bool
        return self._table.app(text, time.monotonic())

    def _gpus_ended(self, said):
        # type: (str) -> bool
        fewer = smi_text.without_unknown(self._columns, said)
        if fewer is not None:
            self._columns = fewer
            return True
        self._table.error = smi_text.problem(said)
        self._first.set()
        return False
