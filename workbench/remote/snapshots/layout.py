"""Laying a snapshot out on a machine: its tree as ordinary files, from the contents under blobs/."""

import binascii
import os
import time
from typing import Any, Iterator, List, Sequence, Set, Tuple

from workbench.remote.disk.copying import Copier
from workbench.remote.forms.tree_paths import encode
from workbench.remote.snapshots.manifest import FILE, LINK
from workbench.remote.snapshots.trees import load_manifest, open_blob

PROBE = 64  # files after which it is judged how long one takes
SLOW = 0.0005  # seconds a file from where on it is the disk or network that is waited for
THREADS = 8  # files on their way at once then

Place = Tuple[str, bytes, int, int, str]  # path, path below the tree as bytes, mode, size, sha256
Link = Tuple[bytes, bytes]  # path below the tree, target


class MissingBlob(Exception):
    """A snapshot cannot be laid out: the machine lacks some of its contents, or the snapshot itself."""

    code = "snapshot"
    hint = "submit again: what the machine lacks is sent anew"

    @property
    def message(self) -> str:
        """What is missing, as one line."""
        return str(self)


def lay_out(machine: Any, snapshot: str, directory: str) -> int:
    """Makes directory (absent, or empty) the tree of snapshot; returns its number of files.

    Contents are reflinks of the blobs where the file system can, copies otherwise, never hard links: a run
    may write. It is put together beside directory and renamed into place. Raises MissingBlob, OSError.
    """
    entries = load_manifest(machine, snapshot)
    if entries is None:
        raise MissingBlob("snapshot %s is not on this machine" % snapshot)
    directory = os.path.abspath(directory)
    partial = "%s.%s.partial" % (directory, binascii.hexlify(os.urandom(4)).decode("ascii"))
    os.mkdir(partial, 0o755)
    try:
        files = _fill(machine.root, partial, entries)
        os.rename(partial, directory)
    except BaseException:
        import shutil  # here: it loads much that a run's start would wait for

        shutil.rmtree(partial, ignore_errors=True)
        raise
    return files


def _fill(root: str, partial: str, entries: Sequence[Sequence[Any]]) -> int:
    """Writes everything, links last, so that nothing is written through one; returns the files."""
    base = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        files, links = _directories(base, entries)
        layout = _Layout(root, base, files)
        layout.work(PROBE)
        if layout.slow():
            layout.work_together()
        else:
            layout.work()
        for raw, target in links:
            os.symlink(target, raw, dir_fd=base)
        return len(files)
    finally:
        os.close(base)


def _directories(base: int, entries: Sequence[Sequence[Any]]) -> Tuple[List[Place], List[Link]]:
    """Makes every directory of a tree; its files, and its links with their targets."""
    files: List[Place] = []
    links: List[Link] = []
    made: Set[bytes] = {b""}
    for path, kind, mode, size, content in entries:
        raw = encode(path)
        directory = raw.rpartition(b"/")[0] if kind in (FILE, LINK) else raw
        if directory not in made:
            todo = []
            while directory not in made:
                todo.append(directory)
                directory = directory.rpartition(b"/")[0]
            for directory in reversed(todo):
                os.mkdir(directory, 0o755, dir_fd=base)
                made.add(directory)
        if kind == LINK:
            links.append((raw, encode(content)))
        elif kind == FILE:
            files.append((path, raw, mode, size, content))
    return files, links


class _Layout:
    """The files of one tree being written below an open directory; any number of threads may work on it."""

    def __init__(self, root: str, base: int, files: List[Place]) -> None:
        self._root = root
        self._base = base
        self._copier = Copier()
        self._exact: Set[int] = set()  # modes that the umask leaves alone, seen on the first file of each
        self._left: Iterator[Place] = iter(files)  # next() of a list's iterator is one step for all threads
        self._problems: List[BaseException] = []
        self._done = 0
        self._seconds = 0.0

    def work(self, most: float = float("inf")) -> None:
        """Writes the next files, at most so many; raises MissingBlob, OSError."""
        began = time.monotonic()
        while self._done < most and not self._problems:
            place = next(self._left, None)
            if place is None:
                break
            self._file(*place)
            self._done += 1
        self._seconds += time.monotonic() - began

    def slow(self) -> bool:
        """Whether a file took so long that several at once are faster."""
        return self._seconds > SLOW * max(1, self._done)

    def work_together(self) -> None:
        """Writes the rest by several threads: each mostly waits. Raises the first problem of any of them."""
        import threading  # here: mostly there is no need for it

        threads = []
        for _ in range(THREADS - 1):
            thread = threading.Thread(target=self._help)
            try:
                thread.start()
            except RuntimeError:  # the user may start no more: fewer do it too
                break
            threads.append(thread)
        self._help()
        for thread in threads:
            thread.join()
        if self._problems:
            raise self._problems[0]

    def _help(self) -> None:
        try:
            self.work()
        except BaseException as problem:  # raised by who started us
            self._problems.append(problem)

    def _file(self, path: str, place: bytes, mode: int, size: int, sha256: str) -> None:
        try:
            source = open_blob(self._root, sha256)
        except FileNotFoundError:
            raise MissingBlob("the contents of %.200r are not on this machine" % path)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            target = os.open(place, flags, mode, dir_fd=self._base)
            try:
                copied = self._copier.copy(source, target, size)
                if mode not in self._exact:
                    if os.fstat(target).st_mode & 0o777 == mode:
                        self._exact.add(mode)
                    else:
                        os.fchmod(target, mode)
            finally:
                os.close(target)
        finally:
            os.close(source)
        if copied != size:
            raise MissingBlob("the contents of %.200r are damaged on this machine" % path)
