"""Whole folders: what is in them, and their small files as one stream in either direction (`bundle_form`)."""

import errno
import hashlib
import os
import stat
from typing import Any, Dict, Iterator, List, Tuple

from workbench.remote.disk.copying import write_all
from workbench.remote.files.file_bytes import BLOCK, MODES, SILENT, WINDOW, check_room, open_file
from workbench.remote.files.file_listing import kind_of
from workbench.remote.files.file_places import FOLDER, shown
from workbench.remote.forms import bundle_form
from workbench.remote.forms.bundle_form import DIGEST, LENGTH, header
from workbench.remote.forms.tree_paths import encode, path_problem
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

MAX_NAMES = 20000  # files of one bundle
MAX_ENTRIES = 1000000
AT_ONCE = 500  # entries of one event
TOLD = 20
ENOUGH = 1 << 18  # bytes that are sent at once
NO_FOLDER = (errno.ENOTDIR, errno.ENOENT, errno.ELOOP)


def walk(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, Any]
    """All at and below a path: events {"entries": [[path below it, kind, size, mode, modified, target]]}.

    Parents come before what is in them, "" is the path itself, other links are told and not followed; target
    is null but for links. At the end {"count", "unreadable": [path], "unread"}.
    """
    told = []  # type: List[List[Any]]
    count, unread, unreadable = 0, 0, []  # type: int, int, List[str]
    waiting = [b""]
    while waiting:
        below = waiting.pop()
        whole = os.path.join(path, below) if below else path
        try:
            facts = os.lstat(whole) if below else os.stat(whole)
            if stat.S_ISDIR(facts.st_mode):
                names = sorted((os.path.join(below, name) for name in os.listdir(whole)), reverse=True)
                waiting += names
            target = shown(os.readlink(whole)) if stat.S_ISLNK(facts.st_mode) else None
        except OSError:
            if not below:
                raise
            unread += 1
            unreadable += [shown(below)] if len(unreadable) < TOLD else []
            continue
        kind, mode = kind_of(facts.st_mode), stat.S_IMODE(facts.st_mode)
        told.append([shown(below), kind, facts.st_size, mode, facts.st_mtime, target])
        count += 1
        if count > MAX_ENTRIES:
            raise RequestError("refused", "%s holds more than %d things" % (shown(path), MAX_ENTRIES))
        if len(told) >= AT_ONCE:
            exchange.wait_credit()
            exchange.event({"entries": told})
            told = []
    exchange.event({"entries": told})
    return {"count": count, "unread": unread, "unreadable": unreadable}


def bundle(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, int]
    """Send the files with params names, paths below a folder, as a bundle; {"sent": n}."""
    names = exchange.params.get("names")
    if not isinstance(names, list) or len(names) > MAX_NAMES:
        raise RequestError("usage", "parameter names must be a list of %d at most" % MAX_NAMES)
    sent = 0
    out = Outgoing(exchange)
    for name in names:
        raw = checked(name)
        try:
            handle = open_file(os.path.join(path, raw))
        except (FileNotFoundError, NotADirectoryError):
            out.data(header({"p": name, "gone": True}))
            continue
        try:
            _send(out, handle, name)
        finally:
            os.close(handle)
        sent += 1
    out.flush()
    return {"sent": sent}


class Outgoing(object):
    """Puts small pieces together, so that a frame is worth sending."""

    def __init__(self, exchange):
        # type: (Exchange) -> None
        self._exchange = exchange
        self._waiting = []  # type: List[bytes]
        self._size = 0

    def data(self, piece):
        # type: (bytes) -> None
        """Send this, now or with what follows. Raises Cancelled."""
        self._waiting.append(piece)
        self._size += len(piece)
        if self._size >= ENOUGH:
            self.flush()

    def flush(self):
        # type: () -> None
        """Send what waits."""
        self._exchange.check()
        self._exchange.data(b"".join(self._waiting))
        self._waiting, self._size = [], 0


def _send(out, handle, name):
    # type: (Outgoing, int, str) -> None
    facts = os.fstat(handle)
    fields = {"p": name, "s": facts.st_size, "m": stat.S_IMODE(facts.st_mode), "t": facts.st_mtime}
    out.data(header(fields))
    left = facts.st_size
    digest = hashlib.sha256()
    while left:
        block = os.read(handle, min(BLOCK, left))
        if not block:
            raise RequestError("conflict", "%.200r became shorter while it was read" % name, "read it again")
        digest.update(block)
        left -= len(block)
        out.data(block)
    out.data(digest.digest())


def checked(name):
    # type: (Any) -> bytes
    """A path below a folder; raises RequestError for one that would leave it."""
    problem = path_problem(name)
    if problem:
        raise RequestError("usage", "%.200r cannot be the path of a file here: %s" % (name, problem))
    return encode(name)


def unbundle(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, int]
    """Take a bundle in below a folder: DATA is the bundle, params size its bytes, overwrite as for `put`.

    Folders are made; none that is a link is entered. Each file appears whole or not at all. Answers
    {"count", "bytes"}.
    """
    check_room(path, parameters.offset(exchange.params, "size"))
    exchange.widen(WINDOW)
    incoming = Incoming(exchange)
    overwrite = parameters.flag(exchange.params, "overwrite")
    count = total = 0
    base = os.open(path, FOLDER)
    try:
        while incoming.more():
            size = bundle_form.length(incoming.exact(LENGTH.size))
            fields = bundle_form.read_header(incoming.exact(size))
            total += _place(base, fields, incoming, overwrite)
            count += 1
    finally:
        os.close(base)
    return {"count": count, "bytes": total}


class Incoming(object):
    """The bytes the near end sends, cut where the reader says."""

    def __init__(self, exchange):
        # type: (Exchange) -> None
        self._exchange = exchange
        self._have = b""

    def more(self):
        # type: () -> bool
        """Whether anything still comes."""
        while not self._have:
            block = self._exchange.read(SILENT)
            if block == b"":
                return False
            self._have = block or b""
        return True

    def pieces(self, size):
        # type: (int) -> Iterator[bytes]
        """The next size bytes; raises RequestError when less come."""
        while size:
            if not self.more():
                raise RequestError("conflict", "the bundle ends within a file", "send it again")
            piece, self._have = self._have[:size], self._have[size:]
            size -= len(piece)
            yield piece

    def exact(self, size):
        # type: (int) -> bytes
        """The same as one."""
        return b"".join(self.pieces(size))


def _place(base, fields, incoming, overwrite):
    # type: (int, Dict[str, Any], Incoming, bool) -> int
    raw = encode(fields["p"])
    if fields.get("gone"):
        return 0
    if fields.get("d"):
        raw += b"/."
    folder, name = _enter(base, raw)
    partial = b".%s.partial" % os.urandom(8).hex().encode("ascii")
    try:
        if fields.get("l") is not None:
            os.symlink(encode(fields["l"]), partial, dir_fd=folder)
        elif name != b".":
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            _write(os.open(partial, flags, 0o600, dir_fd=folder), fields, incoming)
        if name != b".":
            _settle(folder, partial, name, raw, overwrite)
    except BaseException:
        _forget(folder, partial)
        raise
    finally:
        os.close(folder)
    return int(fields.get("s", 0))


def _write(handle, fields, incoming):
    # type: (int, Dict[str, Any], Incoming) -> None
    digest = hashlib.sha256()
    try:
        for piece in incoming.pieces(fields["s"]):
            digest.update(piece)
            write_all(handle, piece)
        if incoming.exact(DIGEST) != digest.digest():
            raise RequestError("conflict", "%.200r changed on its way" % fields["p"], "send it again")
        os.fchmod(handle, (fields.get("m", 0o644) & MODES) | 0o600)
        if "t" in fields:
            os.utime(handle, (fields["t"], fields["t"]))
    finally:
        os.close(handle)


def _settle(folder, partial, name, raw, overwrite):
    # type: (int, bytes, bytes, bytes, bool) -> None
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    if stat.S_ISDIR(there.st_mode) or not overwrite:
        hint = "it is a folder" if stat.S_ISDIR(there.st_mode) else "add --overwrite to replace it"
        raise RequestError("conflict", "%s exists" % shown(raw), hint)
    os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)


def _enter(base, raw):
    # type: (int, bytes) -> Tuple[int, bytes]
    """The folder a file lies in, made where it is missing, as a descriptor; and the file's name."""
    at = os.dup(base)
    *folders, name = raw.split(b"/")
    try:
        for folder in folders:
            inner = _inside(at, folder, raw)
            os.close(at)
            at = inner
    except BaseException:
        os.close(at)
        raise
    return at, name


def _inside(at, folder, raw):
    # type: (int, bytes, bytes) -> int
    """A folder's folder, made where it is missing. raw: the path that leads through it, for the error."""
    try:
        os.mkdir(folder, 0o777, dir_fd=at)
    except FileExistsError:
        pass
    try:
        return os.open(folder, FOLDER | os.O_NOFOLLOW, dir_fd=at)
    except OSError as problem:
        if problem.errno not in NO_FOLDER:
            raise
        words = "%s lies below what is no folder, or a link" % shown(raw)
        raise RequestError("conflict", words, "nothing is written through links: name where it leads")


def _forget(folder, partial):
    # type: (int, bytes) -> None
    try:
        os.unlink(partial, dir_fd=folder)
    except OSError:  # it is in its place, or its folder went
        return
