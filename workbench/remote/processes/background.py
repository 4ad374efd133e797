"""Becoming a process in the background that its connection does not end, and that adopts its orphans."""

import os
import signal

PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37


def detach():
    # type: () -> int
    """Leave the session, the terminal, the directory and the connection's pipes; returns the user's umask."""
    os.setsid()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    become_subreaper()
    return os.umask(0o077)


def become_subreaper():
    # type: () -> bool
    """Have orphans of our descendants become our children; False where the kernel or ctypes cannot."""
    try:
        import ctypes  # some pythons are built without

        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def can_adopt_orphans():
    # type: () -> bool
    """Whether `become_subreaper` would work here; nothing is changed."""
    try:
        import ctypes

        found = ctypes.byref(ctypes.c_int())
        return bool(ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, found, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False
