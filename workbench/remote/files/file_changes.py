"""Renaming, making folders, copying and deleting on a machine. No link is followed into what it leads to.

Trees are walked by descriptors of their folders, so that nobody who swaps a folder for a link meanwhile can
turn a removal or a copy to something else.
"""

import binascii
import os
import stat
import time
from typing import Any, Dict

from workbench.remote.disk.copying import Copier
from workbench.remote.files.file_bytes import check_place, settle
from workbench.remote.files.file_places import FOLDER, Guarded, shown
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

DEEP = 200  # folders in each other; each holds a descriptor while it is worked on
OFTEN = 0.3  # seconds between two words about how far it is
INSIDE = FOLDER | os.O_NOFOLLOW
SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def rename(guarded, path, to, overwrite):
    # type: (Guarded, bytes, bytes, bool) -> Dict[str, Any]
    """Give what is at path the name `to`; in place of a file only when it may go."""
    facts = guarded.check(path)
    if os.path.lexists(to):
        guarded.check(to)
    if stat.S_ISREG(facts.st_mode) and not overwrite:
        check_place(to, False)
        settle(path, to, False)
    else:
        if os.path.lexists(to) and not (overwrite and not os.path.isdir(to)):
            raise RequestError("conflict", "%s exists" % shown(to), "choose another name")
        os.rename(path, to)
    return {"path": shown(to)}


def make_folder(path, parents):
    # type: (bytes, bool) -> Dict[str, Any]
    """Make a folder; with parents also those it lies in, and one that exists is as good."""
    if parents:
        os.makedirs(path, 0o777, exist_ok=True)
    else:
        os.mkdir(path, 0o777)
    return {"path": shown(path)}


class Work(object):
    """What a long change goes through: asks whether it is still wanted, and says how far it is."""

    def __init__(self, exchange):
        # type: (Exchange) -> None
        self._exchange = exchange
        self._said = time.monotonic()
        self.count = 0
        self.bytes = 0
        self.left_out = 0

    def step(self, size=0):
        # type: (int) -> None
        """One more thing is done; raises Cancelled."""
        self._exchange.check()
        self.count += 1
        self.bytes += size
        if time.monotonic() - self._said >= OFTEN and self._exchange.credit > 0:
            self._said = time.monotonic()
            self._exchange.event({"count": self.count, "bytes": self.bytes})

    def result(self):
        # type: () -> Dict[str, int]
        """{"count", "bytes"} of all of it."""
        return {"count": self.count, "bytes": self.bytes}


def delete(exchange, guarded, path):
    # type: (Exchange, Guarded, bytes) -> Dict[str, int]
    """Remove what is at path; a folder with something in it only with params recursive.

    Events {"count", "bytes"}, then the same of all. Stays on one file system: what is mounted inside is
    refused, as is whatever is guarded. What vanishes meanwhile is as good as removed.
    """
    facts = guarded.check(path)
    if stat.S_ISDIR(facts.st_mode) and not parameters.flag(exchange.params, "recursive"):
        if os.listdir(path):
            words = "%s is a folder with something in it" % shown(path)
            raise RequestError("conflict", words, "say recursive")
    work = Work(exchange)
    parent = os.open(os.path.dirname(path), FOLDER)
    try:
        _remove(work, guarded, parent, os.path.basename(path), path, facts.st_dev, 0)
    finally:
        os.close(parent)
    return work.result()


def _remove(work, guarded, parent, name, path, device, depth):
    # type: (Work, Guarded, int, bytes, bytes, int, int) -> None
    try:
        facts = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(facts.st_mode):
            os.unlink(name, dir_fd=parent)
            work.step(facts.st_blocks * 512 if facts.st_nlink == 1 else 0)
            return
        _check_depth(path, depth)
        folder = os.open(name, INSIDE, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise _with_path(problem, path)
    try:
        facts = os.fstat(folder)
        guarded.check_folder(facts, path)
        if facts.st_dev != device:
            raise RequestError("refused", "another disk is mounted at %s" % shown(path), "unmount it first")
        for inner in os.listdir(folder):
            raw = os.fsencode(inner)
            _remove(work, guarded, folder, raw, os.path.join(path, raw), device, depth + 1)
    finally:
        os.close(folder)
    try:
        os.rmdir(name, dir_fd=parent)
        work.step()
    except FileNotFoundError:
        return
    except OSError as problem:
        raise _with_path(problem, path)


def copy(exchange, path, to):
    # type: (Exchange, bytes, bytes) -> Dict[str, Any]
    """Copy a file, or with params recursive a folder, to a place where nothing is; events as of `delete`.

    A file may replace one with params overwrite. Links are copied as links; pipes, sockets and devices are
    left out and counted in {"left_out"}.
    """
    facts = os.lstat(path)
    folder = stat.S_ISDIR(facts.st_mode)
    overwrite = parameters.flag(exchange.params, "overwrite") and not folder
    if folder and not parameters.flag(exchange.params, "recursive"):
        raise RequestError("conflict", "%s is a folder" % shown(path), "say recursive")
    check_place(to, overwrite)
    inside = os.path.realpath(os.path.dirname(to)) + b"/"
    if folder and inside.startswith(os.path.realpath(path) + b"/"):
        raise RequestError("refused", "%s lies in what is to be copied" % shown(to), "copy it elsewhere")
    work = Work(exchange)
    name = b"." + os.path.basename(to)[:200] + b"." + binascii.hexlify(os.urandom(6)) + b".partial"
    partial = os.path.join(os.path.dirname(to), name)
    source = os.open(os.path.dirname(path), FOLDER)
    target = os.open(os.path.dirname(to), FOLDER)
    try:
        _copy(work, Copier(), source, os.path.basename(path), target, name, path, 0)
        if folder:
            os.rename(partial, to)
        else:
            settle(partial, to, overwrite)
    except BaseException:
        _discard(partial)
        raise
    finally:
        os.close(source)
        os.close(target)
    return dict(work.result(), left_out=work.left_out, path=shown(to))


def _copy(work, copier, source, name, target, new, path, depth):
    # type: (Work, Copier, int, bytes, int, bytes, bytes, int) -> None
    facts = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(facts.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), new, dir_fd=target)
    elif stat.S_ISREG(facts.st_mode):
        _copy_file(copier, source, name, target, new)
    elif stat.S_ISDIR(facts.st_mode):
        _check_depth(path, depth)
        os.mkdir(new, 0o700, dir_fd=target)
        inner, outer = os.open(name, INSIDE, dir_fd=source), os.open(new, INSIDE, dir_fd=target)
        try:
            for item in os.listdir(inner):
                raw = os.fsencode(item)
                _copy(work, copier, inner, raw, outer, raw, os.path.join(path, raw), depth + 1)
            os.fchmod(outer, stat.S_IMODE(os.fstat(inner).st_mode))
        finally:
            os.close(inner)
            os.close(outer)
    else:
        work.left_out += 1
    work.step(facts.st_size if stat.S_ISREG(facts.st_mode) else 0)


def _copy_file(copier, source, name, target, new):
    # type: (Copier, int, bytes, int, bytes) -> None
    reader = os.open(name, SOURCE, dir_fd=source)
    try:
        facts = os.fstat(reader)
        writer = os.open(new, TARGET, 0o600, dir_fd=target)
        try:
            copier.copy(reader, writer, facts.st_size)
            os.fchmod(writer, stat.S_IMODE(facts.st_mode) & 0o777)
            os.utime(writer, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _discard(partial):
    # type: (bytes) -> None
    """Remove what became of a copy that was given up; it was ours alone."""
    import shutil

    if os.path.isdir(partial) and not os.path.islink(partial):
        shutil.rmtree(partial, ignore_errors=True)
    else:
        try:
            os.unlink(partial)
        except OSError:  # it was never there, or goes with its folder
            return


def _check_depth(path, depth):
    # type: (bytes, int) -> None
    if depth > DEEP:
        raise RequestError("refused", "%.200s... lies more than %d folders deep" % (shown(path), DEEP))


def _with_path(problem, path):
    # type: (OSError, bytes) -> OSError
    """The problem with the whole path in place of a name."""
    return type(problem)(problem.errno, problem.strerror, shown(path))
