"""A folder whose files each hold one metric, and small files that are told whole."""

import os
import stat
from typing import Any, Dict, Iterator, List, Optional, Tuple

from workbench.remote.readers import growing
from workbench.remote.readers.entries import MOST_NAMES

LONGEST_LINE = 1 << 16
WHOLE = 1 << 16
"""Bytes that are read of a small file."""


class WrittenAnew(Exception):
    """A file of the folder is not the one that was read before."""


class Folder(object):
    """One look at such a folder: at most MOST_AT_ONCE bytes of it."""

    def __init__(self, path: str, state: Dict[str, Any]) -> None:
        self._path = path
        known = state.get("files")
        self._known: Dict[str, Any] = dict(known) if isinstance(known, dict) else {}
        self._left = growing.MOST_AT_ONCE
        self.more = False
        self.skipped = 0

    @property
    def state(self) -> Dict[str, Any]:
        """How far each of its files was read."""
        return {"path": self._path, "files": self._known}

    def names(self, below: str) -> Iterator[Tuple[str, str]]:
        """Plain files below a folder of it: (name there, name in the whole folder), in order."""
        root = os.path.join(self._path, below)
        count = 0
        for place, folders, files in os.walk(root):
            folders.sort()
            for file in sorted(files):
                count += 1
                if count > MOST_NAMES:
                    return
                name = os.path.relpath(os.path.join(place, file), root)
                yield name, os.path.join(below, name)

    def lines(self, name: str) -> List[str]:
        """The whole lines of a file that are new. Raises WrittenAnew."""
        path = os.path.join(self._path, name)
        before = self._known.get(name, {})
        try:
            facts = _own(path)
            if (facts.st_ino, facts.st_size) == (before.get("inode"), before.get("offset")):
                return []
            if self._left <= 0:
                self.more = True
                return []
            seen = growing.look(path, before, self._left)
        except (OSError, ValueError):
            return []  # gone meanwhile, or nothing that can be read
        if seen.again:
            raise WrittenAnew(name)
        taken = seen.data.rfind(b"\n") + 1
        if not taken and len(seen.data) > LONGEST_LINE:
            taken, self.skipped = len(seen.data), self.skipped + 1
        self._left -= taken
        self.more = self.more or (taken > 0 and seen.offset + len(seen.data) < seen.size)
        self._known[name] = growing.after(path, seen, taken, before)
        return seen.data[:taken].decode("utf-8", "replace").split("\n")[:-1] if taken else []

    def whole(self, name: str) -> Optional[str]:
        """A small file's text, when it is new or was changed."""
        path = os.path.join(self._path, name)
        try:
            facts = _own(path)
            look = {"inode": facts.st_ino, "size": facts.st_size, "changed": int(facts.st_mtime * 1e6)}
            if self._known.get(name) == look:
                return None
            data = growing.look(path, {}, WHOLE).data
        except (OSError, ValueError):
            return None
        self._known[name] = look
        return data.decode("utf-8", "replace")


def _own(path: str) -> os.stat_result:
    """A file's facts. Raises ValueError for a link, which may lead out of the folder."""
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        raise ValueError("a link")
    return facts
