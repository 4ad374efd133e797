"""The machine itself, as often as ten times a second: CPU, memory, disks, network, who is logged in.

Everything is from /proc and /sys, read in place; what may block is asked elsewhere (`disk_spaces`).
"""

import os
import time
from typing import Any, Dict, List, Mapping, Optional, Set

from workbench.remote.disk.disk_spaces import DiskSpaces
from workbench.remote.disk.kept_file import KeptFile
from workbench.remote.machine import Machine
from workbench.remote.probe import host_readings as readings
from workbench.remote.probe.logins import count_users

SLOW = 10.0  # seconds between two looks at what rarely changes
WINDOW = 0.08  # seconds a rate is taken over at least: a shorter one says more about the clock


def places_of(machine):
    # type: (Machine) -> Dict[str, str]
    """Where something of ours lies on a machine, by role."""
    return {"root": machine.root, "home": os.path.expanduser("~"), "leases": machine.lease_dir}


class HostSampler(object):
    """Samples the machine; rates are over the time since the sample before, and absent in the first.

    places: role -> path, whose file systems are told of. proc, sys: where those are mounted, for tests.
    """

    def __init__(self, places, proc="/proc", sys="/sys"):
        # type: (Mapping[str, str], str, str) -> None
        self.spaces = DiskSpaces(places)
        self._sys = sys
        names = ("stat", "loadavg", "meminfo", "uptime", "net/dev")
        self._files = {name: KeptFile(os.path.join(proc, name)) for name in names}
        self._limits = _Limits(os.path.join(sys, "fs/cgroup"))
        self._blocks = {}  # type: Dict[str, KeptFile]
        self._cpu = None  # type: Optional[readings.CpuTicks]
        self._network = {}  # type: Dict[bytes, readings.Bytes]
        self._disks = {}  # type: Dict[bytes, readings.Bytes]
        self._slow = {}  # type: Dict[str, Any]
        self._physical = set()  # type: Set[bytes]
        self._shown = {}  # type: Dict[str, Any]
        self._look_slowly()
        self._rate(0.0, [])
        self._last = time.monotonic()
        self._slow_at = self._last + SLOW

    def sample(self):
        # type: () -> Dict[str, Any]
        """Now, with the fields of entities' HostSample; what cannot be read is left out."""
        now = time.monotonic()
        if now >= self._slow_at:
            self._look_slowly()
            self._slow_at = now + SLOW
        found = dict(self._slow)
        self._put(found, "load", readings.parse_load(self._files["loadavg"].read()))
        self._put(found, "uptime", readings.parse_seconds(self._files["uptime"].read()))
        self._put_memory(found)
        rows = self.spaces.rows()
        if now - self._last >= WINDOW:
            self._rate(now - self._last, rows)
            self._last = now
        for name in ("cpu", "network"):
            self._put(found, name, self._shown.get(name))
        for row in rows:
            row.update(self._shown.get(row.pop("device", ""), {}))
        found["disks"] = rows
        return found

    def close(self):
        # type: () -> None
        """Let go of every file."""
        for file in list(self._files.values()) + list(self._blocks.values()):
            file.close()

    def _look_slowly(self):
        # type: () -> None
        self._slow = {}
        self._limits.look()
        quota = self._limits.cpus()
        there = os.cpu_count()
        cpus = there if quota is None or there is None else min(there, max(1, int(quota + 0.5)))
        self._put(self._slow, "cpus", cpus)
        self._put(self._slow, "users", count_users())
        self._physical = physical_interfaces(os.path.join(self._sys, "class/net"))

    def _put_memory(self, found):
        # type: (Dict[str, Any]) -> None
        meminfo = readings.parse_meminfo(self._files["meminfo"].read())
        memory = self._limits.memory(readings.memory_of(meminfo))
        for name, value in (("memory", memory), ("swap", readings.swap_of(meminfo))):
            if value is not None:
                found[name + "_total"], found[name + "_used"] = value.total, value.used

    def _rate(self, seconds, rows):
        # type: (float, List[Dict[str, Any]]) -> None
        """What is told of the time since the last reading, in `_shown`."""
        self._shown = {}
        cpu = readings.parse_cpu(self._files["stat"].read())
        share = self._limits.cpu_share(seconds)
        self._put(self._shown, "cpu", share if share is not None else readings.cpu_share(self._cpu, cpu))
        self._cpu = cpu
        network = readings.parse_interfaces(self._files["net/dev"].read())
        counted = readings.counted_interfaces(network, self._physical)
        network = {name: network[name] for name in counted}
        rate = readings.rates(self._network, network, seconds)
        if rate is not None:
            self._shown["network"] = {"received": rate[0], "sent": rate[1]}
        self._network = network
        self._rate_disks(seconds, set(str(row["device"]) for row in rows if "device" in row))

    def _rate_disks(self, seconds, devices):
        # type: (float, Set[str]) -> None
        now = {}  # type: Dict[bytes, readings.Bytes]
        for device in devices:
            if device not in self._blocks:
                self._blocks[device] = KeptFile(os.path.join(self._sys, "dev/block", device, "stat"))
            counted = readings.parse_block(self._blocks[device].read())
            key = device.encode("ascii")
            if counted is None:
                continue
            now[key] = counted
            rate = readings.rates({key: self._disks[key]} if key in self._disks else {}, now, seconds)
            if rate is not None:
                self._shown[device] = {"read": rate[0], "written": rate[1]}
        self._disks = now

    def _put(self, found, name, value):
        # type: (Dict[str, Any], str, Any) -> None
        if value is not None:
            found[name] = value


class _Limits(object):
    """What a container may use, where this is one: the cgroup at the root of what is mounted here.

    The machine's own root has no such files, or files that say "no limit".
    """

    def __init__(self, folder):
        # type: (str) -> None
        self._folder = folder
        self._files = {}  # type: Dict[str, KeptFile]
        self._quota = None  # type: Optional[float]
        self._limit = None  # type: Optional[bytes]
        self._before = None  # type: Optional[int]

    def look(self):
        # type: () -> None
        """Read the limits anew; they hold until the next look."""
        quota = readings.parse_quota(self._read("cpu.max"))
        if quota is None:
            period = self._read("cpu/cpu.cfs_period_us")
            quota = readings.parse_quota(self._read("cpu/cpu.cfs_quota_us"), period)
        self._quota = quota
        self._limit = self._read("memory.max") or self._read("memory/memory.limit_in_bytes")

    def cpus(self):
        # type: () -> Optional[float]
        """CPUs that may be used; None without a limit."""
        return self._quota

    def memory(self, memory):
        # type: (Optional[readings.Memory]) -> Optional[readings.Memory]
        """The machine's memory, or the container's where that has less."""
        if readings.parse_limit(self._limit) is None:
            return memory
        usage = self._read("memory.current") or self._read("memory/memory.usage_in_bytes")
        stat = self._read("memory.stat") or self._read("memory/memory.stat")
        return readings.limited_memory(memory, self._limit, usage, stat)

    def cpu_share(self, seconds):
        # type: (float) -> Optional[float]
        """Percent of the CPUs that may be used, since the last call; None without a limit."""
        if self._quota is None:
            return None
        used = readings.parse_pairs(self._read("cpu.stat")).get(b"usage_usec")
        if used is None:
            nanoseconds = readings.parse_limit(self._read("cpuacct/cpuacct.usage"))
            used = None if nanoseconds is None else nanoseconds // 1000
        before, self._before = self._before, used
        if before is None or used is None or used < before or seconds <= 0:
            return None
        return min(100.0, (used - before) / 1e4 / seconds / self._quota)

    def _read(self, name):
        # type: (str) -> Optional[bytes]
        if name not in self._files:
            self._files[name] = KeptFile(os.path.join(self._folder, name))
        return self._files[name].read()


def physical_interfaces(folder):
    # type: (str) -> Set[bytes]
    """Names of network interfaces with a device behind them; none where /sys does not tell."""
    try:
        names = os.listdir(folder)
    except OSError:
        return set()
    there = (name for name in names if os.path.exists(os.path.join(folder, name, "device")))
    return set(os.fsencode(name) for name in there)
