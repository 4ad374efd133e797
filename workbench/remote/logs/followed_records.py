"""The record files of a run that is followed: which there are, which grew, and their whole new lines.

A run of many processes has many files, and most of them say nothing for a while. A look costs what is new
and a constant: new files are told by their folder's time, quiet files are looked at ever more rarely.
"""

import heapq
import os
import re
import stat
import time
from typing import Callable, Dict, Iterator, List, Tuple

from workbench.remote.forms import protocol

RECORD_FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.jsonl$")
BLOCK = 1 << 19
LEAST = 0.02  # seconds to the second look at a file that has become quiet; twice as long each further time
SLOWEST = 10.0  # seconds between two looks at a file, however many there are
QUIET_RATE = 320.0  # looks a second at all quiet files together: up to 16 files are looked at every time
MISSES = 32  # files without anything new that one look takes; the others are first next time
# A folder's time may tick in seconds: what is made in the same tick after a listing is found by these.
SETTLE = (0.25, 1.0, 2.0)  # seconds from one listing to the next after the folder changed
RELIST = 10.0  # and whenever nothing changed: a network disk may say so too late

Send = Callable[[str, int, bytes], None]


class FollowedRecords(object):
    """How far a run's record files were sent.

    folder: where they are. offsets: file name -> bytes that the near end has. clock: seconds, monotonic.
    """

    def __init__(self, folder, offsets, clock=time.monotonic):
        # type: (str, Dict[str, int], Callable[[], float]) -> None
        self._folder = folder
        self._offsets = offsets
        self._clock = clock
        self._files = {}  # type: Dict[str, RecordFile]
        self._due = []  # type: List[Tuple[float, str]]
        """When to look at which file; every file is in it until its end was reached."""
        self._folder_facts = (0, 0)
        self._list_at = 0.0
        self._settle = iter(())  # type: Iterator[float]
        self._over = False

    def step(self, over, credit, send):
        # type: (bool, Callable[[], int], Send) -> bool
        """Send new lines by `send(file, offset, bytes)` while `credit()` is above zero.

        over: the run has ended, so that every file is read to its end, torn last lines included. True when
        then the end of every file was reached; while the run goes on the answer means nothing.
        """
        now = self._clock()
        self._find(now, over)
        misses, done, again = 0, True, []  # type: int, bool, List[Tuple[float, str]]
        while self._due and (over or (self._due[0][0] <= now and misses < MISSES)):
            if credit() <= 0:
                done = False
                break
            name = heapq.heappop(self._due)[1]
            file = self._files[name]
            grew, ended = self._send_file(name, file, over, credit, send)
            if not ended:
                done = False
                again.append((now, name))
                break
            if not over:
                misses += not grew
                file.pause = 0.0 if grew else min(max(LEAST, 2 * file.pause), self._slowest())
                again.append((now + file.pause, name))
        for item in again:
            heapq.heappush(self._due, item)
        return done

    def _slowest(self):
        # type: () -> float
        return min(SLOWEST, len(self._files) / QUIET_RATE)

    def _send_file(self, name, file, over, credit, send):
        # type: (str, RecordFile, bool, Callable[[], int], Send) -> Tuple[bool, bool]
        """Whether anything of it was new, and whether its end was reached."""
        path = os.path.join(self._folder, name)
        grew = False
        while credit() > 0:
            body = file.read_lines(path, over)
            if not body:
                return grew, True
            send(name, file.offset, body)
            file.offset += len(body)
            grew = True
        return grew, False

    def _find(self, now, over):
        # type: (float, bool) -> None
        """Take up files that are new; at the end of the run, all files once more."""
        try:
            facts = os.stat(self._folder)
        except FileNotFoundError:
            return
        if (facts.st_ino, facts.st_mtime_ns) != self._folder_facts:
            self._folder_facts = (facts.st_ino, facts.st_mtime_ns)
            self._settle = iter(SETTLE)
            self._list_at = now
        if now >= self._list_at or (over and not self._over):
            self._list(now)
            self._list_at = now + next(self._settle, RELIST)
        self._over = self._over or over

    def _list(self, now):
        # type: (float) -> None
        for name in os.listdir(self._folder):
            if name not in self._files and RECORD_FILE.match(name):
                self._files[name] = RecordFile(self._offsets.get(name, 0))
                heapq.heappush(self._due, (now, name))


class RecordFile(object):
    """How far one record file was sent; bytes after the last newline wait for the rest of their line."""

    def __init__(self, offset):
        # type: (int) -> None
        self.offset = offset
        self.pause = 0.0  # seconds from the last look to the next
        self._held = -1  # size at which what follows offset was found to be no whole line

    def grown(self, path):
        # type: (str) -> bool
        """Whether there is something to look at after the offset."""
        try:
            facts = os.stat(path)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(facts.st_mode) and facts.st_size > self.offset and facts.st_size != self._held

    def read_lines(self, path, over):
        # type: (str, bool) -> bytes
        """Whole lines from offset on; over: the file will not grow, so a torn last line is given as it is.

        A line longer than a record may be comes in pieces: its reader knows it by its length.
        """
        try:
            if not over and not self.grown(path):
                return b""
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # it vanished, or is a link: none of ours
            return b""
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                return b""
            body = os.pread(handle, BLOCK, self.offset)
            cut = body.rfind(b"\n") + 1
            if not cut and len(body) == BLOCK:
                body = os.pread(handle, protocol.MAX_RECORD + 1, self.offset)
                cut = body.rfind(b"\n") + 1 or (len(body) if len(body) > protocol.MAX_RECORD else 0)
            if not cut and over:
                cut = len(body)
            self._held = -1 if cut else facts.st_size
            return body[:cut]
        finally:
            os.close(handle)
