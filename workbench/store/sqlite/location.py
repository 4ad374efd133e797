"""Where the store may live: a database in WAL mode needs a disk of this host; many homes are on a network."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

from workbench.errors import StoreError

MOUNTINFO = Path("/proc/self/mountinfo")
LOCAL = Path("/var/tmp")
"""A disk of this host that outlives a restart."""
POINTER = "store-location"
_NETWORK = frozenset(
    [
        "9p",
        "afs",
        "afpfs",
        "beegfs",
        "beegfs_nodev",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "efs",
        "fhgfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "mmfs",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "wekafs",
    ]
)
_NETWORK_FUSE = frozenset(
    [
        "beegfs",
        "ceph",
        "cephfs",
        "cvmfs2",
        "davfs2",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "gvfsd-fuse",
        "juicefs",
        "lustre",
        "mount.ceph",
        "moosefs",
        "mfs",
        "rclone",
        "s3fs",
        "s3ql",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
    ]
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def filesystem_type(path: str, mountinfo: str) -> str | None:
    """The type of the file system that holds path (absolute, links resolved), by /proc/self/mountinfo's text.

    None when no line of it says so.
    """
    best: tuple[int, str] | None = None
    for line in mountinfo.splitlines():
        left, separator, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ", 1)[0]
        if not separator or len(fields) < 5:
            continue
        place = _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), fields[4])
        place = (
            place.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
            if not place.isascii()
            else place
        )
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        # Of mounts on the same place the last one covers the others.
        if inside and (best is None or len(place) >= best[0]):
            best = (len(place), kind)
    return None if best is None else best[1]


def is_network(kind: str) -> bool:
    """Whether a file system of this type is shared over a network, so that locks and shared memory fail."""
    return kind in _NETWORK or (kind.startswith("fuse.") and kind[5:] in _NETWORK_FUSE)


def network_filesystem(path: str, mountinfo: str) -> str | None:
    """The type of the network file system that holds path; None when it is on a local one."""
    kind = filesystem_type(path, mountinfo)
    return kind if kind is not None and is_network(kind) else None


def network_filesystem_at(path: Path) -> str | None:
    """As `network_filesystem`, for a path of this host now; None too where /proc cannot be read."""
    try:
        text = MOUNTINFO.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    return network_filesystem(os.path.realpath(path), text)


def choose_directory(
    home: Path, uid: int, mountinfo: str | None = None, local: Path | None = None
) -> tuple[Path, str | None]:
    """Where to keep the store that belongs in home, and what to tell the user when it is elsewhere.

    On a local disk that is home itself. Else it is a folder of this user's own below local (LOCAL), with a
    pointer file in home; each host has its own. Raises StoreError when somebody else laid a folder there.
    """
    place, kind = directory_for(home, uid, mountinfo, local)
    if kind is None:
        return home, None
    for folder in (place.parent, place):
        _own_folder(folder, uid)
    _point(home, place)
    return place, f"{home} is on a network file system ({kind}): the store is kept on this host, in {place}"


def directory_for(
    home: Path, uid: int, mountinfo: str | None = None, local: Path | None = None
) -> tuple[Path, str | None]:
    """The folder that `choose_directory` makes, and home's network file system where that moves it."""
    real = os.path.realpath(home)
    kind = network_filesystem_at(home) if mountinfo is None else network_filesystem(real, mountinfo)
    if kind is None:
        return home, None
    base = (local or LOCAL) / f"workbench-state-{uid}"
    return base / hashlib.sha256(os.fsencode(real)).hexdigest()[:16], kind


def _own_folder(folder: Path, uid: int) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = os.lstat(folder)
    except OSError as problem:
        raise StoreError(
            f"{folder}: {problem.strerror}", "set WORKBENCH_HOME to a folder on a local disk"
        ) from problem
    if not os.path.isdir(folder) or os.path.islink(folder) or facts.st_uid != uid or facts.st_mode & 0o022:
        raise StoreError(
            f"{folder} is not a folder that only you may write",
            "set WORKBENCH_HOME to a folder on a local disk",
        )


def _point(home: Path, place: Path) -> None:
    """Write into home which host keeps the store where, for people; one line a host."""
    host = socket.gethostname()
    pointer = home / POINTER
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = pointer.read_text("utf-8", "replace").splitlines() if pointer.exists() else []
        line = f"{host}\t{place}"
        if line not in lines:
            kept = [other for other in lines if not other.startswith(f"{host}\t")]
            partial = pointer.with_name(f".{POINTER}-{os.getpid()}")
            partial.write_text("\n".join([*kept, line]) + "\n", "utf-8")
            os.replace(partial, pointer)
    except OSError as problem:
        raise StoreError(f"{pointer}: {problem.strerror}", "check the folder's owner and rights") from problem
