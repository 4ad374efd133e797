"""Our own zip checker and unpacker: a bad archive is rejected whole, never clamped into shape.

Used on a machine for the blobs it is sent, and on the near side for a downloaded snapshot. Nothing is
believed that can be counted: sizes and ratios are those of the bytes that really come out.
"""

import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional

from workbench.remote.disk.copying import write_all
from workbench.remote.forms.tree_paths import clash, encode, link_leaves, path_problem, target_problem

_CHUNK = 1 << 18
_RATIO_FLOOR = 1 << 20  # bytes that may come out before the ratio is judged: small things compress well
_MAX_TARGET = 4096

Limits = NamedTuple(
    "Limits",
    [
        ("max_files", int),
        ("max_bytes", int),
        ("max_ratio", int),
        ("max_depth", int),
        ("max_directory", int),
    ],
)
LIMITS = Limits(50000, 16 << 30, 200, 50, 24 << 20)
"""Entries, bytes unpacked, bytes out per byte in, directories deep, bytes of the archive's own directory."""

Item = NamedTuple("Item", [("path", str), ("kind", str), ("mode", int), ("info", zipfile.ZipInfo)])


class ArchiveError(ValueError):
    """An archive that would escape, collide or blow up, or that is damaged; nothing of it was kept."""

    code = "hostile_archive"
    hint = "nothing of it was unpacked; do not use this archive"

    @property
    def message(self) -> str:
        """What is wrong, as one line."""
        return str(self)


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    OverflowError,
    UnicodeError,
)


class _Guarded:
    """A file whose single reads are capped: zipfile reads an archive's whole directory in one."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit
        self.seek = file.seek
        self.tell = file.tell
        self.close = file.close

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > self._limit:
            raise ArchiveError("the archive's directory is larger than %d bytes" % self._limit)
        return self._file.read(self._limit if size < 0 else size)


class Archive:
    """An open archive whose entries were all checked; a context manager.

    own: it was written from one of our snapshots, where a backslash is a character like any other and a
    link may leave the tree. Raises ArchiveError, and OSError when the file cannot be read.
    """

    def __init__(self, path: str, limits: Limits = LIMITS, own: bool = False) -> None:
        self.limits = limits
        self._out = 0
        self._file = open(path, "rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._zip = _open_zip(self._file, limits)
            self.items = _check(self._zip.infolist(), limits, own)
            if not own:
                self._check_links()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *problem: Any) -> None:
        self._zip.close()
        self._file.close()

    def chunks(self, item: Item) -> Iterator[bytes]:
        """The bytes of one entry, counted against the limits as they come out. Raises ArchiveError."""
        try:
            with self._zip.open(item.info) as stream:
                while True:
                    chunk = stream.read(_CHUNK)
                    if not chunk:
                        return
                    self._count(len(chunk))
                    yield chunk
        except _DAMAGE as problem:
            if isinstance(problem, ArchiveError):
                raise
            raise ArchiveError("damaged archive, at %.200r: %s" % (item.path, problem))

    def target(self, item: Item) -> str:
        """Where a link entry points. Raises ArchiveError."""
        raw = b""
        for chunk in self.chunks(item):
            raw += chunk
            if len(raw) > _MAX_TARGET:
                break
        target = raw.decode("utf-8", "surrogateescape")
        problem = target_problem(target)
        if problem:
            raise ArchiveError("target of the link %.200r: %s" % (item.path, problem))
        return target

    def _check_links(self) -> None:
        links = {item.path: self.target(item) for item in self.items if item.kind == "link"}
        for path in links:
            if link_leaves(path, links):
                raise ArchiveError("the link %.200r leaves the archive" % path)

    def _count(self, size: int) -> None:
        self._out += size
        if self._out > self.limits.max_bytes:
            raise ArchiveError("it unpacks to more than %d bytes" % self.limits.max_bytes)
        if self._out > max(_RATIO_FLOOR, self._size * self.limits.max_ratio):
            raise ArchiveError("it unpacks to more than %d times its size" % self.limits.max_ratio)


def unpack(path: str, directory: str, limits: Limits = LIMITS, own: bool = False) -> int:
    """Unpacks the zip at path into a directory that does not exist yet (or is empty); returns its files.

    Everything is checked first, written beside the directory, and renamed into place last. Modes are kept
    as 0o755 or 0o644. Raises ArchiveError, and OSError when the disk does not take it.
    """
    directory = os.path.abspath(directory)
    partial = "%s.%d.Partial" % (directory, os.getpid())
    with Archive(path, limits, own) as archive:
        os.mkdir(partial, 0o700)
        try:
            if os.path.lexists(partial.rpartition("P")[0] + "pARTIAL"):
                _check_fold(archive.items)
            files = _write(archive, partial)
            os.chmod(partial, 0o755)
            os.rename(partial, directory)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return files


def _open_zip(file: IO[bytes], limits: Limits) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(_Guarded(file, limits.max_directory))
    except _DAMAGE as problem:
        if isinstance(problem, ArchiveError):
            raise
        raise ArchiveError("not a zip archive: %s" % problem)
    except (ValueError, IndexError) as problem:  # what zipfile lets through from impossible offsets
        raise ArchiveError("not a zip archive: %s" % problem)


def _check(infos: List[zipfile.ZipInfo], limits: Limits, own: bool) -> List[Item]:
    if len(infos) > limits.max_files:
        raise ArchiveError("more than %d entries" % limits.max_files)
    items: Dict[str, Item] = {}
    for info in infos:
        item = _item(info, limits, own)
        if item.path in items:
            raise ArchiveError("name %.200r stands twice" % item.path)
        items[item.path] = item
    through = clash({path: item.kind for path, item in items.items()})
    if through is not None:
        raise ArchiveError("%.200r lies below something that is no directory" % through)
    return list(items.values())


def _name(info: zipfile.ZipInfo) -> str:
    # orig_filename: zipfile cuts `filename` at a NUL. Without the UTF-8 flag the bytes were read as cp437.
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        name = name.encode("cp437").decode("utf-8", "surrogateescape")
    return name


def _item(info: zipfile.ZipInfo, limits: Limits, own: bool) -> Item:
    name = _name(info)
    path = name[:-1] if name.endswith("/") else name
    problem: Optional[str] = path_problem(path, backslash=own)
    if problem is None and path.count("/") >= limits.max_depth:
        problem = "deeper than %d directories" % limits.max_depth
    if problem is None and info.flag_bits & 0x1:
        problem = "encrypted"
    if problem is None and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = "compressed in a way that is not accepted"
    if problem is None and info.file_size > limits.max_bytes:
        problem = "larger than %d bytes" % limits.max_bytes
    mode = info.external_attr >> 16
    form = stat.S_IFMT(mode)
    kind = "file"
    if form == stat.S_IFLNK:
        kind = "link"
    elif form == stat.S_IFDIR or (form == 0 and name.endswith("/")):
        kind = "dir"
    elif form not in (0, stat.S_IFREG):
        problem = problem or "a device, pipe or socket"
    if problem is None and name.endswith("/") and kind != "dir":
        problem = "a directory's name on something else"
    if problem is not None:
        raise ArchiveError("entry %.200r: %s" % (name, problem))
    return Item(path, kind, 0o755 if mode & 0o100 or kind == "dir" else 0o644, info)


def _check_fold(items: List[Item]) -> None:
    # Only where the file system holds README and readme for the same name.
    seen: Dict[str, str] = {}
    for item in items:
        parts = item.path.split("/")
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            known = seen.setdefault(fold(path), path)
            if known != path:
                raise ArchiveError("%.200r and %.200r are the same name here" % (known, path))


def fold(path: str) -> str:
    """The form in which a case-insensitive file system compares names."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _write(archive: Archive, root: str) -> int:
    # Links come last, so that nothing is ever written through one.
    base = os.fsencode(root)
    links: List[Item] = []
    files = 0
    for item in archive.items:
        place = os.path.join(base, encode(item.path))
        if item.kind == "dir":
            os.makedirs(place, 0o755, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(place), 0o755, exist_ok=True)
        if item.kind == "link":
            links.append(item)
            continue
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            for chunk in archive.chunks(item):
                write_all(handle, chunk)
            os.fchmod(handle, item.mode)
        finally:
            os.close(handle)
        files += 1
    for item in links:
        os.symlink(encode(archive.target(item)), os.path.join(base, encode(item.path)))
    return files
