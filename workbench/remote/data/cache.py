"""The cache of data on a machine: files by their identity, and read-only trees of them, shared by runs.

    data/files/ab/ID            one file, read-only; its id is the sha256 of what it holds, or "x" and the
                                sha256 of what is known of it (where from, path, size, time or etag)
              /ID.WHERE.partial what has come of it; whoever brings it holds a lock on that
    data/KEY/manifest.json      what the tree has: {"v": 1, "entries": [[path, size, id]], "name"?}
            /tree/              hard links to those files, folders 0555, files 0444
            /ready              written last; its time is when the tree was wanted last
    data/KEY.lock               held by who makes the tree, looks whether it is there, or removes it

KEY is the sha256 of the entries, so a key names contents and nothing else can stand under it.
"""

import binascii
import errno
import hashlib
import json
import os
import re
import stat
import time
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.disk.copying import Copier
from workbench.remote.disk.filelock import lock
from workbench.remote.disk.mounts import free_bytes
from workbench.remote.forms import protocol
from workbench.remote.forms.sizes import in_words
from workbench.remote.forms.tree_paths import encode, path_problem
from workbench.remote.runs.runfolder import write_whole
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.wire.problems import NO_ROOM, RequestError

FILE_ID = re.compile(r"^x?[0-9a-f]{64}\Z")
KEY = protocol.SHA256
MAX_ENTRIES = 500000
MAX_MANIFEST = 256 << 20
MAX_BYTES = 1 << 50
STAMP = 315532800  # the time of every file in the cache (1980): one that was written to has another
READY = "ready"
PATIENCE = 600.0  # seconds for somebody else to finish the same tree
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV, errno.EACCES)

Entry = Tuple[str, int, str]  # path, size, id of the file


class Cache(object):
    """The cache below a machine's root."""

    def __init__(self, root: str, machine_id: str = "", boot_id: str = "") -> None:
        self.folder = os.path.join(root, "data")
        self._here = _token(machine_id)
        self._boot = _token(machine_id + "\0" + boot_id)

    def tree(self, key: str) -> str:
        """Where the files of a key lie."""
        return os.path.join(self.folder, key, "tree")

    def file(self, identity: str) -> str:
        """Where one file lies."""
        return os.path.join(self.folder, "files", identity.lstrip("x")[:2], identity)

    def partial(self, identity: str) -> str:
        """Where it is written until it is whole. What has no hash to check is begun anew after a boot."""
        where = self._boot if identity.startswith("x") else self._here
        return "%s.%s.partial" % (self.file(identity), where)

    def lock_path(self, key: str) -> str:
        """The lock of a key."""
        return os.path.join(self.folder, key + ".lock")

    def make_folders(self) -> None:
        """What the cache needs to be there."""
        os.makedirs(os.path.join(self.folder, "files"), 0o700, exist_ok=True)

    def want(self, key: str, entries: List[Entry], name: Optional[str] = None) -> Dict[str, Any]:
        """Says that a key is wanted: {"ready": true, "path", "bytes", "files"} when it is here whole.

        Else {"missing": [[id, size, bytes that have arrived]]}, each file once, and its manifest is kept.
        Raises RequestError when the rest cannot fit.
        """
        self.make_folders()
        held = lock(self.lock_path(key), PATIENCE)
        try:
            if self.check(key, entries):
                self.touch(key)
                return {"ready": True, "path": self.tree(key), **counts(entries)}
            self._drop(key)
            os.makedirs(os.path.join(self.folder, key), 0o700, exist_ok=True)
            body: Dict[str, Any] = {"v": 1, "entries": entries}
            if name:
                body["name"] = name[:300]
            write_whole(os.path.join(self.folder, key, "manifest.json"), protocol.dumps(body))
        finally:
            os.close(held)
        missing = self.missing(entries)
        left = sum(size - arrived for _, size, arrived in missing)
        self.check_room(left)
        return {"missing": missing, "bytes": left}

    def check_room(self, size: int) -> None:
        """Raise RequestError when so many bytes cannot fit."""
        free = free_bytes(self.folder)
        if free is not None and size > free:
            words = "%s of data do not fit there: %s free in %s"
            raise RequestError("disk_full", words % (in_words(size), in_words(free), self.folder), NO_ROOM)

    def missing(self, entries: List[Entry]) -> List[List[Any]]:
        """[id, size, bytes that have arrived] of files that are not here, each once, in order."""
        found = []
        asked = set()
        for _, size, identity in entries:
            if identity in asked:
                continue
            asked.add(identity)
            if not intact(self.file(identity), size):
                found.append([identity, size, self.arrived(identity, size)])
        return found

    def arrived(self, identity: str, size: int) -> int:
        """Bytes that are here already of a file that is on its way."""
        try:
            facts = os.lstat(self.partial(identity))
        except FileNotFoundError:
            return 0
        return facts.st_size if stat.S_ISREG(facts.st_mode) and facts.st_size <= size else 0

    def check(self, key: str, entries: List[Entry]) -> bool:
        """Whether the tree of a key is here and nobody wrote to it: one look at each file."""
        if not os.path.exists(os.path.join(self.folder, key, READY)):
            return False
        tree = self.tree(key)
        return all(intact(os.path.join(os.fsencode(tree), encode(path)), size) for path, size, _ in entries)

    def touch(self, key: str) -> None:
        """Say that a key is wanted now, so that it is not pruned."""
        os.utime(os.path.join(self.folder, key, READY))

    def manifest(self, key: str) -> Optional[List[Entry]]:
        """The entries of a key; None when it is not here, or cannot be read."""
        try:
            with open(os.path.join(self.folder, key, "manifest.json"), "rb") as file:
                entries = check_entries(json.loads(file.read(MAX_MANIFEST).decode("ascii"))["entries"])
        except (OSError, ValueError, KeyError, TypeError, RequestError):
            return None
        return entries if key_of(entries) == key else None

    def used(self, key: str) -> float:
        """Seconds since a tree was seen to be whole last; without end when it is not here."""
        try:
            return abs(time.time() - os.stat(os.path.join(self.folder, key, READY)).st_mtime)
        except OSError:
            return float("inf")

    def name(self, key: str) -> str:
        """What a key was called by who brought it first; empty where that is not known."""
        path = os.path.join(self.folder, key, READY)
        try:
            with open(path, "rb") as file:
                return str(json.loads(file.read(1 << 16).decode("ascii")).get("name") or "")[:300]
        except (OSError, ValueError, AttributeError):
            return ""

    def seal(self, key: str) -> Dict[str, Any]:
        """Make the tree of a key of the files that are here: as `want` answers.

        "missing" again when a file went meanwhile (a pruning). Raises RequestError, OSError.
        """
        entries = self.manifest(key)
        if entries is None:
            raise RequestError("not_found", "data %.12s is not known on this machine" % key, "send it again")
        held = lock(self.lock_path(key), PATIENCE)
        try:
            if not self.check(key, entries):
                missing = self.missing(entries)
                if missing:
                    return {"missing": missing}
                self._build(key, entries)
            self.touch(key)
        finally:
            os.close(held)
        return {"ready": True, "path": self.tree(key), **counts(entries)}

    def _build(self, key: str, entries: List[Entry]) -> None:
        tree = self.tree(key)
        partial = "%s.%s.partial" % (tree, binascii.hexlify(os.urandom(4)).decode("ascii"))
        for left in os.listdir(os.path.dirname(tree)):
            if left.startswith("tree"):
                remove_tree(os.path.join(os.path.dirname(tree), left))
        os.mkdir(partial, 0o700)
        base = os.fsencode(partial)
        copier = Copier()
        made = {b""}
        for path, size, identity in entries:
            raw = encode(path)
            above = os.path.dirname(raw)
            if above not in made:
                os.makedirs(os.path.join(base, above), 0o700, exist_ok=True)
                while above not in made:
                    made.add(above)
                    above = os.path.dirname(above)
            _lay(copier, os.fsencode(self.file(identity)), os.path.join(base, raw), size)
        for folder in sorted(made, key=len, reverse=True):
            os.chmod(os.path.join(base, folder) if folder else base, 0o555)
        os.rename(partial, tree)
        body = {"v": 1, "name": self._called(key), **counts(entries)}
        write_whole(os.path.join(self.folder, key, READY), protocol.dumps(body))

    def _called(self, key: str) -> str:
        with open(os.path.join(self.folder, key, "manifest.json"), "rb") as file:
            return str(json.loads(file.read(MAX_MANIFEST).decode("ascii")).get("name") or "")

    def _drop(self, key: str) -> None:
        """Forget a tree that is damaged or half made, with files of it that somebody wrote to."""
        folder = os.path.join(self.folder, key)
        if not os.path.isdir(folder):
            return
        known = self.manifest(key) or []
        remove_tree(folder)
        for _, size, identity in known:
            if os.path.lexists(self.file(identity)) and not intact(self.file(identity), size):
                os.unlink(self.file(identity))


def _lay(copier: Copier, source: bytes, place: bytes, size: int) -> None:
    """One file of a tree: a hard link, or a copy where there are none."""
    try:
        os.link(source, place)
        return
    except OSError as problem:
        if problem.errno not in NO_LINKS:
            raise
    handle = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            copier.copy(handle, target, size)
            finish(target)
        finally:
            os.close(target)
    finally:
        os.close(handle)


def finish(handle: int) -> None:
    """Make a whole file what it is in the cache: read-only, with the time that says nobody wrote to it."""
    os.fchmod(handle, 0o444)
    os.utime(handle, (STAMP, STAMP))


def intact(path: Any, size: int) -> bool:
    """Whether a file of the cache is here as it was put there."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == size and facts.st_mtime == STAMP


def counts(entries: List[Entry]) -> Dict[str, int]:
    """{"files", "bytes"}."""
    return {"files": len(entries), "bytes": sum(entry[1] for entry in entries)}


def key_of(entries: List[Entry]) -> str:
    """What names these entries, which are sorted by path."""
    return hashlib.sha256(protocol.dumps({"entries": entries})).hexdigest()


def unverified_id(origin: str, path: str, size: int, token: str) -> str:
    """The id of a file whose content nobody has hashed. origin: what it is a file of. token: time or etag."""
    return "x" + hashlib.sha256(protocol.dumps({"of": [origin, path, size, token]})).hexdigest()


def check_entries(entries: Any) -> List[Entry]:
    """Entries from elsewhere, sorted by path; raises RequestError for what could leave the tree."""
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise RequestError("usage", "the files of a dataset must be a list of at most %d" % MAX_ENTRIES)
    found: List[Entry] = []
    folders = set()
    total = 0
    for entry in entries:
        if not isinstance(entry, (list, tuple)) or len(entry) != 3:
            raise RequestError("usage", "a file of a dataset is not [path, size, id]")
        path, size, identity = entry
        problem = path_problem(path)
        if problem:
            raise RequestError("usage", "path %.200r of a dataset: %s" % (path, problem))
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise RequestError("usage", "the size of %.200r does not fit" % path)
        if not isinstance(identity, str) or not FILE_ID.match(identity):
            raise RequestError("usage", "%.200r has no id" % path)
        total += size
        found.append((path, size, identity))
        above = path.rpartition("/")[0]
        while above and above not in folders:
            folders.add(above)
            above = above.rpartition("/")[0]
    if total > MAX_BYTES:
        raise RequestError("usage", "the dataset is larger than anything can be")
    paths = {entry[0] for entry in found}
    if len(paths) != len(found) or paths & folders:
        raise RequestError("usage", "a path of the dataset stands twice")
    found.sort(key=lambda entry: encode(entry[0]))
    return found


def _token(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
