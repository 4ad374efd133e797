"""How often the kernel killed for lack of memory: the only honest sign that a SIGKILL was one."""

import os
from typing import List, NamedTuple, Optional

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
    # type: (str, str) -> List[str]
    """Where the kills of our control group are counted, from what /proc/self/cgroup says."""
    found = []
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        inside = path.lstrip("/")
        if number == "0" and not controllers:
            found.append(os.path.join(groups, inside, "memory.events"))
        elif "memory" in controllers.split(","):
            found.append(os.path.join(groups, "memory", inside, "memory.oom_control"))
    return found


def _of_cgroup():
    # type: () -> Optional[int]
    try:
        with open("/proc/self/cgroup") as file:
            files = cgroup_files(file.read(65536))
    except OSError:
        return None
    counts = [count for count in (_counter(path) for path in files) if count is not None]
    return sum(counts) if counts else None


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
