"""Which file system a path is on, and whether that one is somewhere else on the network."""

import os
from typing import List, NamedTuple, Optional, Union

# device: "major:minor" as the kernel counts file systems; a major of 0 is no block device's.
Mount = NamedTuple("Mount", [("point", str), ("kind", str), ("source", str), ("device", str)])

NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs lustre gpfs beegfs ceph afs orangefs pvfs2 9p glusterfs panfs wekafs".split()
)


def parse_mounts(text):
    # type: (str) -> List[Mount]
    """The mounts of a /proc/PID/mountinfo, in its order; lines that make no sense are left out."""
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if separator and len(fields) >= 6 and len(rest) >= 2:
            found.append(Mount(unescaped(fields[4]), rest[0], unescaped(rest[1]), fields[2]))
    return found


def unescaped(text):
    # type: (str) -> str
    r"""A field of mountinfo with \040 and the like as the characters they stand for."""
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        text = text.replace("\\" + code, character)
    return text


def mount_of(path, mounts):
    # type: (str, List[Mount]) -> Optional[Mount]
    """The mount an absolute, resolved path lies on: the longest point above it, the latest of equals."""
    best = None  # type: Optional[Mount]
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def is_network(kind):
    # type: (str) -> bool
    """Whether files on this kind of file system lie on another machine; its locks are not to be trusted."""
    return (
        kind in NETWORK
        or kind.startswith("fuse.sshfs")
        or kind in ("fuse.glusterfs", "fuse.ceph", "fuse.juicefs")
    )


def read_mounts():
    # type: () -> List[Mount]
    """The mounts of this process's namespace; none where /proc does not tell."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            return parse_mounts(file.read(4 << 20).decode("utf-8", "surrogateescape"))
    except OSError:
        return []


def file_system(path):
    # type: (str) -> str
    """The kind of file system a path is on, empty when it cannot be told."""
    mount = mount_of(os.path.realpath(path), read_mounts())
    return mount.kind if mount else ""


def free_bytes(path):
    # type: (Union[str, bytes]) -> Optional[int]
    """Bytes this user may still write there; None when it cannot be told."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def free_files(path):
    # type: (Union[str, bytes]) -> Optional[int]
    """Files this user may still make there; None when it cannot be told, or is no limit."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return None
    return disk.f_favail if disk.f_files else None
