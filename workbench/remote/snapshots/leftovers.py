"""What died half done on a machine: uploads, manifests being written, runs being removed. Swept by links.

Many may share a folder: two laptops, and several machines over one home. What somebody may still be writing
is told by its name, which says where and by which process it is written, and for other machines by its age.
"""

import hashlib
import os
import re
import shutil
import stat
import time
from typing import Callable, Iterator

from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import alive, identity
from workbench.remote.snapshots.trees import ASIDE

UPLOAD = ASIDE
PARTIAL = ".partial"
REMOVED = ".removed-"
AGED = 24 * 3600.0  # seconds without a write after which nobody is at it: more than two clocks ever differ
MOST = 2000  # left for the next link beyond this

_OWNER = re.compile(r"^upload-([0-9a-f]{12})-(\d{1,10})-(\d{1,20})-")


def upload_name(machine):
    # type: (Machine) -> str
    """A name nobody else has for an upload that this process takes in."""
    known = identity(os.getpid()) or (os.getpid(), 0)
    return "%s%s-%d-%d-%s%s" % ((UPLOAD, _token(machine)) + known + (os.urandom(6).hex(), PARTIAL))


def doomed_path(machine, run_id):
    # type: (Machine, str) -> str
    """Where a run's folder goes to be removed: out of everybody's sight, and anybody's to finish."""
    return os.path.join(machine.runs, "%s%s-%s" % (REMOVED, run_id, os.urandom(4).hex()))


def sweep(machine, ended=lambda: False):
    # type: (Machine, Callable[[], bool]) -> int
    """Remove what is left of the dead, at most MOST of it and until `ended()`; returns how much there was.

    What cannot be removed stays: the next sweep tries again.
    """
    count = 0
    for path in _found(machine):
        if ended() or count >= MOST:
            break
        try:
            if os.path.isdir(path):
                remove_tree(path)
            else:
                os.unlink(path)
            count += 1
        except OSError:  # somebody else sweeps too, or a process over the network still holds it
            continue
    return count


def remove_tree(path):
    # type: (str) -> None
    """Remove a folder and all below it, also what a run made read-only. Raises OSError.

    Others may be at it as well: what they remove is as good.
    """
    shutil.rmtree(path, ignore_errors=True)
    if not os.path.lexists(path):
        return
    for folder, _, _ in os.walk(path):  # from above, so that what was closed is seen once it is open
        try:
            os.chmod(folder, stat.S_IRWXU)
        except OSError:  # not ours: the removal says so
            continue
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise


def _found(machine):
    # type: (Machine) -> Iterator[str]
    for name in _names(machine.runs):
        if name.startswith(REMOVED):
            yield os.path.join(machine.runs, name)
    blobs = os.path.join(machine.root, "blobs")
    for name in _names(blobs):
        if name.startswith(UPLOAD) and _is_dead(machine, name, os.path.join(blobs, name)):
            yield os.path.join(blobs, name)
    trees = os.path.join(machine.root, "trees")
    for name in _names(trees):
        if name.endswith(PARTIAL) and _is_aged(os.path.join(trees, name)):
            yield os.path.join(trees, name)


def _names(folder):
    # type: (str) -> Iterator[str]
    try:
        return iter(os.listdir(folder))
    except FileNotFoundError:
        return iter(())


def _is_dead(machine, name, path):
    # type: (Machine, str, str) -> bool
    """Whether nobody takes this upload in any more: by its process where we can see it, else by its age."""
    owner = _OWNER.match(name)
    if owner is not None and owner.group(1) == _token(machine):
        return not alive(int(owner.group(2)), int(owner.group(3)))
    return _is_aged(path)


def _is_aged(path):
    # type: (str) -> bool
    try:
        return time.time() - os.lstat(path).st_mtime > AGED
    except OSError:
        return False


def _token(machine):
    # type: (Machine) -> str
    """Where a process id means something: this machine, since it was started, in our namespace."""
    where = "%s\0%s\0%d" % (machine.machine_id, machine.boot_id, machine.pidns)
    return hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:12]
