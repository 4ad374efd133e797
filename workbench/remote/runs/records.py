"""The files a run's processes append their records to: one a process, whole lines, one write each.

Nothing here raises for what the disk does: a record that cannot be written is dropped and counted.
"""

import errno
import fcntl
import os
from _thread import RLock
from os import getpid
from time import monotonic, time

from workbench.remote.forms.record_form import RANK_VARIABLES, VERSION
from workbench.remote.forms.record_text import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Mapping, Optional, Sequence

HIGH_DESCRIPTOR = 700
"""Descriptors of record files are moved up here: a script that closes all low ones and opens its own files
must not find its file under our number."""
RETRY_SECONDS = 1.0
"""How long after a failed open the next one is tried."""
CHUNK = 60000
"""Characters of records that share one write."""
MOST_AWAKE = 64
"""Files of child runs that a process keeps open at once; the others are opened again when they are needed."""
_GONE = (errno.EBADF, errno.ESTALE, errno.ENODEV)


def rank_of(environment: "Mapping[str, str]") -> int:
    """This process' rank among its peers, from whichever launcher's variable is there; 0 without one."""
    for variable in RANK_VARIABLES:
        try:
            return max(0, int(environment[variable]))
        except (KeyError, ValueError):
            continue
    return 0


_awake: "List[RecordFile]" = []


class RecordFile(object):
    """The record file of one process; it appears with the first record.

    Its lock is reentrant, so a signal handler that logs does not wait for the record it interrupted.
    """

    def __init__(self, directory: str, run: str, attempt: int, child: str = "") -> None:
        self.directory = directory
        self.run = run
        self.attempt = attempt
        self.child = child
        self.pid = getpid()
        self.paths: "List[str]" = []
        self.dropped = 0
        self.trouble: "Optional[OSError]" = None
        self._lock = RLock()
        self._fd = -1
        self._identity = (-1, -1)
        self._mono = 0.0
        self._wall = 0.0
        self._header = b""  # not written yet: goes before the next record
        self._owed = 0  # dropped since the file last told of it
        self._retry = 0.0
        self._smooth = False  # the file is open and nothing has to go before the next record

    def write(self, line: str) -> bool:
        """Append the record whose text, but for its time and closing brace, is line. False: it is dropped."""
        with self._lock:
            return self._append([line])

    def write_value(self, head: str, value: float, step: "Optional[int]") -> bool:
        """The same for head + the value + its step, and as fast as can be: the case of each training step.

        value: an int, or a float that is finite. step: None is left out.
        """
        with self._lock:
            if self._smooth:
                seconds = monotonic() - self._mono
                if step is None:
                    data = f'{head}{value!r},"t":{seconds:.6f}}}\n'.encode("ascii")
                else:
                    data = f'{head}{value!r},"s":{step!r},"t":{seconds:.6f}}}\n'.encode("ascii")
                try:
                    written = os.write(self._fd, data)
                except OSError as error:
                    if error.errno not in _GONE:
                        return self._lost(error, 1)
                    self._abandon()
                else:
                    return written == len(data) or self._torn(written, 1)
            return self._append([head + repr(value) + ("" if step is None else ',"s":%d' % step)])

    def write_many(self, lines: "Sequence[str]", walls: "Optional[Sequence[float]]" = None) -> bool:
        """Append several records in as few writes as may be. False: some or all were dropped.

        walls: the time of each, in seconds since 1970; None is now.
        """
        whole = True
        start = 0
        while start < len(lines):
            end, size = start + 1, len(lines[start])
            while end < len(lines) and size + len(lines[end]) + 20 < CHUNK:
                size += len(lines[end]) + 20
                end += 1
            with self._lock:
                whole = self._append(lines[start:end], walls and walls[start:end]) and whole
            start = end
        return whole

    def rest(self) -> None:
        """Close the file for now, unless another thread is at it; the next record opens it again."""
        if not self._lock.acquire(False):
            return
        try:
            if self._fd >= 0:
                os.close(self._fd)
                self._abandon()
        finally:
            self._lock.release()

    def close_inherited(self) -> None:
        """In a forked child: let go of the parent's descriptor, if it still is the parent's file."""
        try:
            status = os.fstat(self._fd)
            if (status.st_dev, status.st_ino) == self._identity:
                os.close(self._fd)
        except OSError:
            pass  # closed already, or never open: nothing of ours is left
        self._abandon()

    def _append(self, lines: "Sequence[str]", walls: "Optional[Sequence[float]]" = None) -> bool:
        """Write records with whatever must stand before them, on a new file when the old one is gone."""
        for _ in range(2):
            if not self._ready():
                break
            end = ',"t":%.6f}\n' % (monotonic() - self._mono)
            if walls is None:
                data = (end.join(lines) + end).encode("ascii")
            else:
                timed = ['%s,"t":%.6f}\n' % (line, wall - self._wall) for line, wall in zip(lines, walls)]
                data = "".join(timed).encode("ascii")
            if self._owed:
                data = ('{"k":"warning","v":%s%s' % (quote(self._told()), end)).encode("ascii") + data
            data = self._header + data
            try:
                written = os.write(self._fd, data)
            except OSError as error:
                if error.errno not in _GONE:
                    return self._lost(error, len(lines))
                self.trouble = error
                self._abandon()
                continue
            if written != len(data):
                return self._torn(written, len(lines))
            self._header = b""
            self._owed = 0
            self._smooth = True
            return True
        return self._lost(self.trouble, len(lines))

    def _ready(self) -> bool:
        """Whether a file is open; opens one when there is none and the last failure is a while ago."""
        if self._fd >= 0:
            return True
        now = monotonic()
        if now < self._retry:
            return False
        if self.child and self._wake():
            return True
        # By their names a process' files are in the order they were made: a later header counts.
        name = "%d-%014x%s.jsonl" % (self.pid, int(time() * 1e6), os.urandom(2).hex())
        path = os.path.join(self.directory, "records", name)
        try:
            self._fd = _create(path)
            status = os.fstat(self._fd)
        except OSError as error:
            self.trouble = error
            self._retry = now + RETRY_SECONDS
            return False
        self._identity = (status.st_dev, status.st_ino)
        self.paths.append(path)
        self._mono = monotonic()
        self._wall = time()
        self._header = (
            '{"k":"header","v":%d,"run":%s,"attempt":%d,"rank":%d,"pid":%d,"wall":%.6f,"mono":%.6f%s}\n'
            % (
                VERSION,
                quote(self.run),
                self.attempt,
                rank_of(os.environ),
                self.pid,
                self._wall,
                self._mono,
                ',"child":' + self.child if self.child else "",
            )
        ).encode("ascii")
        if self.child:
            self._stay_awake()
        return True

    def _wake(self) -> bool:
        """Open the file that rests, if it still is the one that this process wrote."""
        if not self.paths or self._header:
            return False
        try:
            descriptor = os.open(self.paths[-1], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return False  # a new one is made
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != self._identity:
            os.close(descriptor)
            return False
        self._fd = descriptor
        self._stay_awake()
        return True

    def _stay_awake(self) -> None:
        """Of very many files only the latest stay open."""
        _awake.append(self)
        while len(_awake) > MOST_AWAKE:
            latest = _awake.pop(0)
            if latest is not self:
                latest.rest()

    def _abandon(self) -> None:
        """Forget the descriptor: it is closed, or its number may be another file's by now."""
        self._fd = -1
        self._smooth = False

    def _lost(self, error: "Optional[OSError]", count: int) -> bool:
        self._smooth = False
        self.trouble = error
        self.dropped += count
        self._owed += count
        return False

    def _torn(self, written: int, count: int) -> bool:
        """Only a part went in (a full disk): take it back, so that no line is ever half a line."""
        try:
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR) - written)
        except OSError:  # then nothing may follow the half line
            os.close(self._fd)
            self._abandon()
        return self._lost(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), count)

    def _told(self) -> str:
        reason = self.trouble.strerror if self.trouble is not None else None
        return "%d records could not be written (%s)" % (self._owed, reason or "reason unknown")


class RecordWriter(object):
    """Appends to this process' record file: a new one after every fork. Safe from any thread.

    directory: the run's folder. Files lie in records/ below it. child: what a header says of the child run
    that the records belong to, as JSON; empty for the run itself.
    """

    def __init__(self, directory: str, run: str, attempt: int, child: str = "") -> None:
        self.latest = RecordFile(directory, run, attempt, child)
        """The file of the process that last asked for its `file`: ours, if its pid is."""
        self._files: "Dict[int, RecordFile]" = {}

    @property
    def file(self) -> RecordFile:
        """This very process' file."""
        file = self.latest
        if file.pid == getpid():
            return file
        return self._forked(file)

    def write(self, line: str) -> bool:
        """See RecordFile.write."""
        return self.file.write(line)

    def write_many(self, lines: "Sequence[str]") -> bool:
        """See RecordFile.write_many."""
        return self.file.write_many(lines)

    def lines(self) -> "List[bytes]":
        """All whole lines that this process has written so far."""
        found: "List[bytes]" = []
        for path in self.file.paths:
            try:
                with open(path, "rb") as opened:
                    found.extend(line for line in opened if line.endswith(b"\n"))
            except OSError:
                continue  # the run's folder is gone; what was in it cannot be read
        return found

    def _forked(self, parent: RecordFile) -> RecordFile:
        mine = RecordFile(parent.directory, parent.run, parent.attempt, parent.child)
        file = self._files.setdefault(mine.pid, mine)  # atomic: of several threads one makes the file
        if file is mine:
            self._files = {mine.pid: mine}  # no ancestors: their numbers may be given out again
            parent.close_inherited()
        self.latest = file
        return file


def _create(path: str) -> int:
    """A descriptor that appends to a new file; records/ is made when only it is missing."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        try:
            os.mkdir(os.path.dirname(path), 0o700)
        except FileExistsError:
            pass  # another process of the run was quicker
        descriptor = os.open(path, flags, 0o600)
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR)
    except OSError:  # a lower limit on descriptors: the number we have must do
        return descriptor
    os.close(descriptor)
    return high
