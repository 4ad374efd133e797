"""A machine itself in one line, and its GPUs one line each. Pure: JSON of machine views in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any

from workbench.text import durations, sizes
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import filled
from workbench.text.tables import Cell
from workbench.views import alerts as alert_look
from workbench.views import gpus as look
from workbench.views.fleet import BY_HAND, degrees, disk_of, is_low, percent, share, watts
from workbench.views.gpus import View

MEMORY_BAR = 7
"""Cells of the bar of a GPU's memory."""
TOLD = ("gpu-lost", "gpu-hung", "gpu-error", "xid", "ecc", "row-remap", "throttled")
"""Rules whose finding a GPU's own figures say already."""
RATE_NOTHING = 1024.0
"""Bytes a second below which a line is idle: what moves is noise."""


def facts(view: View, plain: bool, cpu_trail: Sequence[float | None] = ()) -> list[tuple[str, Cell]]:
    """What the machine's line says, by name: ("CPU", "28%"); what is not known is left out."""
    sample = view.get("sample") or {}
    host, driver = sample.get("host") or {}, sample.get("driver") or {}
    found: list[tuple[str, Cell]] = []

    def say(name: str, text: str, role: str = "") -> None:
        found.append((name, Cell(text, role)))

    uptime = finite(host.get("uptime"))
    if uptime is not None:
        say("up", _uptime(uptime))
    if driver.get("version"):
        say("driver", clean_name(str(driver["version"]), 20))
    if driver.get("cuda"):
        say("CUDA", clean_name(str(driver["cuda"]), 10))
    if driver.get("source") == BY_HAND and sample.get("gpus"):
        say("queue", "does not give AMD's GPUs out", "quiet")
    load = host.get("load") or []
    if load and finite(load[0]) is not None:
        cpus = finite(host.get("cpus"))
        say("load", f"{finite(load[0]):.1f}" + (f"/{cpus:.0f}" if cpus is not None else ""))
    if finite(host.get("cpu")) is not None or cpu_trail:
        trail = f"{braille(cpu_trail, 8, plain)} " if cpu_trail else ""
        say("CPU", f"{trail}{share(finite(host.get('cpu')))}")
    if finite(host.get("memory_total")) is not None:
        say("RAM", _of(host.get("memory_used"), host.get("memory_total")), _full(host, "memory"))
    if finite(host.get("swap_used")):
        say("swap", _of(host.get("swap_used"), host.get("swap_total")))
    disk = disk_of(host)
    if disk is not None and finite(disk.get("free")) is not None:
        low = is_low(disk)
        say("disk", f"{sizes.tight(finite(disk.get('free')))} free{'!' if low else ''}", "bad" if low else "")
    network = host.get("network") or {}
    if network:
        say("net", f"{rate(network.get('received'))}/{rate(network.get('sent'))}")
    if finite(host.get("users")) is not None:
        say("users", f"{finite(host.get('users')):.0f}")
    return found


def _uptime(seconds: float) -> str:
    return f"{seconds / 86400:.0f}d" if seconds >= 172800 else durations.short(seconds // 60 * 60)


def _of(used: Any, total: Any) -> str:
    """Used of all, the unit said once: 812/2048G; "-" for what is not known."""
    used, total = finite(used), finite(total)
    if total is None:
        return f"{sizes.tight(used)}/-"
    step, unit = (1 << 30, "G") if total >= 1 << 30 else (1 << 20, "M")
    return f"{'-' if used is None else f'{used / step:.0f}'}/{total / step:.0f}{unit}"


def _full(host: Mapping[str, Any], key: str) -> str:
    used = percent(host.get(f"{key}_used"), host.get(f"{key}_total"))
    return "warn" if used is not None and used >= 95 else ""


def rate(value: Any) -> str:
    """Bytes a second without the second: 2.1G; 0 for what is next to nothing."""
    found = finite(value)
    return "0" if found is not None and found < RATE_NOTHING else sizes.tight(found)


def braille(trail: Sequence[float | None], cells: int, plain: bool) -> str:
    """A trail of percent, the newest at the right; gaps are gaps."""
    return filled([nan if value is None else value for value in trail], cells, ascii_only=plain)


# GPUs


def memory_bar(gpu: Mapping[str, Any], plain: bool) -> str:
    """Memory as a bar and figures: "▇▇▇▇▇▇░ 66/80G"."""
    used, total = finite(gpu.get("memory_used")), finite(gpu.get("memory_total"))
    if used is None or not total:
        return sizes.tight(used)
    lit = max(0, round(min(MEMORY_BAR, MEMORY_BAR * used / total)))
    signs = ("#", ".") if plain else ("▇", "░")
    return f"{signs[0] * lit}{signs[1] * (MEMORY_BAR - lit)} {_of(used, total)}"


def power(gpu: Mapping[str, Any]) -> str:
    """Watts of the limit: 640/700."""
    limit = finite(gpu.get("power_limit"))
    used = watts(finite(gpu.get("power")))
    return used if limit is None else f"{used}/{watts(limit)}"


def traffic(gpu: Mapping[str, Any], key: str = "pcie") -> str:
    """Received and sent: 2.1G/812M; "-" where it was not looked at."""
    found = gpu.get(key) or {}
    if not found:
        return "-"
    return f"{rate(found.get('received'))}/{rate(found.get('sent'))}"


def clock(gpu: Mapping[str, Any]) -> str:
    """MHz of its SMs."""
    return degrees(finite(gpu.get("sm_clock")))


def flags(gpu: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], now: datetime) -> list[Cell]:
    """What is to be said of a GPU beside its figures, the worst first; alerts: those about it."""
    said = []
    if gpu.get("error"):
        said.append(Cell(clean_name(str(gpu["error"]), 60).upper(), "bad"))
    said += _xids(gpu, alerts)
    rows = gpu.get("remapped") or {}
    if rows.get("failed") or rows.get("pending"):
        said.append(Cell("REMAP FAILED" if rows.get("failed") else "REMAP PENDING", "bad"))
    if finite(gpu.get("ecc_uncorrected")):
        said.append(Cell(f"ECC {finite(gpu.get('ecc_uncorrected')):.0f}", "bad"))
    told = [alert for alert in alerts if alert.get("rule") not in TOLD]
    said += [Cell(f"{_rule(alert)} {alert_look.age(alert, now)}", _role(alert)) for alert in told]
    said += [Cell(_short(word), "warn") for word in look.held_back(gpu)]
    if finite(gpu.get("age")) is not None:
        said.append(Cell(f"{durations.age(finite(gpu.get('age')))} old", "warn"))
    if gpu.get("mig"):
        said.append(Cell("MIG", "quiet"))
    if "power cap" in (gpu.get("throttle") or ()):
        said.append(Cell("power cap", "quiet"))
    return said


def _xids(gpu: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """Errors of the driver: those that call, of which a later probe knows nothing, and the last one."""
    called = {str(alert.get("about")): alert for alert in alerts if alert.get("rule") == "xid"}
    said = [Cell(f"XID {clean_name(about, 8)}", _role(alert)) for about, alert in called.items()]
    last = finite((gpu.get("xid") or {}).get("code"))
    if last is not None and f"{last:.0f}" not in called:
        said.append(Cell(f"XID {last:.0f}", "bad" if gpu.get("error") else "warn"))
    return said


def _rule(alert: Mapping[str, Any]) -> str:
    return clean_name(str(alert.get("rule") or ""), 24).upper()


def _short(reason: str) -> str:
    """Why clocks are held back, as a flag: HW-THERMAL, SW-THERMAL, POWER-BRAKE."""
    return reason.replace("hardware ", "hw-").replace("software ", "sw-").replace(" ", "-").upper()


def _role(alert: Mapping[str, Any]) -> str:
    return "bad" if alert.get("severity") == "bad" else "warn"
