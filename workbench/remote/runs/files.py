"""The files a run kept: listing outputs/ and logs/, and reading one of them from any offset."""

import hashlib
import os
import stat
from typing import Any, Dict, Iterator, List

from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

KEPT = ("outputs", "logs")
BLOCK = 1 << 20
MAX_FILES = 200000


def list_files(folder):
    # type: (RunFolder) -> List[Dict[str, Any]]
    """Every regular file below outputs/ and logs/ as {path, size, modified}, sorted by path.

    Links are listed when they lead to a file inside the run's folder; files that vanish meanwhile are not.
    Raises RequestError when there is no such run, or it has more than MAX_FILES files.
    """
    if not os.path.isdir(folder.path):
        raise RequestError("not_found", "run %s is not on this machine" % folder.run_id)
    inside = os.path.realpath(folder.path) + os.sep
    found = []  # type: List[Dict[str, Any]]
    for kept in KEPT:
        for path in walk(folder.inside(kept)):
            try:
                if os.path.islink(path) and not os.path.realpath(path).startswith(inside):
                    continue
                facts = os.stat(path)
            except OSError:
                continue
            if not stat.S_ISREG(facts.st_mode):
                continue
            name = os.path.relpath(path, folder.path)
            found.append({"path": name, "size": facts.st_size, "modified": facts.st_mtime})
            if len(found) > MAX_FILES:
                hint = "let the run pack them into one archive"
                raise RequestError("refused", "the run keeps more than %d files" % MAX_FILES, hint)
    return sorted(found, key=lambda entry: str(entry["path"]))


def walk(folder):
    # type: (str) -> Iterator[str]
    """The paths of everything below a folder that is no directory; links to directories are not entered."""
    for base, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(base, name)


def checked_path(folder, path):
    # type: (RunFolder, str) -> str
    """The real path of a file the run kept; raises RequestError for a path that leaves outputs/ and logs/."""
    parts = path.split("/")
    wrong = parts[0] not in KEPT or len(parts) < 2 or "\0" in path
    if wrong or any(part in ("", ".", "..") for part in parts):
        raise RequestError("refused", "only files below outputs/ and logs/ can be read, not %.200r" % path)
    real = os.path.realpath(folder.inside(path))
    if not real.startswith(os.path.realpath(folder.path) + os.sep):
        raise RequestError("refused", "%.200r is a link that leaves the run's folder" % path)
    return real


def read_file(exchange, folder, path, offset):
    # type: (Exchange, RunFolder, str, int) -> Dict[str, Any]
    """Send a file from offset to the end it has now; answers {size, sha256} of the whole.

    Raises RequestError for a path that may not be read or an offset past the end, or when the file
    shrinks meanwhile; FileNotFoundError when it is gone.
    """
    real = checked_path(folder, path)
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise RequestError("not_found", "the run has no file %.200r (any more)" % path)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise RequestError("refused", "%.200r is no ordinary file" % path)
        if offset > facts.st_size:
            raise RequestError(
                "conflict", "%.200r is shorter than what you have of it" % path, "read it from 0"
            )
        digest = hashlib.sha256()
        at = 0
        while at < facts.st_size:
            exchange.check()
            end = offset if at < offset else facts.st_size
            block = os.read(handle, min(BLOCK, end - at))
            if not block:
                raise RequestError(
                    "conflict", "%.200r became shorter while it was read" % path, "read it again"
                )
            digest.update(block)
            if at >= offset:
                exchange.data(block)
            at += len(block)
    finally:
        os.close(handle)
    return {"size": facts.st_size, "sha256": digest.hexdigest()}
