"""What the processes of a container used, where they are a daemon's and nobody here takes their end."""

import os
from typing import Iterable, Tuple

from workbench.remote.processes.process_trees import Identity

EVERY = 1.0  # seconds between two looks: what is used after the last one is not counted
TICKS = float(os.sysconf("SC_CLK_TCK"))


class Usage(object):
    """Seconds computed by all of them, and bytes of memory of the largest, as far as was looked."""

    def __init__(self):
        # type: () -> None
        self.cpu_seconds = 0.0
        self.peak_memory = 0

    def look(self, processes):
        # type: (Iterable[Identity]) -> None
        """Look at those that live; what each of their ended children used stands with its parent."""
        seconds = 0.0
        for pid, _ in processes:
            used, memory = used_by(pid)
            seconds += used
            self.peak_memory = max(self.peak_memory, memory)
        self.cpu_seconds = max(self.cpu_seconds, seconds)


def used_by(pid):
    # type: (int) -> Tuple[float, int]
    """Seconds that a process and the children it took the end of have computed, and its most memory."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read(4096).rpartition(b")")[2].split()
        with open("/proc/%d/status" % pid, "rb") as file:
            lines = file.read(1 << 16).splitlines()
    except OSError:
        return 0.0, 0  # it has just ended
    memory = [int(line.split()[1]) << 10 for line in lines if line.startswith(b"VmHWM:")]
    seconds = sum(int(field) for field in fields[11:15]) / TICKS  # own and children's, user and system
    return seconds, memory[0] if memory else 0
