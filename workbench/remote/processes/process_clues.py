"""What /proc tells of one process. Nothing here is kept; what is gone or not ours to read is None."""

import os
import pwd
import re
from typing import Dict, List, NamedTuple, Optional

from workbench.remote.forms.protocol import valid_run_id
from workbench.remote.forms.record_form import ENV_RUN_ID
from workbench.remote.processes.process_runs import Clues
from workbench.remote.processes.process_trees import ENV_GUARD, process_stat

LONGEST_COMMAND = 500  # characters
DEEPEST = 64  # ancestors; a chain is rarely longer than ten
KERNEL_THREAD = 0x00200000  # PF_KTHREAD of a process's flags
MOST = {"environ": 4 << 20, "cmdline": LONGEST_COMMAND * 4}  # bytes of a file that are read
REST = 1 << 16

# ticks: of CPU, its threads' and its own. start: ticks after boot. pages: resident.
Figures = NamedTuple(
    "Figures",
    [
        ("state", str),
        ("parent", int),
        ("group", int),
        ("session", int),
        ("flags", int),
        ("ticks", int),
        ("start", int),
        ("pages", int),
    ],
)


def parse_figures(text):
    # type: (bytes) -> Optional[Figures]
    """What /proc/PID/stat says; the command's name may hold anything, so count from the last ")"."""
    words = text[text.rfind(b")") + 1 :].split()
    if len(words) < 22:
        return None
    return Figures(
        words[0].decode("ascii", "replace"),
        int(words[1]),
        int(words[2]),
        int(words[3]),
        int(words[6]),
        int(words[11]) + int(words[12]),
        int(words[19]),
        max(0, int(words[21])),
    )


def read_figures(pid):
    # type: (int) -> Optional[Figures]
    """The figures of a process; None when there is none that we may see."""
    text = _read(pid, "stat")
    return parse_figures(text) if text else None


def read_clues(pid, figures, uid):
    # type: (int, Figures, int) -> Clues
    """What its run can be told by. May block: an environment is the process's memory, which it may hold."""
    variables = {}  # type: Dict[bytes, str]
    if uid == os.getuid() or os.getuid() == 0:
        variables = parse_environment(_read(pid, "environ") or b"")
    run, guard = variables.get(ENV_RUN_ID.encode("ascii")), variables.get(ENV_GUARD.encode("ascii"))
    return Clues(
        pid=pid,
        start=figures.start,
        uid=uid,
        group=figures.group,
        session=figures.session,
        cgroup=(_read(pid, "cgroup") or b"").decode("utf-8", "replace"),
        run=run if valid_run_id(run) else None,
        guard=guard if valid_run_id(guard) else None,
        chain=read_chain(figures.parent),
    )


def parse_environment(text):
    # type: (bytes) -> Dict[bytes, str]
    """Those of an environment's variables that are ours."""
    found = {}  # type: Dict[bytes, str]
    for entry in text.split(b"\0"):
        if entry.startswith(b"WORKBENCH_"):
            name, _, value = entry.partition(b"=")
            found.setdefault(name, value.decode("utf-8", "replace"))
    return found


def read_chain(pid):
    # type: (int) -> List[int]
    """A process and those above it, nearest first."""
    found = []  # type: List[int]
    while pid > 1 and pid not in found and len(found) < DEEPEST:
        found.append(pid)
        stat = process_stat(pid)
        pid = stat.parent if stat is not None else 0
    return found


def read_uid(pid):
    # type: (int) -> Optional[int]
    """As which user a process runs; its folder's owner is root's for one that may not be looked into."""
    found = re.search(rb"^Uid:\s+\d+\s+(\d+)", _read(pid, "status") or b"", re.MULTILINE)
    if found is not None:
        return int(found.group(1))
    try:
        return os.stat("/proc/%d" % pid).st_uid
    except OSError:
        return None


def read_command(pid):
    # type: (int) -> Optional[str]
    """Its command line, or its name in brackets when it has none. May block, as `read_clues`."""
    words = (_read(pid, "cmdline") or b"").rstrip(b"\0").replace(b"\0", b" ")
    if not words:
        name = (_read(pid, "comm") or b"").strip()
        words = b"[" + name + b"]" if name else b""
    return words.decode("utf-8", "replace")[:LONGEST_COMMAND] or None


def user_of(uid):
    # type: (int) -> str
    """A user's name, the number of one without. May block where users come over the network."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def processes_hidden():
    # type: () -> bool
    """Whether this machine keeps other users' processes from us (hidepid)."""
    try:
        handle = os.open("/proc/1/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return os.path.exists("/proc/self/stat")
    os.close(handle)
    return False


def _read(pid, name):
    # type: (int, str) -> Optional[bytes]
    try:
        handle = os.open("/proc/%d/%s" % (pid, name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, MOST.get(name, REST))
    except OSError:  # it ended in between
        return None
    finally:
        os.close(handle)
