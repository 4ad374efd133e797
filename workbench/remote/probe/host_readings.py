"""What the texts of /proc and /sys say of a machine. Pure: bytes in, values out, None for what is not there.

Bytes, because decoding is most of the cost of a look that is taken ten times a second.
"""

from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

SECTOR = 512  # bytes that block devices count in, whatever their own sectors are
LARGEST = 1 << 62  # a cgroup's limit from here on is none

# Clock ticks of all CPUs since boot. busy: neither idle nor waiting for a disk.
CpuTicks = NamedTuple("CpuTicks", [("busy", int), ("total", int)])
Memory = NamedTuple("Memory", [("total", int), ("used", int)])
Bytes = NamedTuple("Bytes", [("into", int), ("out", int)])  # received and sent, or read and written

# Doubles of what another interface carries, or no wire at all: told by name where /sys does not say.
DOUBLES = tuple(
    b"lo veth docker br- virbr vnet tap tun ifb dummy cni flannel cali cilium kube lxc podman wg".split()
)


def parse_cpu(text):
    # type: (Optional[bytes]) -> Optional[CpuTicks]
    """The "cpu" line of /proc/stat; a guest's time is in its host's user time already."""
    line = (text or b"").partition(b"\n")[0].split()
    if len(line) < 5 or line[0] != b"cpu":
        return None
    ticks = whole_numbers(line[1:9])
    if ticks is None:
        return None
    total = sum(ticks)
    return CpuTicks(total - ticks[3] - (ticks[4] if len(ticks) > 4 else 0), total)


def cpu_share(before, now):
    # type: (Optional[CpuTicks], Optional[CpuTicks]) -> Optional[float]
    """Percent of all CPUs between two readings; None where no tick has passed."""
    if before is None or now is None or now.total <= before.total:
        return None
    share = 100.0 * (now.busy - before.busy) / (now.total - before.total)
    return min(100.0, max(0.0, share))  # what waits for a disk may be counted back


def parse_load(text):
    # type: (Optional[bytes]) -> Optional[List[float]]
    """The three averages of /proc/loadavg."""
    words = (text or b"").split()[:3]
    try:
        return [float(word) for word in words] if len(words) == 3 else None
    except ValueError:
        return None


def parse_seconds(text):
    # type: (Optional[bytes]) -> Optional[float]
    """The first number of /proc/uptime."""
    try:
        return float((text or b"").split()[0])
    except (IndexError, ValueError):
        return None


def parse_meminfo(text):
    # type: (Optional[bytes]) -> Dict[bytes, int]
    """/proc/meminfo in bytes."""
    found = {}  # type: Dict[bytes, int]
    for line in (text or b"").splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) << (10 if words[1:] == [b"kB"] else 0)
    return found


def memory_of(meminfo):
    # type: (Dict[bytes, int]) -> Optional[Memory]
    """Total, and what is neither free nor could be given to a program at once."""
    total = meminfo.get(b"MemTotal")
    if not total:
        return None
    available = meminfo.get(b"MemAvailable")
    if available is None:  # kernels before 3.14
        parts = [meminfo.get(name) for name in (b"MemFree", b"Buffers", b"Cached")]
        if parts[0] is None:
            return None
        available = sum(part or 0 for part in parts) - meminfo.get(b"Shmem", 0)
    return Memory(total, min(total, max(0, total - available)))


def swap_of(meminfo):
    # type: (Dict[bytes, int]) -> Optional[Memory]
    """Swap; a total of 0 is a machine without any."""
    total, free = meminfo.get(b"SwapTotal"), meminfo.get(b"SwapFree")
    return None if total is None or free is None else Memory(total, max(0, total - free))


def limited_memory(memory, limit, usage, stat):
    # type: (Optional[Memory], Optional[bytes], Optional[bytes], Optional[bytes]) -> Optional[Memory]
    """Memory as a container has it, where its cgroup's limit is below the machine's own memory.

    limit, usage, stat: memory.max, memory.current and memory.stat, or what version 1 calls them.
    """
    most = parse_limit(limit)
    if most is None or (memory is not None and most >= memory.total):
        return memory
    used = parse_limit(usage)
    if used is None:
        return memory
    cached = parse_pairs(stat)
    # What the kernel would drop first is as good as free, which is how it judges the whole machine too.
    used -= cached.get(b"total_inactive_file", cached.get(b"inactive_file", 0))
    return Memory(most, min(most, max(0, used)))


def parse_limit(text):
    # type: (Optional[bytes]) -> Optional[int]
    """A number of a cgroup's file; None for "max" and for the number that means it."""
    word = (text or b"").strip()
    if not word.isdigit():
        return None
    return int(word) if int(word) < LARGEST else None


def parse_pairs(text):
    # type: (Optional[bytes]) -> Dict[bytes, int]
    """Lines of a name and a number."""
    found = {}  # type: Dict[bytes, int]
    for line in (text or b"").splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found


def parse_quota(text, period=None):
    # type: (Optional[bytes], Optional[bytes]) -> Optional[float]
    """CPUs a cgroup may use: cpu.max, or the two files of version 1; None without a limit."""
    words = (text or b"").split() + (period or b"").split()
    if len(words) < 2 or not words[0].isdigit() or not words[1].isdigit() or not int(words[1]):
        return None
    return int(words[0]) / float(int(words[1])) or None


def parse_interfaces(text):
    # type: (Optional[bytes]) -> Dict[bytes, Bytes]
    """Bytes of each interface of /proc/net/dev."""
    found = {}  # type: Dict[bytes, Bytes]
    for line in (text or b"").splitlines():
        name, colon, rest = line.rpartition(b":")
        words = rest.split()
        if colon and len(words) >= 9 and words[0].isdigit() and words[8].isdigit():
            found[name.strip()] = Bytes(int(words[0]), int(words[8]))
    return found


def counted_interfaces(names, physical):
    # type: (Iterable[bytes], Set[bytes]) -> Set[bytes]
    """Those whose bytes are the machine's: the ones with a device behind them.

    A container has none such; its own end of a pair counts there, and never lo.
    """
    present = set(names)
    return present & physical or set(name for name in present if not name.startswith(DOUBLES))


def parse_block(text):
    # type: (Optional[bytes]) -> Optional[Bytes]
    """Bytes read and written of a device's `stat` in /sys."""
    words = whole_numbers((text or b"").split()[:7])
    return Bytes(words[2] * SECTOR, words[6] * SECTOR) if words is not None and len(words) == 7 else None


def rates(before, now, seconds):
    # type: (Dict[bytes, Bytes], Dict[bytes, Bytes], float) -> Optional[Tuple[float, float]]
    """Bytes a second both ways, over all that are in both readings and were not counted anew."""
    both = [(before[name], now[name]) for name in now if name in before]
    both = [(old, new) for old, new in both if new.into >= old.into and new.out >= old.out]
    if not both or seconds <= 0:
        return None
    into = sum(new.into - old.into for old, new in both)
    out = sum(new.out - old.out for old, new in both)
    return (into / seconds, out / seconds)


def whole_numbers(words):
    # type: (List[bytes]) -> Optional[List[int]]
    """The words as numbers; None when one is none."""
    return [int(word) for word in words] if all(word.isdigit() for word in words) else None
