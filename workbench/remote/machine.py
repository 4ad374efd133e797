"""This machine as its runs see it: where things are kept and which machine, boot and pid namespace it is."""

import os
import re
import stat
from typing import Optional

from workbench.remote.compiled import source_of

# Tests pretend a reboot with this; nothing else sets it.
ENV_BOOT_ID = "WORKBENCH_BOOT_ID"
LEASE_PARENT = "/var/tmp"
DEFAULT_ROOT = "~/.workbench"


class Machine(object):
    """The machine this code runs on.

    root: folder of ours (default ~/.workbench, created 0700). lease_dir: locks, leases and queue, on a
    local disk (default /var/tmp/workbench-<uid>, created 0700; refused when somebody else owns it).
    payload: the zipapp that guards are started from; default the one this code was loaded from, or the
    folder it was loaded from. boot: the boot id, to be given only by tests (or by ENV_BOOT_ID).
    Raises OSError when a folder cannot be made, PermissionError when the lease folder is another's.
    """

    def __init__(self, root=None, lease_dir=None, payload=None, boot=None):
        # type: (Optional[str], Optional[str], Optional[str], Optional[str]) -> None
        self.root = absolute(root or DEFAULT_ROOT)
        default_lease_dir = os.path.join(LEASE_PARENT, "workbench-%d" % os.getuid())
        self.lease_dir = absolute(lease_dir or default_lease_dir)
        self.payload = absolute(payload) if payload else own_location()
        os.makedirs(self.root, 0o700, exist_ok=True)
        os.makedirs(self.lease_dir, 0o700, exist_ok=True)
        check_lease_dir(self.lease_dir)
        self.runs = os.path.join(self.root, "runs")
        self.locks = os.path.join(self.lease_dir, "locks")
        self.queue = os.path.join(self.lease_dir, "queue")
        self.leases = os.path.join(self.lease_dir, "leases")
        self.cordon = os.path.join(self.lease_dir, "cordon.json")
        os.makedirs(self.runs, 0o700, exist_ok=True)
        for folder in (self.locks, self.queue, self.leases):
            make_like_parent(folder)
        self.machine_id = machine_id()
        self.boot_id = boot or os.environ.get(ENV_BOOT_ID) or read_line("/proc/sys/kernel/random/boot_id")
        self.pidns = pid_namespace()


def absolute(path):
    # type: (str) -> str
    """The path with ~ expanded, absolute and normalised; symbolic links are kept."""
    return os.path.abspath(os.path.expanduser(path))


def check_lease_dir(path):
    # type: (str) -> None
    """Refuse a lease folder that another user could have put in our way.

    It must be a real directory of ours, or one that is group-writable with setgid: shared on purpose.
    """
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError("%s is not a directory" % path)
    if found.st_uid == os.getuid():
        return
    shared = stat.S_ISGID | stat.S_IWGRP
    if found.st_mode & shared == shared and os.access(path, os.W_OK | os.X_OK):
        return
    raise PermissionError("%s belongs to user %d, not to you" % (path, found.st_uid))


def make_like_parent(folder):
    # type: (str) -> None
    """Make a folder inside the lease folder with its permissions: a shared one is shared whole.

    From its first instant: another user of it may come at the same time. Raises OSError.
    """
    if os.path.isdir(folder):
        return
    partial = "%s.%d.partial" % (folder, os.getpid())
    os.mkdir(partial, 0o700)
    try:
        os.chmod(partial, stat.S_IMODE(os.stat(os.path.dirname(folder)).st_mode))
        os.rename(partial, folder)
    except OSError:
        os.rmdir(partial)
        if not os.path.isdir(folder):
            raise


def own_location():
    # type: () -> str
    """The zipapp or the folder of source this code is from: what sys.path needs to find it again."""
    path = os.path.abspath(__file__)
    for _ in range(3):  # machine.py, remote/, workbench/
        path = os.path.dirname(path)
    return source_of(path)


def machine_id():
    # type: () -> str
    """Host name and /etc/machine-id; the latter is empty where there is none (small containers)."""
    return "%s/%s" % (os.uname().nodename, read_line("/etc/machine-id"))


def pid_namespace():
    # type: () -> int
    """The inode of our pid namespace: pids mean something only inside it. 0 where /proc hides it."""
    try:
        found = re.search(r"\d+", os.readlink("/proc/self/ns/pid"))
    except OSError:
        return 0
    return int(found.group()) if found else 0


def read_line(path):
    # type: (str) -> str
    """The first line of a small file, stripped; empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.readline(4096).decode("utf-8", "replace").strip()
    except OSError:
        return ""
