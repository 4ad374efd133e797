"""Who is logged in on a machine: utmp's records, or logind's session files where utmp is no more kept."""

import os
import re
import struct
from typing import Callable, Dict, Iterable, List, Optional, Set

from workbench.remote.processes.process_trees import process_stat

UTMP = ("/run/utmp", "/var/run/utmp")
SESSIONS = "/run/systemd/sessions"
USER_PROCESS = 7
MOST = 4 << 20  # bytes of a utmp that are read: ten thousand sessions
MOST_SESSIONS = 10000

# The beginning of glibc's record is the same everywhere; its length depends on the width of its times.
_RECORD = struct.Struct("=hxxi32s4s32s")
_LENGTHS = (384, 400)


def parse_utmp(content, present):
    # type: (bytes, Callable[[int], bool]) -> Set[bytes]
    """Names of people with a session. present: whether a process lives; a crash leaves records behind."""
    found = set()  # type: Set[bytes]
    for length in _LENGTHS:
        if len(content) % length == 0:
            for at in range(0, len(content), length):
                kind, pid, _, _, name = _RECORD.unpack_from(content, at)
                name = name.partition(b"\0")[0]
                if kind == USER_PROCESS and name and present(pid):
                    found.add(name)
            break
    return found


def parse_session(text):
    # type: (str) -> Optional[str]
    """The user of one of logind's session files, None when it is no person's or is ending."""
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))  # type: Dict[str, str]
    if values.get("CLASS") != "user" or values.get("STATE") == "closing":
        return None
    return values.get("USER") or values.get("UID")


def count_users(places=UTMP, sessions=SESSIONS):
    # type: (Iterable[str], str) -> Optional[int]
    """People logged in, each counted once; None where nobody keeps account of it."""
    for path in places:
        content = _read(path)
        if content is not None:
            return len(parse_utmp(content, _present))
    try:
        names = os.listdir(sessions)
    except OSError:
        return None
    files = [_read(os.path.join(sessions, name)) for name in names[:MOST_SESSIONS] if ".ref" not in name]
    users = [parse_session(content.decode("utf-8", "replace")) for content in files if content]
    return len(set(user for user in users if user))


def _present(pid):
    # type: (int) -> bool
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return process_stat(pid) is not None
    return pid > 0


def _read(path):
    # type: (str) -> Optional[bytes]
    try:
        with open(path, "rb") as file:
            return file.read(MOST)
    except OSError:
        return None
