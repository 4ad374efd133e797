"""How full the file systems are where something of ours lives, without ever waiting for one of them.

Asking a dead network home blocks for as long as it is dead: each place is asked by a thread of its own, and
who looks gets what was told last, with its age.
"""

import os
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from workbench.remote.disk import mounts

EVERY = 10.0  # seconds between two questions
LATE = 25.0  # seconds after which an answer is old: one question has been missed, and more
FIRST = 2.0  # seconds in which a place that has not answered yet is not spoken of
COSTLY = 100.0  # a slow one is left alone for so many times what its answer took, a minute at most

# point: the mount point. device: "major:minor" of the block device under it, None where none is.
# filesystem: names the file system, so that bind mounts of one are one.
Space = NamedTuple(
    "Space",
    [
        ("point", str),
        ("kind", str),
        ("filesystem", str),
        ("device", Optional[str]),
        ("total", int),
        ("free", int),
    ],
)


def measure(path):
    # type: (str) -> Space
    """The file system of a path, or of where it would be made; may block for ever. Raises OSError."""
    resolved = os.path.realpath(path)
    space = None  # type: Optional[os.statvfs_result]
    while space is None:
        try:
            space = os.statvfs(resolved)
        except FileNotFoundError:
            resolved = os.path.dirname(resolved)
    mount = mounts.mount_of(resolved, mounts.read_mounts())
    point, kind, device = mount_point(resolved), "", None  # type: str, str, Optional[str]
    filesystem = "%d" % os.stat(resolved).st_dev
    if mount is not None:
        point, kind, filesystem = mount.point, mount.kind, mount.device
        device = block_device(mount)
    return Space(
        point, kind, filesystem, device, space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
    )


def mount_point(path):
    # type: (str) -> str
    """The mount point above a path, where no /proc lists them."""
    while not os.path.ismount(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def block_device(mount):
    # type: (mounts.Mount) -> Optional[str]
    """The "major:minor" of the one device that carries a mount."""
    if not mount.device.startswith("0:"):
        return mount.device
    if not mount.source.startswith("/dev/"):  # btrfs counts itself, and names its device
        return None
    try:
        device = os.stat(mount.source).st_rdev
    except OSError:
        return None
    return "%d:%d" % (os.major(device), os.minor(device)) if device else None


class _Place(object):
    """One place, its thread, and what that was told last."""

    def __init__(self, path, ask):
        # type: (str, Callable[[str], Space]) -> None
        self.path = path
        self.space = None  # type: Optional[Space]
        self.since = time.monotonic()
        self.answered = threading.Event()
        threading.Thread(target=self._work, args=(ask,), daemon=True).start()

    def _work(self, ask):
        # type: (Callable[[str], Space]) -> None
        while True:
            began = time.monotonic()
            try:
                self.space = ask(self.path)
            except OSError:  # not there any more; a question may be answered later
                self.space = None
            self.since = time.monotonic()
            self.answered.set()
            time.sleep(max(EVERY, min(60.0, (self.since - began) * COSTLY)))


class DiskSpaces(object):
    """The file systems of some places. places: role -> path. ask: as `measure`, for tests."""

    def __init__(self, places, ask=measure):
        # type: (Mapping[str, str], Callable[[str], Space]) -> None
        self._places = {role: _Place(path, ask) for role, path in places.items()}

    def settle(self, seconds):
        # type: (float) -> bool
        """Wait for the first answers; whether all came."""
        deadline = time.monotonic() + seconds
        return all(
            place.answered.wait(max(0.0, deadline - time.monotonic())) for place in self._places.values()
        )

    def rows(self):
        # type: () -> List[Dict[str, Any]]
        """One row a file system, with the fields of entities' Disk; `device` besides, "major:minor"."""
        now = time.monotonic()
        found = {}  # type: Dict[str, Dict[str, Any]]
        for role, place in self._places.items():
            space = place.space
            age = now - place.since
            if space is None and age < FIRST:
                continue
            row = {"path": place.path, "roles": [role]}  # type: Dict[str, Any]
            if space is not None:
                row.update(path=space.point, total=space.total, free=space.free)
                row.update({"kind": space.kind} if space.kind else {})
                row.update({"device": space.device} if space.device else {})
            if age > LATE or space is None:
                row["age"] = age
            known = found.setdefault(space.filesystem if space is not None else place.path, row)
            if known is not row:
                known["roles"].append(role)
        return list(found.values())
