"""Removing data of a machine's cache: trees that no run needs, then the files that no other tree has."""

import os
import time
from typing import Any, Dict, Iterator, Set

from workbench.remote.data.cache import FILE_ID, KEY, READY, Cache
from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.files.disk_use import BLOCK, Usage
from workbench.remote.runs.run_status import is_terminal
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.wire.exchange import Exchange

FRESH = 3600.0  # seconds in which a tree that was asked for may be on its way to its first run
AGED = 7 * 24 * 3600.0  # seconds after which nobody goes on with what came of a file
DOOMED = ".removed-"


class Kept(Exception):
    """It stays; the text says why."""


def held(cache: Cache, count: Usage) -> Iterator[Dict[str, Any]]:
    """{"key", "bytes", "age", "name"?} of each tree; age: seconds since it was wanted last."""
    for key in keys(cache):
        folder = os.path.join(cache.folder, key)
        row = {"key": key, "bytes": count.tree(os.fsencode(folder)), "age": unused(cache, key)}
        name = cache.name(key)
        yield dict(row, name=name) if name else row


def keys(cache: Cache) -> Iterator[str]:
    """The keys there is something of."""
    try:
        names = sorted(os.listdir(cache.folder))
    except FileNotFoundError:
        return
    for name in names:
        if KEY.match(name):
            yield name


def unused(cache: Cache, key: str) -> float:
    """Seconds since a tree was wanted last."""
    for path in (os.path.join(cache.folder, key, READY), os.path.join(cache.folder, key)):
        try:
            return max(0.0, time.time() - os.lstat(path).st_mtime)
        except OSError:
            continue
    return 0.0


def needed(machine: Any, check: Any) -> Set[str]:
    """The keys that runs name which are not over, or cannot be read."""
    found: Set[str] = set()
    for name in os.listdir(machine.runs):
        check()
        try:
            folder = RunFolder(machine, name)
            status, spec = folder.read_status(), folder.read_spec()
        except (OSError, ValueError):
            continue
        if spec is None or (status is not None and is_terminal(status)):
            continue
        inputs = (spec.get("data") or {}).get("inputs") or {}
        found.update(str(item.get("key")) for item in inputs.values() if isinstance(item, dict))
    return found


def remove(exchange: Exchange, machine: Any, cache: Cache, key: str, dry_run: bool) -> int:
    """Remove a tree with the files only it has; the bytes. Raises Kept, OSError."""
    folder = os.path.join(cache.folder, key)
    if not os.path.isdir(folder):
        raise Kept("it is gone")
    if unused(cache, key) < FRESH:
        raise Kept("a run asked for it a moment ago")
    lock = try_lock(cache.lock_path(key))
    if lock is None:
        raise Kept("it is in use")
    try:
        # Under the lock: a run that prepares looks at its data under it too, and its spec is there by then.
        if key in needed(machine, exchange.check) or unused(cache, key) < FRESH:
            raise Kept("a run needs it")
        files = {identity for _, _, identity in cache.manifest(key) or []}
        size = sum(_alone(cache.file(identity), 2) for identity in files)
        if dry_run:
            os.close(lock)
            lock = None
            return size
        doomed = os.path.join(cache.folder, DOOMED + key)
        remove_tree(doomed) if os.path.lexists(doomed) else None
        os.rename(folder, doomed)
        remove_tree(doomed)
        for identity in files:
            if _alone(cache.file(identity), 1):
                _unlink(cache.file(identity))
        return size
    finally:
        if lock is not None:
            if os.path.isdir(folder):
                os.close(lock)
            else:
                remove_locked(cache.lock_path(key), lock)


def sweep(cache: Cache, dry_run: bool, check: Any) -> int:
    """Remove files of trees nobody made, and what came of files nobody goes on with; the bytes."""
    freed = 0
    top = os.path.join(cache.folder, "files")
    for part in os.listdir(top) if os.path.isdir(top) else []:
        check()
        for name in os.listdir(os.path.join(top, part)):
            path = os.path.join(top, part, name)
            try:
                facts = os.lstat(path)
            except FileNotFoundError:
                continue
            whole = FILE_ID.match(name) is not None
            since = facts.st_ctime if whole else facts.st_mtime
            if facts.st_nlink > 1 or time.time() - since < AGED:
                continue
            freed += facts.st_blocks * BLOCK
            if not dry_run:
                _unlink(path)
    for name in os.listdir(cache.folder) if os.path.isdir(cache.folder) else []:
        if name.startswith(DOOMED) and not dry_run:
            remove_tree(os.path.join(cache.folder, name))
    return freed


def _alone(path: str, links: int) -> int:
    """Bytes of a file that has so many names at most; 0 for another."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return 0
    return facts.st_blocks * BLOCK if facts.st_nlink <= links else 0


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
