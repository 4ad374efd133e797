"""How much room folders take: of each thing in a folder, everything below it, on one file system."""

import os
import stat
import time
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from workbench.remote.files.file_places import shown
from workbench.remote.wire.exchange import Exchange

OFTEN = 0.3  # seconds between two words about how far it is
STEP = 256  # entries between two looks at whether anybody still waits
TOLD = 20  # folders that could not be read, by name
BLOCK = 512  # bytes of what st_blocks counts


class Usage(object):
    """Counts what trees take on the disk; a file with several names once."""

    def __init__(self, exchange=None):
        # type: (Optional[Exchange]) -> None
        self._exchange = exchange
        self._seen = set()  # type: Set[Tuple[int, int]]
        self._steps = 0
        self.files = 0
        self.elsewhere = 0
        self.unreadable = []  # type: List[bytes]
        self.unreadable_count = 0

    def count(self, facts):
        # type: (os.stat_result) -> int
        """Bytes on the disk that one thing adds."""
        self._steps += 1
        if self._steps % STEP == 0 and self._exchange is not None:
            self._exchange.check()
        if not stat.S_ISDIR(facts.st_mode):
            self.files += 1
            if facts.st_nlink > 1:
                known = (facts.st_dev, facts.st_ino)
                if known in self._seen:
                    return 0
                self._seen.add(known)
        return facts.st_blocks * BLOCK

    def parts(self, path):
        # type: (bytes) -> Iterator[int]
        """Bytes that a tree takes, piece by piece; links are not followed, other disks are only counted."""
        try:
            top = os.lstat(path)
        except OSError:
            self._cannot(path)
            return
        yield self.count(top)
        waiting = [path] if stat.S_ISDIR(top.st_mode) else []
        while waiting:
            folder = waiting.pop()
            try:
                found = list(os.scandir(folder))
            except OSError:
                self._cannot(folder)
                continue
            for item in found:
                try:
                    facts = item.stat(follow_symlinks=False)
                except OSError:  # it went meanwhile
                    continue
                if facts.st_dev != top.st_dev:
                    self.elsewhere += 1
                    continue
                yield self.count(facts)
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(os.path.join(folder, item.name))

    def tree(self, path):
        # type: (bytes) -> int
        """Bytes that a tree takes."""
        return sum(self.parts(path))

    def _cannot(self, path):
        # type: (bytes) -> None
        self.unreadable_count += 1
        if len(self.unreadable) < TOLD:
            self.unreadable.append(path)


def usage(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, Any]
    """{"path", "total", "files", "entries": [[name, kind, bytes]], "elsewhere", "unreadable", "unread"}.

    Bytes on the disk; the largest come first, the folder itself counts in the total. elsewhere: how many
    things lie on other disks, unread: how many folders could not be read, unreadable: some of them. Meanwhile
    events {"path", "total", "files", "entries"} say what is known so far.
    """
    own = os.lstat(path)
    count = Usage(exchange)
    total = count.count(own)
    found = []  # type: List[Tuple[int, bytes, str]]
    said = time.monotonic()
    for item in sorted(os.scandir(path), key=lambda item: item.name) if stat.S_ISDIR(own.st_mode) else []:
        try:
            facts = item.stat(follow_symlinks=False)
        except OSError:
            continue
        if facts.st_dev != own.st_dev:
            count.elsewhere += 1
            continue
        kind = "dir" if stat.S_ISDIR(facts.st_mode) else "link" if stat.S_ISLNK(facts.st_mode) else "file"
        size = 0
        for piece in count.parts(os.path.join(path, item.name)):
            size += piece
            if time.monotonic() - said >= OFTEN and exchange.credit > 0:
                said = time.monotonic()
                exchange.event(_told(path, total + size, count, found + [(size, item.name, kind)]))
        total += size
        found.append((size, item.name, kind))
    answer = _told(path, total, count, found, most=None)
    answer.update(elsewhere=count.elsewhere, unread=count.unreadable_count)
    answer.update(unreadable=[shown(name) for name in count.unreadable])
    return answer


def _told(path, total, count, found, most=100):
    # type: (bytes, int, Usage, List[Tuple[int, bytes, str]], Optional[int]) -> Dict[str, Any]
    largest = sorted(found, key=lambda row: (-row[0], row[1]))[:most]
    entries = [[shown(name), kind, size] for size, name, kind in largest]
    return {"path": shown(path), "total": total, "files": count.files, "entries": entries}
