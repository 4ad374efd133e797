"""One process of a distributed run: its start, its own log, its end."""

import errno
import os
import signal
from typing import Dict, Iterable, List, Optional

from workbench.remote.processes.launch import RESET, find_program
from workbench.remote.processes.masking import Mask

CHUNK = 1 << 16
POLITE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What a launcher waits for itself: blocked there, and not in its ranks."""
FILE = "rank-%d.log"  # below logs/; text/log_names.py knows it for a rank's


class Log(object):
    """A rank's own file below logs/, with secrets taken out; nothing more is written to it beyond its cap."""

    def __init__(self, path: str, secrets: Iterable[str], cap: int) -> None:
        self._mask = Mask(secrets)
        self._room = cap
        self.trouble = None  # type: Optional[str]
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.open(path, flags, 0o644)
            self._room -= os.fstat(self._file).st_size
        except OSError as problem:
            self._file = -1
            self.trouble = problem.strerror or "cannot be opened"

    def feed(self, data: bytes) -> bytes:
        """Write what may be shown of it, and return that."""
        shown = self._mask.feed(data)
        self._write(shown)
        return shown

    def finish(self) -> bytes:
        """The rest; the file is closed."""
        rest = self._mask.rest()
        self._write(rest)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        return rest

    def _write(self, data: bytes) -> None:
        if self._file < 0 or not data:
            return
        if len(data) > self._room:
            self.trouble = "it has all of its share of output"
        try:
            view = memoryview(data)[: max(0, self._room)]
            self._room -= len(data)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as problem:
            self.trouble = problem.strerror or "cannot be written to"
        if self.trouble is not None:
            os.close(self._file)
            self._file = -1


class Rank(object):
    """A running process and what it leads: a group of its own, so that its children go with it.

    Raises OSError when it cannot be started.
    """

    def __init__(self, number: int, argv: List[str], environment: Dict[str, str], log: Log) -> None:
        self.number = number
        self.log = log
        self.status = None  # type: Optional[int]
        """Its wait status, once it has ended."""
        self.told = False  # to end, by us
        self.fd, output = os.pipe()
        os.set_blocking(self.fd, False)
        failed, report = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(failed)
            try:
                _become(argv, environment, output)
            except OSError as problem:
                os.write(report, b"%d" % (problem.errno or errno.EIO))
            finally:
                os._exit(127)
        os.close(output)
        os.close(report)
        try:
            told = os.read(failed, 64)
        finally:
            os.close(failed)
        if told:
            os.waitpid(self.pid, 0)
            os.close(self.fd)
            log.finish()
            raise OSError(int(told), os.strerror(int(told)), argv[0])

    def read(self) -> Optional[bytes]:
        """What may be shown of what it wrote; None: nothing is there now. At the end of all, fd is -1."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return None
        if not data:
            os.close(self.fd)
            self.fd = -1
            return self.log.finish()
        return self.log.feed(data)

    def close(self) -> bytes:
        """Listen no longer: something it left running may hold its output open."""
        if self.fd < 0:
            return b""
        os.close(self.fd)
        self.fd = -1
        return self.log.finish()

    def send(self, number: int) -> None:
        """A signal for it and what it started."""
        self.told = True
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # all of it is gone


def _become(argv: List[str], environment: Dict[str, str], output: int) -> None:
    """In the child: everything between fork and exec; returns only by raising OSError."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for name in RESET:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, POLITE)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
        os.set_inheritable(target, True)
    program = find_program(argv[0], environment.get("PATH") or os.defpath, os.getcwd())
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "not found")
    words = [os.fsencode(word) for word in argv]
    encoded = {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}
    try:
        os.execve(os.fsencode(program), words, encoded)
    except OSError as problem:
        if problem.errno != errno.ENOEXEC:  # a script without #! runs under sh, as every shell does it
            raise
        os.execve(b"/bin/sh", [b"/bin/sh", os.fsencode(program)] + words[1:], encoded)
