"""Locks on files that die with their holders."""

import binascii
import fcntl
import os
import stat
import time
from typing import Optional

# Without O_CREAT: in a shared folder with the sticky bit Linux lets nobody open another's file with it.
OPEN = os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


def try_lock(path, shared=False):
    # type: (str, bool) -> Optional[int]
    """A descriptor that holds the lock until it and its copies are closed; None when another holds it.

    After locking, the file must still be the one at the path: a cleaner may have removed it in between.
    The file takes its directory's group permissions, so that a shared lease folder works for a group.
    """
    while True:
        handle = open_lock_file(path)
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        mine = os.fstat(handle)
        try:
            there = os.stat(path)
        except FileNotFoundError:
            os.close(handle)
            continue
        if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
            return handle
        os.close(handle)


def lock(path, patience=30.0):
    # type: (str, float) -> int
    """Like `try_lock`, waiting for it. Raises TimeoutError after `patience` seconds."""
    deadline = time.monotonic() + patience
    pause = 0.001
    while True:
        handle = try_lock(path)
        if handle is not None:
            return handle
        if time.monotonic() > deadline:
            raise TimeoutError("another process holds %s for more than %g s" % (path, patience))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def remove_locked(path, handle):
    # type: (str, int) -> None
    """Remove a lock file while it is locked, and let go: who waits for it notices and makes a new one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    os.close(handle)


def open_lock_file(path):
    # type: (str) -> int
    """A descriptor of a lock file, made when it is not there. Raises OSError."""
    while True:
        try:
            return os.open(path, OPEN)
        except FileNotFoundError:
            make_lock_file(path)


def make_lock_file(path):
    # type: (str) -> None
    """Make a lock file, from its first instant its directory's group's; one that is there stays."""
    if not os.stat(os.path.dirname(path)).st_mode & stat.S_IWGRP:
        try:
            os.close(os.open(path, OPEN | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass
        return
    partial = "%s.%s.partial" % (path, binascii.hexlify(os.urandom(6)).decode("ascii"))
    handle = os.open(partial, OPEN | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(handle, 0o660)
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        os.close(handle)
        os.unlink(partial)
