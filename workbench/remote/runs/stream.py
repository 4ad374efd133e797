"""A run's output on disk: written by its supervisor, read by offset while it grows.

Offsets are logical: byte n of the stream is byte n of what the command wrote (secrets masked). `stream.log`
holds the head, from 0. Once it has reached its share of the cap, `stream.<offset>.log` files follow, each
named by the logical offset of its first byte; the oldest of these go first when the cap is reached, which
leaves a gap between the head and what is left. `stream.idx` has a line "time offset" for when bytes arrived,
and where an attempt began a third word, its number.
"""

import os
import re
import time
from typing import Dict, List, Optional, Tuple

from workbench.remote.forms import protocol
from workbench.remote.runs.runfolder import remove_quietly
from workbench.remote.wire.problems import DISK_FULL

HEAD = "stream.log"
INDEX = "stream.idx"
SEGMENT = re.compile(r"^stream\.(\d{1,19})\.log$")
SEGMENTS_OF_TAIL = 8
INDEX_SPACING = 0.1  # seconds between two lines of the index
INDEX_LINES = 100000  # after each so many lines of one supervisor the spacing doubles


def segments(folder):
    # type: (str) -> List[Tuple[int, str]]
    """(logical offset, path) of every file of the stream, in order; empty when there is none."""
    found = []
    for name in os.listdir(folder):
        match = SEGMENT.match(name)
        if match:
            found.append((int(match.group(1)), os.path.join(folder, name)))
        elif name == HEAD:
            found.append((0, os.path.join(folder, name)))
    return sorted(found)


def stream_end(folder):
    # type: (str) -> int
    """The logical offset after the last byte written so far; 0 when there is no stream."""
    files = segments(folder)
    return files[-1][0] + os.stat(files[-1][1]).st_size if files else 0


def read_times(folder, place, limit):
    # type: (str, int, int) -> bytes
    """At most `limit` bytes of the index from a place of it, whole lines; empty when there are no more."""
    try:
        with open(os.path.join(folder, INDEX), "rb") as file:
            file.seek(place)
            block = file.read(limit)
    except FileNotFoundError:
        return b""
    return block[: block.rfind(b"\n") + 1]


def read_stream(folder, offset, limit):
    # type: (str, int, int) -> Tuple[int, bytes, Optional[Dict[str, int]]]
    """At most `limit` bytes from a logical offset of the stream kept in a run's folder.

    Returns (offset of the first byte returned, bytes, gap). gap is None, or {"from", "to"} when bytes
    from the asked offset on were dropped by the cap: reading goes on at "to". No bytes: none there yet.
    """
    for _ in range(16):  # a segment may be deleted between listing and opening: list again
        try:
            return _read(segments(folder), offset, limit)
        except FileNotFoundError:
            if not os.path.isdir(folder):
                raise
    return (offset, b"", None)


def _read(files, offset, limit):
    # type: (List[Tuple[int, str]], int, int) -> Tuple[int, bytes, Optional[Dict[str, int]]]
    for start, path in files:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if offset >= start + size:
                continue
            at = max(offset, start)
            file.seek(at - start)
            body = file.read(limit)
        return (at, body, {"from": offset, "to": at} if at > offset else None)
    return (offset, b"", None)


class StreamWriter(object):
    """Appends to the stream of a run's folder, going on where an earlier attempt ended.

    cap: bytes kept in all, half of them the head. attempt: noted with its beginning, 0: not. Writing never
    fails: what a full or broken disk does not take is counted in `dropped` and is no part of the stream;
    `no_room` is the errno when this was why.
    """

    def __init__(self, folder, cap=protocol.DEFAULT_STREAM_CAP, attempt=0):
        # type: (str, int, int) -> None
        self._folder = folder
        self._head_cap = max(1, cap // 2)
        self._tail_cap = max(1, cap - cap // 2)
        self._segment_cap = max(1, self._tail_cap // SEGMENTS_OF_TAIL)
        self._file = -1
        self._path = ""
        self._start = 0
        self.offset = 0
        self.dropped = 0
        self.no_room = 0
        self._index_at = 0.0
        self._index_lines = 0
        self._index = self._open(os.path.join(folder, INDEX))
        self._resume()
        if attempt:
            self._note(time.time(), b" %d" % attempt)

    def write(self, data):
        # type: (bytes) -> None
        """Append; bytes are in the file, or counted as dropped, when it returns."""
        if data:
            self._note_time()
        view = memoryview(data)
        while view:
            room = self._room()
            if room <= 0:
                if not self._next_segment():
                    self.dropped += len(view)
                    return
                continue
            if self._file < 0:  # the disk was full when it was to be made
                self._file = self._open(self._path)
            try:
                written = os.write(self._file, view[:room]) if self._file >= 0 else 0
            except OSError as error:
                self.no_room = (error.errno or 0) if error.errno in DISK_FULL else 0
                written = 0
            if written == 0:
                self.dropped += len(view)
                return
            self.no_room = 0
            self.offset += written
            view = view[written:]

    def close(self):
        # type: () -> None
        """Close the files; the stream stays."""
        for handle in (self._file, self._index):
            if handle >= 0:
                os.close(handle)
        self._file = self._index = -1

    def _resume(self):
        # type: () -> None
        files = segments(self._folder)
        self._start, self._path = files[-1] if files else (0, os.path.join(self._folder, HEAD))
        self._file = self._open(self._path)
        if self._file >= 0:
            self.offset = self._start + os.fstat(self._file).st_size

    def _room(self):
        # type: () -> int
        cap = self._segment_cap if self._start else self._head_cap
        return self._start + cap - self.offset

    def _next_segment(self):
        # type: () -> bool
        """Begin a new file at the current offset and drop what the cap no longer allows."""
        path = os.path.join(self._folder, "stream.%d.log" % self.offset)
        handle = self._open(path)
        if handle < 0:
            return False
        if self._file >= 0:
            os.close(self._file)
        self._file, self._path, self._start = handle, path, self.offset
        for start, path in segments(self._folder)[1:]:
            if start + self._tail_cap - self._segment_cap < self.offset:
                remove_quietly(path)
        return True

    def _note_time(self):
        # type: () -> None
        """A line of the index for the bytes that come now."""
        now = time.time()
        spacing = INDEX_SPACING * (1 << (self._index_lines // INDEX_LINES))
        if self._index < 0 or 0 <= now - self._index_at < spacing:
            return
        self._note(now)

    def _note(self, now, more=b""):
        # type: (float, bytes) -> None
        try:
            os.write(self._index, b"%.3f %d%s\n" % (now, self.offset, more))
        except OSError:
            return  # the bytes matter, their time less
        self._index_at = 0.0 if more else now
        self._index_lines += 1

    def _open(self, path):
        # type: (str) -> int
        """The file for appending, or -1 when it cannot be made now."""
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self.no_room = (error.errno or 0) if error.errno in DISK_FULL else 0
            return -1
