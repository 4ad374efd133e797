"""When the text files below a run's logs/ grew: the companion's part that notes it, and reading its notes.

`logs.idx` in the run's folder has a line "time offset path" for each look that found a file grown: its bytes
from offset on came since the look before. So the files of ranks can be put in order afterwards.
"""

import os
import threading
import time
from typing import Dict, List, Optional, Tuple

from workbench.remote.runs.companion_part import Beside, Part
from workbench.remote.runs.files import walk
from workbench.remote.runs.runfolder import RunFolder

NAME = "logs.idx"
LOOK = 0.25  # seconds between two looks at files that are known
LIST = 1.0  # seconds between two looks for new ones
MOST_FILES = 256
MOST_LINES = 100000  # after each so many the looks come half as often
SHARE = 200.0  # a look is repeated at the soonest after so many times the CPU it took: 0.5 % of a core


class LogClock(Part):
    """Looks at sizes, in a thread of its own: a file system that hangs holds nobody else up."""

    def __init__(self, beside: Beside) -> None:
        self._folder = beside.folder
        self._sizes: Dict[str, int] = {}
        self._lines = 0
        self._next_list = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._later = os.path.exists(beside.folder.inside(NAME))

    def start(self) -> None:
        """Begin to look."""
        if self._later:  # what stands there was noted, or came while nobody looked
            self._list()
            self._sizes = {path: _size(path) or 0 for path in self._sizes}
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Look a last time."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        over = False
        while not over:
            over = self._stop.is_set()
            cost = time.process_time()
            self._look()
            cost = time.process_time() - cost
            pause = max(LOOK * (1 << (self._lines // MOST_LINES)), cost * SHARE)
            if not over:
                self._stop.wait(pause)

    def _look(self) -> None:
        now = time.time()
        if time.monotonic() >= self._next_list:
            self._list()
        for path, known in list(self._sizes.items()):
            size = _size(path)
            if size is None or size == known:
                continue
            self._sizes[path] = size
            self._note(now, known if size > known else 0, path)

    def _list(self) -> None:
        self._next_list = time.monotonic() + LIST
        for path in walk(self._folder.logs):
            if len(self._sizes) >= MOST_FILES:
                return
            self._sizes.setdefault(path, 0)

    def _note(self, now: float, offset: int, path: str) -> None:
        name = os.path.relpath(path, self._folder.path)
        if "\n" in name:
            return
        line = ("%.3f %d %s\n" % (now, offset, name)).encode("utf-8", "surrogateescape")
        handle = os.open(
            self._folder.inside(NAME), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
        self._lines += 1


def written_any(folder: RunFolder) -> bool:
    """Whether there is anything below logs/."""
    try:
        with os.scandir(folder.logs) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return False


def noted(folder: RunFolder, paths: List[str], starts: Dict[str, int]) -> Dict[str, List[Tuple[int, float]]]:
    """(offset, time) of what was noted of files from their starts on, in order of offsets."""
    found: Dict[str, List[Tuple[int, float]]] = {path: [] for path in paths}
    wanted = {path.encode("utf-8", "surrogateescape"): path for path in paths}
    try:
        with open(folder.inside(NAME), "rb") as file:
            for raw in file:
                moment, _, rest = raw.rstrip(b"\n").partition(b" ")
                offset, _, name = rest.partition(b" ")
                path = wanted.get(name)
                mark = _mark(moment, offset)
                if path is None or mark is None or not raw.endswith(b"\n"):
                    continue
                if mark[0] == 0:
                    found[path] = []  # it was begun anew
                if not found[path] or mark[0] > found[path][-1][0]:
                    found[path].append(mark)
    except OSError:
        return found
    return {path: _from(marks, starts.get(path, 0)) for path, marks in found.items()}


def _from(marks: List[Tuple[int, float]], start: int) -> List[Tuple[int, float]]:
    """The marks from a place on; the one that holds for it as if it stood there."""
    before = [mark for mark in marks if mark[0] <= start]
    after = [mark for mark in marks if mark[0] > start]
    return [(start, before[-1][1])] + after if before else after


def _mark(moment: bytes, offset: bytes) -> Optional[Tuple[int, float]]:
    try:
        return int(offset), float(moment)
    except ValueError:
        return None


def _size(path: str) -> Optional[int]:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
