"""Folders below some roots, looked at for new logs: a look costs one stat a folder, and what changed."""

import os
import time
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from workbench.remote.ingest.candidates import DEEPEST, log_in, looked_into

MOST_FOLDERS = 2000
MOST_LOGS = 2000
SHARE = 50.0
"""A folder is listed again at the soonest after so many times what that took: 2 % of a core."""


class FolderWatch(object):
    """Finds what may be a log as it appears. Links are not followed: they may lead anywhere, or in a circle.

    logs: every path found so far. crowded: there are more folders or logs than are looked at.
    """

    def __init__(self, roots: List[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.logs: Dict[str, None] = {}
        self.crowded = False
        self._clock = clock
        self._folders: Dict[str, _Folder] = {root: _Folder(0) for root in roots}
        self._roots = frozenset(roots)

    @property
    def folders(self) -> Dict[str, int]:
        """The folders that are looked at, with the time each had when it was listed, in nanoseconds."""
        return {path: folder.listed for path, folder in self._folders.items()}

    def know(self, folders: Dict[str, int], logs: List[str]) -> None:
        """Go on from what an earlier watch had found."""
        for path, listed in folders.items():
            root = max((root for root in self._roots if path.startswith(root)), key=len, default=path)
            self._folders.setdefault(path, _Folder(path[len(root) :].count(os.sep))).listed = listed
        self.logs.update(dict.fromkeys(logs))

    def look(self, everything: bool = False) -> List[str]:
        """What may be a log and was not there before. everything: list folders whatever their times say."""
        found: List[str] = []
        waiting = list(self._folders)
        while waiting:
            path = waiting.pop()
            folder = self._folders[path]
            facts = self._facts(path)
            if facts is None:
                if path not in self._roots:
                    del self._folders[path]
            elif self._due(folder, facts) or everything:
                waiting.extend(self._list(path, folder, found))
        return found

    def _facts(self, path: str) -> Optional[int]:
        try:
            return os.stat(path).st_mtime_ns
        except OSError:
            return None

    def _due(self, folder: "_Folder", changed: int) -> bool:
        """Whether to list a folder; once more after a change, as its time may tick in seconds."""
        if changed == folder.listed and not folder.again:
            return False
        if self._clock() < folder.not_before:
            return False
        folder.again, folder.listed = changed != folder.listed, changed
        return True

    def _list(self, path: str, folder: "_Folder", found: List[str]) -> Iterator[str]:
        """List a folder; gives the folders in it that are new."""
        began = self._clock()
        for name, is_folder in _entries(path):
            log = log_in(path, name, is_folder)
            if log is not None and log not in self.logs:
                if len(self.logs) < MOST_LOGS:
                    self.logs[log] = None
                    found.append(log)
                else:
                    self.crowded = True
            inner = os.path.join(path, name)
            if is_folder and inner not in self._folders and looked_into(path, name):
                if len(self._folders) < MOST_FOLDERS and folder.depth < DEEPEST:
                    self._folders[inner] = _Folder(folder.depth + 1)
                    yield inner
                else:
                    self.crowded = True
        now = self._clock()
        folder.not_before = now + SHARE * (now - began)


class _Folder(object):
    __slots__ = ("depth", "listed", "again", "not_before")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.listed = -1  # no time: a folder from an archive may have the time 0
        self.again = False
        self.not_before = 0.0


def _entries(path: str) -> Iterator[Tuple[str, bool]]:
    """Name and whether it is a folder of the files and folders in one; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield entry.name, True
                elif entry.is_file(follow_symlinks=False):
                    yield entry.name, False
    except OSError:
        return
