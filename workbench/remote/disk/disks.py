"""Where this user may write on local disks: what attach proposes a root from when the home is no good place.

Run as a program it prints one JSON object: {"disks": [{path, fs, free, size, own}]}.
"""

import os
import re
from typing import Dict, List, Tuple

LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "apfs", "ufs")
MOST = 64  # mounts that are looked at; machines with more have automounters
SUBFOLDERS = ("scratch", "data", "work", "users", "home")
UNFIT = ("/boot", "/snap", "/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/opt")
_OCTAL = re.compile(r"\\([0-7]{3})")


def parse_mounts(text):
    # type: (str) -> List[Tuple[str, str]]
    """(mount point, file system) of the local disks in /proc/mounts, each mount point once, the last wins."""
    found = {}  # type: Dict[str, str]
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) < 4:
            continue
        path = _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), words[1])
        read_only = "ro" in words[3].split(",")
        unfit = any(path == place or path.startswith(place + "/") for place in UNFIT)
        found.pop(path, None)
        if words[2] in LOCAL and not read_only and not unfit and path.startswith("/"):
            found[path] = words[2]
    return list(found.items())[:MOST]


def places(mount, user):
    # type: (str, str) -> List[Tuple[str, bool]]
    """Folders on a mount this user may have, best first, and whether each is the user's own."""
    tops = [mount] + [os.path.join(mount, name) for name in SUBFOLDERS]
    own = [(os.path.join(top, user), True) for top in tops]
    return own + [(top, False) for top in tops if top != "/"]


def writable_disks(mounts, user):
    # type: (List[Tuple[str, str]], str) -> List[Dict[str, object]]
    """The first place on each mount where the user may write, as {path, fs, free, size, own}; bytes."""
    found = []  # type: List[Dict[str, object]]
    for mount, kind in mounts:
        try:
            device = os.stat(mount).st_dev
            space = os.statvfs(mount)
        except OSError:
            continue
        for path, own in places(mount, user):
            if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK) and os.stat(path).st_dev == device:
                found.append(
                    {
                        "path": path,
                        "fs": kind,
                        "free": space.f_bavail * space.f_frsize,
                        "size": space.f_blocks * space.f_frsize,
                        "own": own,
                    }
                )
                break
    return found


def disks():
    # type: () -> List[Dict[str, object]]
    """The writable local disks of this machine; none where there is no /proc/mounts."""
    import pwd

    try:
        with open("/proc/mounts", encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(1 << 20)
        user = pwd.getpwuid(os.getuid()).pw_name
    except (OSError, KeyError):
        return []
    return writable_disks(parse_mounts(text), user)


def main():
    # type: () -> None
    """Print them as JSON."""
    import json

    print(json.dumps({"disks": disks()}))
