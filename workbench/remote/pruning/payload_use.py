"""Which copies of our program on a machine are in use: each release of each laptop leaves one (2 MB).

A link holds a lock on the copy it came from and touches it when it begins. Guards, supervisors and what
else is started from one name it in their command line; a run's commands find it by their sitecustomize.
Other machines may share the folder: their links hold the same locks, of their runs the files can be read.
"""

import fcntl
import os
import re
from typing import Dict, Iterator, List, Optional, Set

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs.run_status import is_terminal
from workbench.remote.runs.runfolder import RunFolder

_COPY = re.compile(r"^([0-9a-f]{64})\.pyz$")
_NAMED = re.compile(rb"payload/([0-9a-f]{64})\.pyz")
MAX_READ = 1 << 20


def hold(payload):
    # type: (str) -> Optional[int]
    """Keep a copy from being removed as long as this process lives; None for a folder of source."""
    try:
        handle = os.open(payload, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # a file system without locks, or it is being removed: then it is sent again
        os.close(handle)
        return None
    return handle


def is_held(path):
    # type: (str) -> bool
    """Whether a link lives that came from this copy, or nobody can tell."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def copies(machine):
    # type: (Machine) -> Dict[str, List[str]]
    """The files of each copy by its hash: the copy itself first, then its compiled forms."""
    folder = os.path.join(machine.root, "payload")
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return {}
    found = {}  # type: Dict[str, List[str]]
    for name in names:
        match = _COPY.match(name[:68])
        if match and (len(name) == 68 or name[68] == "."):
            found.setdefault(match.group(1), []).append(os.path.join(folder, name))
    return {sha: files for sha, files in found.items() if files[0].endswith(sha + ".pyz")}


def named(machine):
    # type: (Machine) -> Optional[Set[str]]
    """Copies that this user's processes or runs that are not over name; None where that cannot be told."""
    found = set(_by_processes())
    found.update(_NAMED.findall(os.fsencode(machine.payload)))
    for run in os.listdir(machine.runs):
        if not protocol.valid_run_id(run):
            continue
        folder = RunFolder(machine, run)
        try:
            status = folder.read_status()
        except (OSError, ValueError):
            continue  # nobody looks after one that cannot be read
        if status is None or is_terminal(status):
            continue
        copy = _NAMED.findall(_read(os.path.join(folder.path, "site", "sitecustomize.py")))
        if not copy and status.get("machine") != machine.machine_id:
            return None  # its guard is another machine's process, and nothing here says what it came from
        found.update(copy)
    return {sha.decode("ascii") for sha in found}


def _by_processes():
    # type: () -> Iterator[bytes]
    me = os.getuid()
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat("/proc/" + name).st_uid == me:
                for sha in _NAMED.findall(_read("/proc/%s/cmdline" % name)):
                    yield sha
        except OSError:
            continue  # it has just ended


def _read(path):
    # type: (str) -> bytes
    try:
        with open(path, "rb") as file:
            return file.read(MAX_READ)
    except OSError:
        return b""
