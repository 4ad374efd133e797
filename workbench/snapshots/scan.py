"""Scanning a source tree into a manifest (AZ-107 to AZ-116).

The walk decides what is kept, the limits are judged before anything large is read, and only files that are
not as the stat cache remembers them are hashed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.errors import NotFound, UsageError
from workbench.remote.forms.tree_paths import link_leaves
from workbench.snapshots.cache import Seen, StatCache
from workbench.snapshots.limits import DEFAULT_LIMITS, Limits, Weight, check_count, check_size
from workbench.snapshots.secret_names import looks_secret
from workbench.snapshots.walk import Found, LeftOut, Reason, Walk, text, walk
from workbench.snapshots.worktree import AMLIGNORE, GITIGNORE, standing_rules

_CHUNK = 1 << 20
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Scan:
    """A source tree as it was found."""

    root: Path
    manifest: Manifest
    raw_sources: dict[str, bytes]
    """The path below root of a file that has each sha256; of several, any."""
    changed: int
    """Files that the previous snapshot of this directory did not have as they are."""
    left_out: tuple[LeftOut, ...]
    """Everything that is not in the manifest, with the reason; by path."""
    secrets: tuple[str, ...]
    """Files that are in it and by their names hold secrets: to be named before sending."""
    outside: tuple[str, ...]
    """Links that point out of the tree: kept, but what they point at does not travel."""
    ignore_file: str
    """Where a line keeps a file out of the snapshot: .amlignore where there is one, else .gitignore."""
    notes: tuple[str, ...]
    """What else a person should hear, as sentences."""

    def sources(self, hashes: Iterable[str]) -> dict[str, Path]:
        """The files that have these contents, as `archive.zip_blobs` takes them. Raises KeyError."""
        return {sha256: self.root / os.fsdecode(self.raw_sources[sha256]) for sha256 in hashes}

    @property
    def skipped(self) -> dict[str, int]:
        """How many were left out, by reason."""
        return dict(Counter(str(item.reason) for item in self.left_out))

    @property
    def warnings(self) -> list[str]:
        """Everything to be said before this is sent, one sentence each."""
        keep = f"a line in {self.ignore_file} keeps it here"
        said = [f"{path} looks like a secret and will be sent; {keep}" for path in self.secrets]
        said += [f"{path} points out of the tree: what it points at is not sent" for path in self.outside]
        said += [
            f"{path} is left out, {reason}: {detail}"
            for path, reason, detail in self.left_out
            if reason not in (Reason.IGNORED, Reason.ALWAYS)
        ]
        return [*said, *self.notes]


def scan(
    root: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    cache: StatCache | None = None,
    exclude: Iterable[Path] = (),
    environ: Mapping[str, str] | None = None,
) -> Scan:
    """The snapshot that root is now. exclude: our own folders, never part of one.

    Raises NotFound or UsageError when root is no directory that can be listed, SnapshotTooLarge over a limit.
    A scan within the limits becomes the previous one that cache compares the next with.
    """
    began = time.time_ns()
    root = _directory(root)
    try:
        found = walk(root, standing_rules(root, environ), exclude)
    except OSError as problem:
        raise UsageError(f"{root} cannot be read: {problem.strerror}", "check its permissions") from problem
    known = cache.files if cache is not None else {}
    ignore_file = os.fsdecode(AMLIGNORE if (root / os.fsdecode(AMLIGNORE)).exists() else GITIGNORE)
    weights = [Weight(path, status.st_size, text(path) not in known) for path, status in found.files]
    check_size(weights, limits, str(root), ignore_file)
    check_count(weights, limits, str(root), ignore_file)  # what is new needs no reading to be counted

    entries, sources, seen = _read_files(root, found, cache)
    changed = [path for path, item in seen.items() if not item.kept]
    if limits.max_files is not None and len(changed) > limits.max_files:
        if cache is not None:
            _remember(cache, seen, began, kept=False)
        weights = [Weight(os.fsencode(path), item.size, not item.kept) for path, item in seen.items()]
        check_count(weights, limits, str(root), ignore_file)
    notes = _remember(cache, seen, began, kept=True) if cache is not None else []

    links = _read_links(root, found)
    entries += links
    entries += _lonely(found, entries)
    entries.sort(key=lambda entry: entry.path.encode("utf-8", "surrogateescape"))
    targets = {entry.path: entry.target for entry in links}
    return Scan(
        root=root,
        manifest=Manifest(entries=tuple(entries)),
        raw_sources=sources,
        changed=len(changed),
        left_out=tuple(sorted(found.left_out)),
        secrets=tuple(sorted(path for path in seen if looks_secret(os.fsencode(path.rpartition("/")[2])))),
        outside=tuple(sorted(path for path in targets if link_leaves(path, targets))),
        ignore_file=ignore_file,
        notes=tuple(notes),
    )


def _directory(root: Path) -> Path:
    try:
        root = root.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as problem:
        raise NotFound(f"no directory {root}", "name the directory that holds the code") from problem
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory", "name the directory that holds the code")
    return root


def _read_files(
    root: Path, found: Walk, cache: StatCache | None
) -> tuple[list[Entry], dict[str, bytes], dict[str, Seen]]:
    top = os.fsencode(root) + b"/"
    entries: list[Entry] = []
    sources: dict[str, bytes] = {}
    seen: dict[str, Seen] = {}
    for item in found.files:
        path = text(item.path)
        status = item.status
        sha256 = cache.lookup(path, status) if cache is not None else None
        if sha256 is None:
            read = _hash(top + item.path, item, found)
            if read is None:
                continue
            sha256, status = read
        kept = cache is not None and cache.kept(path, sha256)
        seen[path] = Seen(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, sha256, kept)
        sources[sha256] = item.path
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        entries.append(Entry(path=path, mode=mode, size=status.st_size, sha256=sha256))
    return entries, sources, seen


def _hash(place: bytes, item: Found, found: Walk) -> tuple[str, os.stat_result] | None:
    """The sha256 of a file and its status at that very time; None (and said in found) when there is none."""
    try:
        for _ in range(_TRIES):
            handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb", buffering=0) as file:
                before = os.fstat(handle)
                if not stat.S_ISREG(before.st_mode):
                    break
                digest = hashlib.sha256()
                read = 0
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    read += len(chunk)
                    if read > before.st_size:
                        break  # it grows under our hands
                after = os.fstat(handle)
            if read == before.st_size and _same(before, after):
                return digest.hexdigest(), after
    except FileNotFoundError:
        found.left_out.append(LeftOut(text(item.path), Reason.VANISHED, "it was removed during the scan"))
        return None
    except OSError as problem:
        found.left_out.append(LeftOut(text(item.path), Reason.UNREADABLE, problem.strerror or str(problem)))
        return None
    found.left_out.append(LeftOut(text(item.path), Reason.CHANGING, "something writes to it"))
    return None


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (
        before.st_size == after.st_size
        and before.st_mtime_ns == after.st_mtime_ns
        and before.st_ctime_ns == after.st_ctime_ns
    )


def _remember(cache: StatCache, seen: dict[str, Seen], began: int, *, kept: bool) -> list[str]:
    if kept:
        if cache.settled(seen):
            return []
        seen = {path: item if item.kept else item._replace(kept=True) for path, item in seen.items()}
    try:
        cache.save(seen, began)
    except OSError as problem:
        return [f"what was hashed cannot be remembered for next time: {problem}"]
    return []


def _read_links(root: Path, found: Walk) -> list[Entry]:
    top = os.fsencode(root) + b"/"
    entries = []
    for item in found.links:
        try:
            target = text(os.readlink(top + item.path))
        except OSError as problem:
            reason = Reason.UNREADABLE if isinstance(problem, PermissionError) else Reason.VANISHED
            found.left_out.append(LeftOut(text(item.path), reason, problem.strerror or str(problem)))
            continue
        entries.append(Entry(path=text(item.path), kind=EntryKind.LINK, target=target))
    return entries


def _lonely(found: Walk, entries: list[Entry]) -> list[Entry]:
    """Entries for the directories that would vanish, because nothing in them is kept."""
    filled = {entry.path.rpartition("/")[0] for entry in entries}
    lonely = []
    for raw in reversed(found.directories):  # children first
        path = text(raw)
        if path not in filled:
            lonely.append(Entry(path=path, kind=EntryKind.DIRECTORY, mode=0o755))
        filled.add(path.rpartition("/")[0])
    return lonely
