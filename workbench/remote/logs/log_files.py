"""The text files a run writes below logs/, as those of the ranks of torchrun: listed, sent as they grow."""

import os
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.runs import run_status
from workbench.remote.runs.files import checked_path, walk
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.stream import segments
from workbench.remote.supervision.log_clock import noted
from workbench.remote.wire import frames
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

MOST_LISTED = 1000
MOST_FOLLOWED = 64
LOOKED_AT = 512  # bytes at the beginning that tell text from anything else
BLOCK = 1 << 18
MARKS = 500  # times in one event
MOVING = 0.05  # seconds to the next look after something was new
STILL = 0.25


def kept_stream(path):
    # type: (str) -> List[List[int]]
    """[[start, stop]] of the stretches of a run's stream that are in its folder, in order."""
    kept = []  # type: List[List[int]]
    for start, file in segments(path):
        try:
            stop = start + os.stat(file).st_size
        except FileNotFoundError:
            continue
        if kept and kept[-1][1] == start:
            kept[-1][1] = stop
        else:
            kept.append([start, stop])
    return kept


def log_files(folder):
    # type: (RunFolder) -> List[Dict[str, Any]]
    """{path, size, modified} of the text files below logs/, by path, at most MOST_LISTED."""
    found = []  # type: List[Dict[str, Any]]
    for full in sorted(walk(folder.logs)):
        path = os.path.relpath(full, folder.path)
        try:
            handle = _opened(folder, path)
        except (OSError, RequestError):
            continue
        try:
            facts = os.fstat(handle)
            if b"\0" not in os.pread(handle, LOOKED_AT, 0):
                found.append({"path": path, "size": facts.st_size, "modified": facts.st_mtime})
        finally:
            os.close(handle)
        if len(found) >= MOST_LISTED:
            break
    return found


def follow_files(folder, offsets, exchange):
    # type: (RunFolder, Dict[str, int], Exchange) -> Dict[str, Any]
    """Send files of a run from their offsets on, until it is over and all was sent.

    EVENT {"came": {path, marks: [[offset, time]]}} tells first when what is there came, as the companion
    noted it. EVENT {"arrived": {path, offset, time}} tells when bytes from offset on were seen first, also by
    this machine's clock. EVENT {"anew": path}: the file is another, or shorter than what was
    sent: it comes from its beginning. Raises RequestError, Cancelled.
    """
    if len(offsets) > MOST_FOLLOWED:
        raise RequestError("usage", "at most %d files are followed at once" % MOST_FOLLOWED)
    files = [_Followed(folder, path, offset, exchange) for path, offset in sorted(offsets.items())]
    for path, marks in noted(folder, list(offsets), offsets).items():
        for start in range(0, len(marks), MARKS):
            exchange.wait_credit()
            exchange.event({"came": {"path": path, "marks": marks[start : start + MARKS]}})
    while True:
        status = folder.read_status()
        over = status is not None and run_status.is_terminal(status)
        if not os.path.isdir(folder.path):
            raise RequestError("not_found", "run %s was removed" % folder.run_id)
        moved = False
        for file in files:
            moved = file.step() or moved
        if over and not moved:
            return {}
        exchange.check()
        time.sleep(MOVING if moved else STILL)


class _Followed(object):
    """How far one file was sent."""

    def __init__(self, folder, path, offset, exchange):
        # type: (RunFolder, str, int, Exchange) -> None
        checked_path(folder, path)
        self._folder = folder
        self._path = path
        self._at = offset
        self._exchange = exchange
        self._file = None  # type: Optional[int]

    def step(self):
        # type: () -> bool
        """Send a part of what is new; whether there was any."""
        try:
            handle = _opened(self._folder, self._path)
        except OSError:
            return False  # not there yet, or not any more
        try:
            facts = os.fstat(handle)
            first = self._file is None
            if facts.st_size < self._at or not (first or facts.st_ino == self._file):
                self._at = 0
                self._exchange.event({"anew": self._path})
            self._file = facts.st_ino
            body = os.pread(handle, BLOCK, self._at)
        finally:
            os.close(handle)
        if body and not first:
            told = {"path": self._path, "offset": self._at, "time": time.time()}
            self._exchange.event({"arrived": told})
        self._send(body)
        return bool(body)

    def _send(self, body):
        # type: (bytes) -> None
        room = protocol.MAX_BODY - 64 - len(self._path.encode("utf-8", "replace")) * 6
        for start in range(0, len(body), room):
            piece = frames.chunk_prefix(self._path, self._at + start) + body[start : start + room]
            self._exchange.wait_credit()
            self._exchange.send([frames.encode(protocol.DATA, self._exchange.stream, piece)], len(piece))
        self._at += len(body)


def _opened(folder, path):
    # type: (RunFolder, str) -> int
    """A descriptor of an ordinary file; raises RequestError, OSError."""
    real = checked_path(folder, path)
    handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    if not os.path.isfile(real):
        os.close(handle)
        raise OSError("no ordinary file")
    return handle
