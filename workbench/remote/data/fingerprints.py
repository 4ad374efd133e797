"""Which files there are below a path, as one hash: of paths, sizes and times, or of what is in them.

Both sides make it of the same lines, so that what was looked at here is compared with what is there.
"""

import errno
import glob
import hashlib
import json
import os
import re
import stat
from functools import partial
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from workbench.remote.forms.tree_paths import encode
from workbench.remote.wire.problems import RequestError

MAX_FILES = 5000000
BLOCK = 1 << 20
PATTERN = re.compile(rb"[*?\[]")
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
STEP = 256  # files between two words about how far it is

# Path below the folder ("" for a file that is looked at itself), size, modified in nanoseconds.
Found = Tuple[str, int, int]
Facts = Optional[Dict[str, os.stat_result]]
# Files and bytes so far.
Tell = Callable[[int, int], None]


def silent(files: int, size: int) -> None:
    """Tells nobody."""


def files_below(
    path: bytes, tell: Tell = silent, facts: Facts = None, linked: Optional[List[str]] = None
) -> List[Found]:
    """The ordinary files at a path, links to files followed, sorted by path.

    A folder's name that begins the path of a file is never a link's: a link to a folder is left out, so
    that nothing is counted twice and no loop is walked. facts: is filled with what the disk says of each,
    linked: with the paths of what is left out so.
    Raises RequestError where nothing can be read.
    """
    try:
        top = os.stat(path)
    except FileNotFoundError:
        raise RequestError("not_found", "there is nothing at %s" % shown(path))
    if stat.S_ISREG(top.st_mode):
        return [("", top.st_size, top.st_mtime_ns)]
    if not stat.S_ISDIR(top.st_mode):
        raise RequestError("refused", "%s is neither a file nor a folder" % shown(path))
    found: List[Found] = []
    size = 0
    for item in _walk(path, facts, linked):
        found.append(item)
        size += item[1]
        if len(found) % STEP == 0:
            tell(len(found), size)
        if len(found) > MAX_FILES:
            raise RequestError("refused", "%s has more than %d files" % (shown(path), MAX_FILES))
    found.sort(key=lambda item: encode(item[0]))
    return found


def listed(
    paths: List[str], tell: Tell = silent, facts: Facts = None, linked: Optional[List[str]] = None
) -> Tuple[bytes, List[Found]]:
    """What paths mean together, each a file, a folder or a pattern (weather/**/*.csv): a folder, its files.

    Of one path without a pattern: the path itself, as `files_below`. Else the folder that all lie in.
    facts, linked: as there; no facts come in for patterns.
    Raises RequestError where there is nothing.
    """
    raw = [encode(os.path.expanduser(path)) for path in paths]
    if not raw or not all(os.path.isabs(path) for path in raw):
        raise RequestError("usage", "a place of data is no absolute path")
    if len(raw) == 1 and not PATTERN.search(raw[0]):
        return raw[0], files_below(raw[0], tell, facts, linked)
    found: Dict[bytes, Found] = {}
    heads = []
    for path in raw:
        pattern = PATTERN.search(path)
        heads.append(os.path.dirname(path[: pattern.start()]) if pattern else _folder_of(path))
        named = False
        for match in sorted(glob.iglob(path, recursive=True)) if pattern else [path]:
            for below, size, modified in files_below(match, tell, None, linked):
                whole = os.path.join(match, encode(below)) if below else match
                found[os.path.normpath(whole)] = (below, size, modified)
                named = True
        if pattern and not named:
            raise RequestError("not_found", "nothing fits %s" % shown(path))
    base = os.path.commonpath([head or b"/" for head in heads])
    files = [(shown(os.path.relpath(path, base)), item[1], item[2]) for path, item in found.items()]
    files.sort(key=lambda item: encode(item[0]))
    return base, files


def _folder_of(path: bytes) -> bytes:
    return path if os.path.isdir(path) else os.path.dirname(path)


def _walk(top: bytes, kept: Facts, linked: Optional[List[str]]) -> Iterator[Found]:
    waiting = [b""]
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(os.path.join(top, below)))
        except FileNotFoundError:  # it went meanwhile: the hash says so
            continue
        for entry in entries:
            name = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
                continue
            try:
                facts = entry.stat()
            except OSError as problem:
                if problem.errno not in NOWHERE:
                    raise
                continue  # a link that leads nowhere or to itself, or it went meanwhile
            if stat.S_ISREG(facts.st_mode):
                if kept is not None:
                    kept[shown(name)] = facts
                yield shown(name), facts.st_size, facts.st_mtime_ns
            elif linked is not None and stat.S_ISDIR(facts.st_mode):
                linked.append(shown(name))


def hash_of(lines: Iterable[Tuple[str, int, Any]]) -> str:
    """The hash of lines (path, size, nanoseconds or sha256 of the content), which are sorted by path."""
    digest = hashlib.sha256()
    for path, size, token in lines:
        digest.update(json.dumps([path, size, token], separators=(",", ":")).encode("ascii") + b"\n")
    return digest.hexdigest()


def fingerprint(path: bytes, contents: bool = False, tell: Tell = silent) -> Dict[str, Any]:
    """{"hash", "content": whether of contents, "files", "bytes", "kind": file or folder} of a path.

    Raises RequestError, OSError for what cannot be read.
    """
    found = files_below(path, tell)
    lines: List[Tuple[str, int, Any]] = list(found)
    if contents:
        lines, done = [], 0
        for name, size, _ in found:
            place = os.path.join(path, encode(name)) if name else path
            lines.append((name, size, content_hash(place, partial(_told, tell, len(lines), done))))
            done += size
    return {
        "hash": hash_of(lines),
        "content": contents,
        "files": len(found),
        "bytes": sum(item[1] for item in found),
        "kind": "file" if found and found[0][0] == "" else "folder",
    }


def _told(tell: Tell, files: int, before: int, more: int) -> None:
    tell(files, before + more)


def content_hash(path: bytes, tell: Optional[Callable[[int], None]] = None) -> str:
    """sha256 of a file. tell: is given the bytes read so far, block by block."""
    digest = hashlib.sha256()
    done = 0
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            block = os.read(handle, BLOCK)
            if not block:
                return digest.hexdigest()
            digest.update(block)
            done += len(block)
            if tell is not None:
                tell(done)
    finally:
        os.close(handle)


def shown(path: bytes) -> str:
    """A path as it travels."""
    return path.decode("utf-8", "surrogateescape")
