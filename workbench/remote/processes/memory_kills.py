"""How often the kernel killed for lack of memory: the only honest sign that a SIGKILL was one."""

import os
from typing import List, NamedTuple, Optional, Tuple

# cgroup: kills in our own control group. machine: kills anywhere. None where the kernel does not tell.
MemoryKills = NamedTuple("MemoryKills", [("cgroup", Optional[int]), ("machine", Optional[int])])

GROUPS = "/sys/fs/cgroup"


def count_memory_kills():
    # type: () -> MemoryKills
    """The counters now."""
    return MemoryKills(_of_cgroup(), _counter("/proc/vmstat"))


def killed_for_memory(before, after):
    # type: (MemoryKills, MemoryKills) -> Optional[str]
    """Where there was a kill in between: in our "cgroup", else somewhere on the "machine", else None."""
    if before.cgroup is not None and after.cgroup is not None and after.cgroup > before.cgroup:
        return "cgroup"
    if before.machine is not None and after.machine is not None and after.machine > before.machine:
        return "machine"
    return None


def cgroup_files(text, groups=GROUPS):
    # type: (str, str) -> List[Tuple[str, str]]
    """Where the kills of our control group are counted, from what /proc/self/cgroup says.

    Each with where a container has it that sees the path outside, and its own group as the topmost.
    """
    found = []
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        inside = path.lstrip("/")
        if number == "0" and not controllers:
            name, top = "memory.events", groups
        elif "memory" in controllers.split(","):
            name, top = "memory.oom_control", os.path.join(groups, "memory")
        else:
            continue
        found.append((os.path.join(top, inside, name), os.path.join(top, name)))
    return found


def _of_cgroup():
    # type: () -> Optional[int]
    try:
        with open("/proc/self/cgroup") as file:
            files = cgroup_files(file.read(65536))
    except OSError:
        return None
    counts = [_counter(path if os.path.exists(path) else top) for path, top in files]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _counter(path):
    # type: (str) -> Optional[int]
    """The value of a line "oom_kill N"."""
    try:
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) == 2 and words[0] == "oom_kill" and words[1].isdigit():
                    return int(words[1])
    except OSError:
        return None
    return None
