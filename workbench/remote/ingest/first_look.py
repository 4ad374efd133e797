"""A supervisor's own cheap look whether its run has written anything that is worth reading."""

import time

from workbench.remote.ingest.baseline import mark_of, read_baseline, roots_of
from workbench.remote.ingest.folder_watch import FolderWatch
from workbench.remote.runs.runfolder import RunFolder

YOUNG = 60.0  # seconds in which most runs open their logs
SOON, LATER = 1.0, 2.0  # seconds between two looks, then and after that
DEAR = 30.0  # seconds
SHARE = 2000.0  # a look is repeated at the soonest after so many times the CPU it took: 0.05 % of a core


class FirstLook(object):
    """Asked again and again until something was `found`; `pause` says in how many seconds."""

    def __init__(self, folder: RunFolder) -> None:
        baseline = read_baseline(folder)
        self._before = baseline.logs
        self._watch = FolderWatch(roots_of(folder))
        self._watch.know(baseline.folders, list(baseline.logs))
        self._began = time.monotonic()
        self.pause = SOON

    def found(self, last: bool = False) -> bool:
        """Whether something that may be a log is new, or was written to. last: nothing may be overlooked."""
        cost = time.process_time()
        new = self._watch.look(everything=last)
        written = any(mark_of(path) != mark for path, mark in self._before.items())
        cost = time.process_time() - cost
        young = time.monotonic() - self._began < YOUNG
        self.pause = max(SOON if young else LATER, cost * SHARE)
        # A look that costs much is better left to the companion, which runs at a lower priority.
        return bool(new) or written or self.pause > DEAR
