"""A run's status in memory and on disk: the supervisor's copy, written at each change, beating in between."""

import os
import time
from typing import Any, Optional

from workbench.remote.forms import protocol
from workbench.remote.processes.pace import next_look
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import Ending
from workbench.remote.runs.runfolder import RunFolder

RETRY_SECONDS = 1.0
LAST_TRIES = 600  # seconds a finished run keeps trying to write how it ended
FOLDER_GONE = 5  # seconds, when its folder is no longer there


class StatusKeeper(object):
    """Owns a run's status while its supervisor lives; a write that fails is tried again, never lost.

    lock: descriptor of the run's lock, whose time is kept fresh so that no cleaner takes it for litter.
    """

    def __init__(self, folder, status, lock):
        # type: (RunFolder, run_status.Status, int) -> None
        self.status = status
        self._folder = folder
        self._lock = lock
        self._unsaved = False
        self.next = 0.0
        """When `tick` wants to be called, by time.monotonic."""

    def set(self, **values):
        # type: (Any) -> None
        """Change fields and write."""
        self.status.update(values)
        self._save()

    def move(self, state, ending=None):
        # type: (str, Optional[Ending]) -> None
        """Go to a state and write; the ending gives cause, message, exit code and signal."""
        details = (ending.cause, ending.message, ending.exit_code, ending.signal) if ending else ()
        run_status.add_transition(self.status, state, time.time(), *details)
        self._save()

    def queued(self, note):
        # type: (str) -> None
        """Be Queued for this reason; nothing is written while it stays the same."""
        if self.status.get("note") == note and run_status.state_of(self.status) == protocol.QUEUED:
            return
        self.status["note"] = note
        if run_status.state_of(self.status) != protocol.QUEUED:
            run_status.add_transition(self.status, protocol.QUEUED, time.time())
        self._save()

    def tick(self):
        # type: () -> None
        """Beat when it is time, and retry what could not be written. Cheap when there is nothing to do."""
        if time.monotonic() < self.next:
            return
        if self._unsaved:
            self._save()
            return
        self.next = next_look(time.monotonic(), protocol.HEARTBEAT_SECONDS)
        try:
            self._folder.heartbeat()
            os.utime(self._lock)
        except OSError:
            self._unsaved = True  # the file may be gone: write it again

    def finish(self, ending):
        # type: (Ending) -> bool
        """Write how it ended, trying for a while; False when the disk would not take it."""
        self.move(ending.state, ending)
        if not self._saved_at_last():
            return False
        try:
            self._folder.drop_reserve()
        except OSError:  # a disk that lets nothing be removed: the end is written, and that was all
            pass
        return True

    def go_on(self, status):
        # type: (run_status.Status) -> bool
        """Write the status of the next attempt, which another supervises; False when that was not taken."""
        self.status = status
        self._save()
        return self._saved_at_last()

    def _saved_at_last(self):
        # type: () -> bool
        deadline = time.monotonic() + LAST_TRIES
        while self._unsaved:
            if not os.path.isdir(self._folder.path):
                deadline = min(deadline, time.monotonic() + FOLDER_GONE)
            if time.monotonic() > deadline:
                return False
            time.sleep(RETRY_SECONDS)
            self._save()
        return True

    def _save(self):
        # type: () -> None
        try:
            self._folder.write_status(self.status)
            self._unsaved = False
            self.next = next_look(time.monotonic(), protocol.HEARTBEAT_SECONDS)
        except OSError:
            self._unsaved = True
            self.next = time.monotonic() + RETRY_SECONDS
