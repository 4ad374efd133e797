"""This machine itself through psutil, which knows what /proc does not tell elsewhere: macOS, BSDs."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from workbench.remote.disk.disk_spaces import DiskSpaces
from workbench.remote.probe import host_readings, logins
from workbench.remote.probe.host_readings import Bytes, CpuTicks
from workbench.remote.probe.host_sampling import WINDOW, physical_interfaces

NETWORK = Path("/sys/class/net")
DEVICES = Path("/sys/dev/block")


class LocalHostSampler:
    """Samples with the fields of entities' HostSample; rates are over the time since the one before.

    psutil's own share of the CPU is not used: it belongs to the thread that asked, and the first is 0.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self.spaces = DiskSpaces(places)
        self._cpu = _ticks()
        self._network = _interfaces()
        self._disks = _disks()
        self._at = time.monotonic()
        self._shown: dict[str, Any] = {}

    def sample(self) -> dict[str, Any]:
        """Now; what cannot be told is left out."""
        found: dict[str, Any] = {"uptime": time.time() - psutil.boot_time()}
        _put(found, "cpus", psutil.cpu_count())
        _put(found, "users", _users())
        if hasattr(os, "getloadavg"):
            found["load"] = list(os.getloadavg())
        memory = psutil.virtual_memory()
        found["memory_total"], found["memory_used"] = memory.total, memory.total - memory.available
        _put_swap(found)
        self._rate()
        for name in ("cpu", "network"):
            _put(found, name, self._shown.get(name))
        rows = self.spaces.rows()
        for row in rows:
            row.update(self._shown.get(_device(row.pop("device", "")), {}))
        found["disks"] = rows
        return found

    def _rate(self) -> None:
        now = time.monotonic()
        seconds = now - self._at
        if seconds < WINDOW:
            return
        cpu, network, disks = _ticks(), _interfaces(), _disks()
        self._shown = {}
        _put(self._shown, "cpu", host_readings.cpu_share(self._cpu, cpu))
        rates = host_readings.rates(self._network, network, seconds)
        if rates is not None:
            self._shown["network"] = {"received": rates[0], "sent": rates[1]}
        for name, counted in disks.items():
            rates = host_readings.rates(self._disks, {name: counted}, seconds)
            if rates is not None:
                self._shown[os.fsdecode(name)] = {"read": rates[0], "written": rates[1]}
        self._cpu, self._network, self._disks, self._at = cpu, network, disks, now


def _ticks() -> CpuTicks:
    """Hundredths of seconds of all CPUs; a guest's time is in its host's user time already."""
    times = psutil.cpu_times()._asdict()
    for name in ("guest", "guest_nice"):
        times.pop(name, None)
    total = sum(times.values())
    idle = times["idle"] + times.get("iowait", 0.0)
    return CpuTicks(round((total - idle) * 100), round(total * 100))


def _interfaces() -> dict[bytes, Bytes]:
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    found = {os.fsencode(name): Bytes(one.bytes_recv, one.bytes_sent) for name, one in counters.items()}
    if sys.platform == "darwin":
        physical = {name for name in found if name.startswith(b"en")}
    else:
        physical = physical_interfaces(str(NETWORK))
    counted = host_readings.counted_interfaces(found, physical)
    return {name: found[name] for name in counted}


def _disks() -> dict[bytes, Bytes]:
    try:
        counters = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    except (OSError, RuntimeError):  # a container may hide them
        return {}
    return {os.fsencode(name): Bytes(one.read_bytes, one.write_bytes) for name, one in counters.items()}


def _device(number: str) -> str:
    """The name psutil has for a device of "major:minor"; empty where it has none."""
    try:
        return (DEVICES / number).resolve(strict=True).name if number else ""
    except OSError:
        return ""


def _users() -> int | None:
    """People logged in; None where nobody keeps account of it, which psutil tells as nobody."""
    names = {session.name for session in psutil.users()}
    if names or sys.platform != "linux" or any(os.path.exists(path) for path in logins.UTMP):
        return len(names)
    return logins.count_users()


def _put_swap(found: dict[str, Any]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is paged in and out, where that is not told
            swap = psutil.swap_memory()
    except (OSError, RuntimeError):
        return
    found["swap_total"], found["swap_used"] = swap.total, swap.used


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        found[name] = value
