"""The markers in a folder by which a supervisor is asked to stop, each seen within a moment."""

import os
import time
from typing import Optional

from workbench.remote.processes.folder_news import FolderNews
from workbench.remote.processes.pace import next_look
from workbench.remote.runs.endings import Ending, canceled, withdrawn
from workbench.remote.runs.runfolder import RunFolder

LOOK = 0.25  # seconds between two looks, where the kernel does not tell when to look
CALM = 1.0  # and where it does
LOUD = 100  # news a second of which most are a script's own files: not worth waking up for


class StopMarkers(object):
    """Looked at whenever something new is in the folder, and every so often all the same.

    The kernel is relied on once it was heard of a change there: the first write of the status is one. It is
    asked no more where a script makes files in that folder without end.
    """

    def __init__(self, folder):
        # type: (RunFolder) -> None
        self._folder = folder
        self._news = FolderNews(folder.path)
        self._heard = 0
        self._next = 0.0
        self._second = (0.0, 0)  # when this second of news began, and what was heard before

    @property
    def next(self):
        # type: () -> float
        """When to look again, by time.monotonic."""
        return 0.0 if self._news.listening and self._news.heard != self._heard else self._next

    def asked(self, started):
        # type: (bool) -> Optional[Ending]
        """How the run ends by a marker; None without one, or when it is not time to look.

        started: its command has been, so it cannot be taken back any more.
        """
        now = time.monotonic()
        if now < self.next:
            return None
        self._heard = self._news.heard  # before the look: what comes during it is looked at again
        if now >= self._second[0] + 1:
            self._second = (now, self._heard)
        elif self._heard - self._second[1] > LOUD:
            self._news.close()
        self._next = next_look(now, CALM if self._heard and self._news.listening else LOOK)
        if os.path.exists(self._folder.cancel):
            return canceled()
        if not started and os.path.exists(self._folder.withdraw):
            return withdrawn()
        return None
