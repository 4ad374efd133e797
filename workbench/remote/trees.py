"""Snapshots on a machine: manifests under trees/, file contents under blobs/, and laying a tree out.

A machine is anything with `.root`, the folder of ours. Manifests and blobs appear by rename only; what is
there under its final name is whole (a length that does not fit is treated as absent: a crash can do that).
"""

import hashlib
import json
import os
import stat
from typing import Any, Dict, List, Optional, Sequence, Set

from workbench.remote import protocol
from workbench.remote.archive import Archive, ArchiveError, Limits
from workbench.remote.copying import Copier, write_all
from workbench.remote.manifest import FILE, LINK, BadManifest, apply_delta, check_entries, snapshot_id
from workbench.remote.tree_paths import encode

# A blob's ratio is bounded by our writer; how many there may be is bounded by the manifest's own limit.
BLOB_LIMITS = Limits(500000, 1 << 40, 200, 1, 64 << 20)
MAX_MANIFEST = 512 << 20


class MissingBlob(Exception):
    """A snapshot cannot be laid out: the machine lacks some of its contents, or the snapshot itself."""

    code = "snapshot"
    hint = "submit again: what the machine lacks is sent anew"

    @property
    def message(self) -> str:
        """What is missing, as one line."""
        return str(self)


def blob_path(root: str, sha256: str) -> str:
    """Where the contents of that hash lie below a root."""
    return os.path.join(root, "blobs", sha256[:2], sha256)


def accept_manifest(
    machine: Any, snapshot: str, base: Optional[str], removed: Any, added: Any
) -> Dict[str, Any]:
    """Keeps the manifest of snapshot and answers `{"missing": [sha256]}`: the contents still to be sent.

    The manifest is that of base (absent or "": an empty one) without the removed paths and with the added
    entries. A snapshot the machine knows already needs neither. `{"unknown_base": True}`: send it whole.
    Raises BadManifest when an entry cannot be accepted, or when all of them are not what snapshot names.
    """
    _check_id(snapshot)
    entries = load_manifest(machine, snapshot)
    if entries is None:
        known: Optional[List[List[Any]]] = []
        if base:
            _check_id(base)
            known = load_manifest(machine, base)
        if known is None:
            return {"unknown_base": True}
        entries = apply_delta(known, removed, added)
        if snapshot_id(entries) != snapshot:
            raise BadManifest("the entries sent are not those of snapshot %s" % snapshot)
        _save_manifest(machine, snapshot, entries)
    return {"missing": missing_blobs(machine, entries)}


def load_manifest(machine: Any, snapshot: str) -> Optional[List[List[Any]]]:
    """The entries of a snapshot this machine knows, by path; None when it does not or they are damaged."""
    _check_id(snapshot)
    try:
        with open(_manifest_path(machine, snapshot), "rb") as file:
            raw = file.read(MAX_MANIFEST + 1)
        entries = check_entries(json.loads(raw.decode("ascii"))["entries"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # torn or tampered with: it is sent again
        return None
    return entries if snapshot_id(entries) == snapshot else None


def missing_blobs(machine: Any, entries: Sequence[Sequence[Any]]) -> List[str]:
    """The hashes of files among entries whose contents are not here, each once, in order."""
    missing = []
    asked: Set[str] = set()
    for _, kind, _, size, content in entries:
        if kind != FILE or content in asked:
            continue
        asked.add(content)
        try:
            if os.stat(blob_path(machine.root, content)).st_size == size:
                continue
        except FileNotFoundError:
            pass
        missing.append(content)
    return missing


def store_blobs(machine: Any, zip_path: str) -> int:
    """Keeps every entry of a zip whose names are the sha256 of their contents; returns how many there were.

    Each is verified while it is written, and renamed into place. Raises ArchiveError at the first that
    does not fit; those before it are kept, being what they claim to be. Raises OSError for a full disk.
    """
    stored = 0
    with Archive(zip_path, BLOB_LIMITS) as archive:
        for item in archive.items:
            if item.kind != "file" or not protocol.SHA256.fullmatch(item.path):
                raise ArchiveError("entry %.200r is not named by a sha256" % item.path)
        for item in archive.items:
            place = blob_path(machine.root, item.path)
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            _store(archive, item, place)
            stored += 1
    return stored


def lay_out(machine: Any, snapshot: str, directory: str) -> int:
    """Makes directory (absent, or empty) the tree of snapshot; returns its number of files.

    Contents are reflinks of the blobs where the file system can, copies otherwise, never hard links: a run
    may write. It is put together beside directory and renamed into place. Raises MissingBlob, OSError.
    """
    entries = load_manifest(machine, snapshot)
    if entries is None:
        raise MissingBlob("snapshot %s is not on this machine" % snapshot)
    directory = os.path.abspath(directory)
    partial = "%s.%s.partial" % (directory, uuid.uuid4().hex[:8])
    os.mkdir(partial, 0o755)
    try:
        files = _Layout(machine.root, os.fsencode(partial)).fill(entries)
        os.rename(partial, directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return files


def _check_id(snapshot: Any) -> None:
    if not isinstance(snapshot, str) or not protocol.SHA256.fullmatch(snapshot):
        raise BadManifest("%.80r is no snapshot id" % (snapshot,))


def _manifest_path(machine: Any, snapshot: str) -> str:
    return os.path.join(machine.root, "trees", snapshot + ".json")


def _save_manifest(machine: Any, snapshot: str, entries: List[List[Any]]) -> None:
    place = _manifest_path(machine, snapshot)
    os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
    handle, partial = _partial(place)
    try:
        try:
            write_all(handle, protocol.dumps({"v": 1, "entries": entries}))
        finally:
            os.close(handle)
        os.rename(partial, place)
    except BaseException:
        os.unlink(partial)
        raise


def _store(archive: Archive, item: Any, place: str) -> None:
    digest = hashlib.sha256()
    handle, partial = _partial(place)
    try:
        try:
            for chunk in archive.chunks(item):
                digest.update(chunk)
                write_all(handle, chunk)
        finally:
            os.close(handle)
        if digest.hexdigest() != item.path:
            raise ArchiveError("the contents sent as %s are something else" % item.path)
        os.rename(partial, place)
    except BaseException:
        os.unlink(partial)
        raise


def _partial(place: str) -> Any:
    partial = "%s.%s.partial" % (place, uuid.uuid4().hex)
    return os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), partial


class _Layout:
    """One tree being put together in an empty directory, from entries that were checked."""

    def __init__(self, root: str, base: bytes) -> None:
        self._root = root
        self._base = base + b"/"
        self._copier = Copier()
        self._made: Set[bytes] = {b""}
        self._exact: Set[int] = set()  # modes that the umask leaves alone, seen on the first file of each

    def fill(self, entries: List[List[Any]]) -> int:
        """Writes everything, links last, so that nothing is written through one; returns the files."""
        files = 0
        links = []
        for path, kind, mode, size, content in entries:
            raw = encode(path)
            parent = raw if kind not in (FILE, LINK) else raw.rpartition(b"/")[0]
            if parent not in self._made:
                self._directories(parent)
            if kind == LINK:
                links.append((raw, encode(content)))
            elif kind == FILE:
                self._file(path, self._base + raw, mode, size, content)
                files += 1
        for raw, target in links:
            os.symlink(target, self._base + raw)
        return files

    def _directories(self, path: bytes) -> None:
        todo = []
        while path not in self._made:
            todo.append(path)
            path = path.rpartition(b"/")[0]
        for directory in reversed(todo):
            os.mkdir(self._base + directory, 0o755)
            self._made.add(directory)

    def _file(self, path: str, place: bytes, mode: int, size: int, sha256: str) -> None:
        try:
            source = os.open(blob_path(self._root, sha256), os.O_RDONLY)
        except FileNotFoundError:
            raise MissingBlob("the contents of %.200r are not on this machine" % path)
        try:
            target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
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
