"""What of the machine a container needs: whose files these are, where a file lies in memory only."""

import os
from typing import Any, Dict, List, Mapping, Optional

from workbench.remote.containers.arguments import BadWords, Mount, Person, env_file_text
from workbench.remote.disk.mounts import file_system
from workbench.remote.runs.runfolder import RunFolder

IN_MEMORY = ("tmpfs", "ramfs")
SELINUX = "/sys/fs/selinux/enforce"
TAIL = 16384


def person():
    # type: () -> Person
    """The run's user, as the engine is told of them."""
    return Person(os.getuid(), os.getgid(), sorted(os.getgroups()), os.path.exists(SELINUX))


def home_of(uid):
    # type: (int) -> Optional[str]
    """HOME in a container where nobody chose one: an image's own is root's; None for root, who has it."""
    return None if uid == 0 else "/tmp"


def memory_folder():
    # type: () -> Optional[str]
    """A folder of this user's whose files are on no disk; None where there is none."""
    for folder in ("/run/user/%d" % os.getuid(), "/dev/shm"):
        if os.access(folder, os.W_OK | os.X_OK) and file_system(folder) in IN_MEMORY:
            return folder
    return None


def write_env_file(name, variables):
    # type: (str, Mapping[str, str]) -> str
    """Write an env-file that only this user reads, in memory; its path. Raises OSError, BadWords."""
    place = memory_folder()
    if place is None:
        raise BadWords("no folder is in memory, so variables cannot be handed on: mount a tmpfs at /dev/shm")
    path = os.path.join(place, name + ".env")
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(os.fsencode(env_file_text(variables)))
    return path


def data_mounts(spec, found, run_dir):
    # type: (Mapping[str, Any], Mapping[str, Any], str) -> List[Mount]
    """What of the machine's data a container sees, at the same paths: inputs read-only, outputs not.

    found: {"inputs": {name: path}, "outputs": {name: path}}. What lies in the run's folder is there already;
    where that is links, what they lead to is needed.
    """
    wanted = {}  # type: Dict[str, bool]
    asked = (spec.get("data") or {}).get("inputs") or {}
    for name, path in dict(found.get("inputs") or {}).items():
        writes = (asked.get(name) or {}).get("mode") == "rw_mount"
        for place in roots_of(str(path), run_dir):
            wanted[place] = wanted.get(place, False) or (writes and place == path)
    for path in dict(found.get("outputs") or {}).values():
        # A file is made anew and may be put in its place, so it is its folder that is needed.
        wanted[str(path) if os.path.isdir(path) else os.path.dirname(path)] = True
    mounts = []  # type: List[Mount]
    for path, writable in sorted(wanted.items()):
        around = [mount for mount in mounts if is_below(path, mount.source)]
        there = is_below(path, run_dir) or (bool(around) and around[-1].writable == writable)
        if not there and path != "/" and os.path.isabs(path) and os.path.exists(path):
            mounts.append(Mount(path, writable))
    return mounts


def roots_of(path, run_dir):
    # type: (str, str) -> List[str]
    """The path; of links in the run's folder also the folder that they all lead into."""
    if not os.path.isabs(path):
        return []  # an address that is only told
    if not is_below(path, run_dir):
        return [path]
    targets = []  # type: List[str]
    if os.path.islink(path):
        targets.append(os.path.realpath(path))
    for folder, folders, files in os.walk(path):
        for name in files + folders:
            inside = os.path.join(folder, name)
            if os.path.islink(inside):
                targets.append(os.path.dirname(os.path.realpath(inside)))
    return [path] + ([os.path.commonpath(targets)] if targets else [])


def is_below(path, folder):
    # type: (str, str) -> bool
    """Whether a path is the folder or in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def tail_of_stream(folder):
    # type: (RunFolder) -> str
    """The last of what a run's command wrote, or its engine; the stream is flushed at each write."""
    try:
        with open(folder.inside("stream.log"), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            return file.read(TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
