"""Keeping on disk which processes are a run's, for who finds them when guard and supervisor are both gone."""

import os
import stat
import time
from typing import Callable, Iterable, List, Optional

from workbench.remote.machine import Machine
from workbench.remote.processes.pace import next_look
from workbench.remote.processes.process_trees import Identity
from workbench.remote.queue.queue_files import Queue
from workbench.remote.queue.shared_files import write_shared
from workbench.remote.runs.runfolder import RunFolder

FIRST = (0.02, 0.1, 0.3)  # seconds after the start: a run's processes mostly appear early
SLOWEST = 10.0
SHARE = 2000.0  # a look is repeated at the soonest after so many times the CPU it took: 0.05 % of a core


class TreeRecorder(object):
    """Writes tree.json when the tree has changed, often at first and rarely later.

    shared: a file for other users of the lease folder, who cannot read the run's; None where there are none.
    """

    def __init__(self, folder, find, shared=None):
        # type: (RunFolder, Callable[[], List[Identity]], Optional[str]) -> None
        self._folder = folder
        self._find = find
        self._shared = shared
        self._last = None  # type: Optional[List[Identity]]
        self._steps = list(FIRST)
        self._pause = 1.0
        self.next = 0.0

    def tick(self):
        # type: () -> None
        """Look when it is time; `next` says when that is, by time.monotonic."""
        now = time.monotonic()
        if now >= self.next:
            cost = time.process_time()
            self.record()
            cost = time.process_time() - cost
            if self._steps:
                pause = self._steps.pop(0)
            else:
                pause, self._pause = self._pause, min(self._pause * 2, SLOWEST)
            self.next = next_look(now, max(pause, cost * SHARE))

    def record(self, others=()):
        # type: (Iterable[Identity]) -> None
        """Look now, and write what changed."""
        found = sorted(set(self._find()).union(others))
        if found == self._last:
            return
        try:
            self._folder.write_tree(found)
            if self._shared is not None:
                write_shared(self._shared, {"tree": [list(process) for process in found]}, sync=False)
            self._last = found
        except OSError:
            pass  # a full disk: the next look tries again, and the environment's tag finds most of them too


def shared_tree(machine, folder):
    # type: (Machine, RunFolder) -> Optional[str]
    """Where a run's processes are told to other users of the lease folder; None where it is one user's."""
    if not os.stat(machine.leases).st_mode & stat.S_IWGRP:
        return None
    return Queue(machine).tree(folder.run_id)
