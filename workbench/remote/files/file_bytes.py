"""The bytes of one file in either direction: read from any place, written beside it and put there whole."""

import errno
import fcntl
import hashlib
import os
import re
import stat
from typing import Any, Dict, Optional

from workbench.remote.disk.copying import write_all
from workbench.remote.disk.mounts import free_bytes
from workbench.remote.files.file_listing import kind_of
from workbench.remote.files.file_places import FOLDER, identity, shown
from workbench.remote.forms.sizes import in_words
from workbench.remote.forms.tree_paths import MAX_PART
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import DISK_FULL, NO_ROOM, RequestError

BLOCK = 1 << 20
WINDOW = 8 << 20  # bytes of an upload that may be on their way
SILENT = 60.0  # seconds after which an upload that brings nothing looks whether its link still lives
MODES = 0o755  # what of a file's mode is kept
DIGEST = hashlib.sha256().digest_size
TOKEN = re.compile(r"^[0-9a-f]{8,64}\Z")
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV, errno.EACCES)


def open_file(path):
    # type: (bytes) -> int
    """An ordinary file opened for reading; links are followed. Raises RequestError, OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = kind_of(os.fstat(handle).st_mode)
    if kind != "file":
        os.close(handle)
        what = "a folder" if kind == "dir" else "a %s" % kind
        raise RequestError("refused", "%s is %s, no file to read" % (shown(path), what))
    return handle


def send(exchange, handle, name, offset, length=None, whole=True):
    # type: (Exchange, int, str, int, Optional[int], bool) -> Dict[str, Any]
    """Send an open file from offset on, length bytes or to the end it has now.

    {"size", "modified"}, and with whole "sha256" of all of it, for which what lies before is read as well.
    Raises RequestError when it is shorter than offset or becomes shorter meanwhile.
    """
    facts = os.fstat(handle)
    size = facts.st_size
    if offset > size:
        raise RequestError("conflict", "%.200r is shorter than what you have of it" % name, "read it from 0")
    stop = size if length is None else min(size, offset + length)
    digest = hashlib.sha256()
    at = 0 if whole else os.lseek(handle, offset, os.SEEK_SET)
    while at < (size if whole else stop):
        exchange.check()
        end = offset if at < offset else stop if at < stop else size
        block = os.read(handle, min(BLOCK, end - at))
        if not block:
            raise RequestError("conflict", "%.200r became shorter while it was read" % name, "read it again")
        if whole:
            digest.update(block)
        if offset <= at < stop:
            exchange.data(block)
        at += len(block)
    found = {"size": size, "modified": facts.st_mtime}  # type: Dict[str, Any]
    if whole:
        found.update(sha256=digest.hexdigest())
    return found


def get(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, Any]
    """Params offset, length, hash (false: without): `send` of the file at a path."""
    params = exchange.params
    length = None if params.get("length") is None else parameters.offset(params, "length")
    handle = open_file(path)
    try:
        offset = parameters.offset(params, "offset")
        return send(exchange, handle, shown(path), offset, length, params.get("hash") is not False)
    finally:
        os.close(handle)


def partial_of(path, token):
    # type: (bytes, str) -> bytes
    """Where an upload of that token is written until it is whole; raises RequestError for no token."""
    if not TOKEN.match(token):
        raise RequestError("usage", "parameter token must be 8 to 64 hexadecimal digits")
    folder, name = os.path.split(path)
    tail = b"." + token.encode("ascii") + b".partial"
    return os.path.join(folder, b"." + name[: MAX_PART - len(tail) - 1] + tail)


def arrived(path, token):
    # type: (bytes, str) -> int
    """How many bytes of an upload are there already."""
    try:
        facts = os.lstat(partial_of(path, token))
    except FileNotFoundError:
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def put(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, Any]
    """Take a file in: DATA is its bytes from offset on, then the 32 bytes of the sha256 of all of it.

    params token (names what is written until it is whole, so that it may be gone on with), offset, size,
    mode, modified, overwrite. A cut leaves what came; a full disk, or another hash, does not.
    """
    params = exchange.params
    check_place(path, parameters.flag(params, "overwrite"))
    partial = partial_of(path, parameters.text(params, "token"))
    offset, size = parameters.offset(params, "offset"), parameters.offset(params, "size")
    check_room(os.path.dirname(path), size - offset)
    handle = _open_partial(partial, offset)
    try:
        digest = _hash_to(exchange, handle, offset)
        os.ftruncate(handle, offset)
        os.lseek(handle, offset, os.SEEK_SET)
        exchange.widen(WINDOW)
        try:
            said = _take(exchange, handle, digest, size - offset)
            if said != digest.digest():
                raise RequestError("conflict", "%s changed on its way" % shown(path), "send it again")
            finish(handle, params)
            settle(partial, path, parameters.flag(params, "overwrite"))
        except (OSError, RequestError) as problem:
            _forget(partial)
            raise _full(problem, path, size)
    finally:
        os.close(handle)
    return {"path": shown(path), "size": size, "sha256": digest.hexdigest()}


def check_place(path, overwrite):
    # type: (bytes, bool) -> None
    """Raise RequestError where no file can be put."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        hint = "make it first: wb files mkdir"
        raise RequestError("not_found", "there is no folder %s" % shown(folder), hint)
    if os.path.isdir(path) and not os.path.islink(path):
        raise RequestError("conflict", "%s is a folder" % shown(path), "name the file in it")
    if os.path.lexists(path) and not overwrite:
        raise RequestError("conflict", "%s exists" % shown(path), "add --overwrite to replace it")


def check_room(folder, size):
    # type: (bytes, int) -> None
    """Raise RequestError when so many bytes cannot fit."""
    free = free_bytes(folder)
    if free is not None and size > free:
        words = "%s do not fit into %s: %s free" % (in_words(size), shown(folder), in_words(free))
        raise RequestError("disk_full", words, NO_ROOM)


def finish(handle, params):
    # type: (int, Dict[str, Any]) -> None
    """Give an open file its mode and its time, as far as they are said, and have the disk take it."""
    mode, modified = params.get("mode"), params.get("modified")
    if isinstance(mode, int) and not isinstance(mode, bool):
        os.fchmod(handle, (mode & MODES) | 0o600)
    if isinstance(modified, (int, float)) and not isinstance(modified, bool):
        os.utime(handle, (modified, modified))
    os.fsync(handle)


def settle(partial, path, overwrite):
    # type: (bytes, bytes, bool) -> None
    """Put a whole file in its place at once; what appeared there meanwhile stays unless it may go."""
    if overwrite:
        os.rename(partial, path)
    else:
        try:
            os.link(partial, path)
        except FileExistsError:
            raise RequestError("conflict", "%s exists" % shown(path), "add --overwrite to replace it")
        except OSError as problem:
            if problem.errno not in NO_LINKS:
                raise
            check_place(path, False)  # no hard links here: the best that is left
            os.rename(partial, path)
        else:
            os.unlink(partial)
    folder = os.open(os.path.dirname(path), FOLDER)
    try:
        os.fsync(folder)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.EBADF):  # some file systems sync no folders
            raise
    finally:
        os.close(folder)


def _open_partial(partial, offset):
    # type: (bytes, int) -> int
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(partial, flags, 0o600)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_nlink != 1:
            raise RequestError("refused", "%s is somebody else's" % shown(partial), "remove it")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if identity(os.lstat(partial)) != identity(facts):  # it was put in its place just now
            raise RequestError("busy", "the same file was sent there a moment ago", "look at it")
        if offset > facts.st_size:
            words = "%d bytes of it are there, not %d" % (facts.st_size, offset)
            raise RequestError("conflict", words, "begin anew")
    except BlockingIOError:
        os.close(handle)
        raise RequestError("busy", "the same file is being sent there already", "wait for that to end")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _forget(partial):
    # type: (bytes) -> None
    try:
        os.unlink(partial)
    except FileNotFoundError:  # it is in its place
        return


def _hash_to(exchange, handle, offset):
    # type: (Exchange, int, int) -> Any
    digest = hashlib.sha256()
    at = 0
    while at < offset:
        exchange.check()
        block = os.read(handle, min(BLOCK, offset - at))
        if not block:
            raise RequestError("conflict", "what is there became shorter", "begin anew")
        digest.update(block)
        at += len(block)
    return digest


def _take(exchange, handle, digest, left):
    # type: (Exchange, int, Any, int) -> bytes
    """Write the left bytes that come; what comes behind them, which is their hash."""
    behind = b""
    while True:
        block = exchange.read(SILENT)
        if block is None:
            continue
        if not block:
            break
        mine, rest = block[:left], block[left:]
        digest.update(mine)
        write_all(handle, mine)
        left -= len(mine)
        behind += rest
        if len(behind) > DIGEST:
            raise RequestError("usage", "more came than was said")
    if left or len(behind) != DIGEST:
        raise RequestError("conflict", "%d bytes less came than was said" % left, "send it again")
    return behind


def _full(problem, path, size):
    # type: (Exception, bytes, int) -> Exception
    if not isinstance(problem, OSError) or problem.errno not in DISK_FULL:
        return problem
    what = "the disk" if problem.errno == errno.ENOSPC else "the quota"
    words = "%s there had no room for all of %s (%s): nothing of it was kept"
    return RequestError("disk_full", words % (what, shown(path), in_words(size)), NO_ROOM)
