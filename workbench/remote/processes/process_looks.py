"""What /proc tells of a process that may hang: what it is, what it waits for, thread by thread."""

import os
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.forms.record_form import RANK_VARIABLES
from workbench.remote.processes import process_trees

LONGEST = 2000  # characters of a command
MOST_THREADS = 64  # told of, each; their number is told whole
KERNEL_STACK = 4000  # characters of it, where it may be read at all
TICKS = os.sysconf("SC_CLK_TCK")


def look(pid):
    # type: (int) -> Optional[Dict[str, Any]]
    """{pid, parent, command, state, cpu (seconds), threads, rank?, waits: [thread]}; None when it is gone.

    What cannot be read is absent. A thread: {id, name, state, wchan?, kernel?}.
    """
    stat = process_trees.process_stat(pid)
    if stat is None:
        return None
    found = {"pid": pid, "parent": stat.parent, "state": stat.state}  # type: Dict[str, Any]
    command = read("/proc/%d/cmdline" % pid, LONGEST * 4)
    name = read("/proc/%d/comm" % pid, 100)
    if command:
        found["command"] = " ".join(command.rstrip("\0").split("\0"))[:LONGEST]
    elif name is not None:
        found["command"] = "[%s]" % name.strip()
    used = cpu_seconds(pid)
    if used is not None:
        found["cpu"] = used
    rank = rank_of(pid)
    if rank is not None:
        found["rank"] = rank
    threads = thread_ids(pid)
    found["threads"] = len(threads)
    found["waits"] = [look_at_thread(pid, thread) for thread in threads[:MOST_THREADS]]
    return found


def look_at_thread(pid, thread):
    # type: (int, int) -> Dict[str, Any]
    """One thread of a process."""
    folder = "/proc/%d/task/%d/" % (pid, thread)
    found = {"id": thread}  # type: Dict[str, Any]
    name, stat = read(folder + "comm", 100), read(folder + "stat", 4096)
    wchan, kernel = read(folder + "wchan", 200), read(folder + "stack", KERNEL_STACK)
    if name is not None:
        found["name"] = name.strip()
    if stat:
        found["state"] = stat[stat.rfind(")") + 1 :].split()[0]
    if wchan and wchan != "0":
        found["wchan"] = wchan
    if kernel and kernel.strip():
        found["kernel"] = [line.split("] ", 1)[-1] for line in kernel.strip().splitlines()]
    return found


def thread_ids(pid):
    # type: (int) -> List[int]
    """Its threads, the first one first."""
    try:
        return sorted(int(name) for name in os.listdir("/proc/%d/task" % pid))
    except OSError:
        return []


def cpu_seconds(pid):
    # type: (int) -> Optional[float]
    """What it has computed so far."""
    stat = read("/proc/%d/stat" % pid, 4096)
    fields = stat[stat.rfind(")") + 1 :].split() if stat else []
    return (int(fields[11]) + int(fields[12])) / float(TICKS) if len(fields) > 12 else None


def rank_of(pid):
    # type: (int) -> Optional[int]
    """The rank its environment gives it among the processes of a run."""
    for name in RANK_VARIABLES:
        value = process_trees.environment_value(pid, name)
        if value is not None and value.isdigit():
            return int(value)
    return None


def signals_caught(pid):
    # type: (int) -> int
    """The mask of signals it has handlers for; 0 when it cannot be read."""
    text = read("/proc/%d/status" % pid, 1 << 16) or ""
    for line in text.splitlines():
        if line.startswith("SigCgt:"):
            return int(line.split()[1], 16)
    return 0


def holds_open(pid, path):
    # type: (int, str) -> bool
    """Whether one of its descriptors is this file."""
    folder = "/proc/%d/fd" % pid
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(os.path.join(folder, name)) == path:
                return True
        except OSError:  # closed in between
            continue
    return False


def read(path, most):
    # type: (str, int) -> Optional[str]
    """The beginning of a file of /proc as text; None when it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, most).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(handle)
