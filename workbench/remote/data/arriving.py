"""A file on its way into the cache: one writer at a time, resumed where it was cut, placed when whole."""

import fcntl
import hashlib
import os
import time
from typing import Any, Callable, List, Optional

from workbench.remote.data.cache import Cache, finish, intact
from workbench.remote.disk.copying import write_all
from workbench.remote.wire.problems import DISK_FULL, RequestError

BLOCK = 1 << 20
PAUSE = 0.05  # seconds between two looks whether somebody else has brought it
LOOK_AGAIN = 1.0  # seconds between two words of one who waits
SILENT = 10.0  # seconds without a byte after which a writer makes room for one who waits


class Arrival(object):
    """Brings one file. `begin` first; then `write` from its offset on, and `settle`; `close` in any case."""

    def __init__(self, cache: Cache, identity: str, size: int) -> None:
        self._cache = cache
        self._identity = identity
        self._size = size
        self._partial = cache.partial(identity)
        self._wanted = self._partial + ".wanted"
        self._handle = -1
        self._digest: Any = None if identity.startswith("x") else hashlib.sha256()
        self.offset = 0

    def begin(self, offset: Optional[int], check: Callable[[], None]) -> bool:
        """Get hold of it, waiting while somebody else brings it; False when it is here already.

        offset: from where on bytes come, None for where they end now. check: is called while it waits,
        and may raise. Raises RequestError when less of it is here than that.
        """
        place = self._cache.file(self._identity)
        os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
        while not intact(place, self._size):
            if self._take():
                break
            check()
            self._say_wanted()
            time.sleep(PAUSE)
        else:
            return False
        there = os.fstat(self._handle).st_size
        if offset is None:
            offset = there if there <= self._size else 0
        if offset > there:
            words = "%d bytes of a file of the dataset are there, not %d" % (there, offset)
            raise RequestError("busy", words, "it is sent again")
        if self._digest is not None:
            self._hash_to(offset, check)
        os.ftruncate(self._handle, offset)
        os.lseek(self._handle, offset, os.SEEK_SET)
        self.offset = offset
        return True

    def _take(self) -> bool:
        """Lock what is written until it is whole; False while another has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(self._partial, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine, there = os.fstat(handle), os.lstat(self._partial)
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                self._handle = handle
                _forget(self._wanted)
                return True
        except (BlockingIOError, FileNotFoundError):
            pass  # another has it, or put it in its place just now
        os.close(handle)
        return False

    def _say_wanted(self) -> None:
        try:
            if time.time() - os.stat(self._wanted).st_mtime < LOOK_AGAIN:
                return
        except FileNotFoundError:
            pass
        handle = os.open(self._wanted, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.utime(self._wanted)
        finally:
            os.close(handle)

    def make_way(self) -> None:
        """To be called after SILENT seconds without a byte: raise RequestError when another waits for it."""
        try:
            waited = time.time() - os.stat(self._wanted).st_mtime
        except FileNotFoundError:
            return
        if waited < 5 * LOOK_AGAIN:
            words = "nothing came for %g s, and another connection brings it" % SILENT
            raise RequestError("busy", words, "it is looked at again")

    def _hash_to(self, offset: int, check: Callable[[], None]) -> None:
        at = 0
        while at < offset:
            check()
            block = os.pread(self._handle, min(BLOCK, offset - at), at)
            if not block:
                raise RequestError("conflict", "what is there became shorter", "it is sent again")
            self._digest.update(block)
            at += len(block)

    def write(self, block: Any) -> None:
        """More bytes. Raises RequestError for more than there are, OSError; a full disk keeps nothing."""
        if self.offset + len(block) > self._size:
            raise RequestError("conflict", "a file of the dataset is larger than was said", CHANGED)
        try:
            self.offset += write_all(self._handle, block)
        except OSError as problem:
            if problem.errno in DISK_FULL:  # what came would keep it full
                os.ftruncate(self._handle, 0)
                _forget(self._partial)
            raise
        if self._digest is not None:
            self._digest.update(block)

    def begin_anew(self) -> None:
        """Drop what came: it is another content's."""
        os.ftruncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        self.offset = 0
        if self._digest is not None:
            self._digest = hashlib.sha256()

    def settle(self) -> None:
        """It is whole: check it and put it in its place. Raises RequestError, and what came is dropped."""
        if self.offset < self._size:
            words = "%d bytes less than were said of a file of the dataset" % (self._size - self.offset)
            raise RequestError("conflict", words, CHANGED)
        if self._digest is not None and self._digest.hexdigest() != self._identity:
            self.begin_anew()
            raise RequestError("conflict", "a file of the dataset arrived with another hash", CHANGED)
        finish(self._handle)
        os.fsync(self._handle)
        os.rename(self._partial, self._cache.file(self._identity))

    def close(self) -> None:
        """Let go of it; what came stays to be gone on with."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


CHANGED = "it changed while it was fetched: try again when nobody writes to it"


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def take_in(exchange: Any, cache: Cache, files: List[List[Any]]) -> int:
    """Take files [id, size, offset] in, whose bytes from offset on come one after the other as DATA.

    Answers how many are here for it. One that somebody else brought meanwhile is passed over; behind the
    last such the request is answered at once. Raises RequestError, OSError, Cancelled.
    """
    came = Incoming(exchange)
    for number, (identity, size, offset) in enumerate(files):
        arrival = Arrival(cache, identity, size)
        try:
            if arrival.begin(offset, exchange.check):
                while arrival.offset < size:
                    arrival.write(came.take(size - arrival.offset, arrival.make_way))
                arrival.settle()
            elif number + 1 < len(files):
                came.skip(size - offset)
        finally:
            arrival.close()
    return len(files)


class Incoming(object):
    """The bytes of a request, in pieces as they are wanted."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._left = memoryview(b"")

    def take(self, most: int, silent: Callable[[], None]) -> Any:
        """The next bytes, most at most. silent: is called when none come for SILENT seconds."""
        while not len(self._left):
            block = self._exchange.read(SILENT)
            if block is None:
                silent()
                continue
            if not block:
                raise RequestError("conflict", "less of the dataset came than was said", CHANGED)
            self._left = memoryview(block)
        piece, self._left = self._left[:most], self._left[most:]
        return piece

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        while size > 0:
            size -= len(self.take(size, lambda: None))
