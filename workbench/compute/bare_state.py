"""What the script of a machine without python has told so far, as samples. Pure: lines in, samples out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from workbench.compute.bare_script import FILES
from workbench.compute.sample_texts import cleaned
from workbench.entities.base import from_wire
from workbench.entities.sample import MachineSample
from workbench.remote.gpus.smi_table import SmiTable
from workbench.remote.gpus.smi_text import Column, problem, without_unknown
from workbench.remote.probe import host_readings
from workbench.remote.processes.process_clues import LONGEST_COMMAND, Figures, parse_figures

MOST_LINES = 5000
"""Of one of the machine's files."""
MOST_KNOWN = 4096
"""Processes that something is remembered of."""
MOST_INTERFACES = 1024


Reading = tuple[float, host_readings.CpuTicks | None, dict[bytes, host_readings.Bytes]]
"""When CPU and network were read, and what they were."""


class BareState:
    """What one script has told so far. columns: what nvidia-smi was asked for.

    fewer: the columns to ask for instead, where it does not know all of them.
    """

    def __init__(self, interval: int, columns: Sequence[Column]) -> None:
        self.fewer: Sequence[Column] | None = None
        self._interval = interval
        self._columns = columns
        self._smi = SmiTable(interval)
        self._has_gpus = False
        self._said = ""
        self._me = ""
        self._units = (4096, 100)
        """Bytes of a page, the kernel's ticks a second."""
        self._slow: dict[str, Any] = {}
        self._disks: dict[str, dict[str, Any]] = {}
        self._physical: set[bytes] = set()
        self._file: str | None = None
        self._texts: dict[str, list[bytes]] = {}
        self._time = 0.0
        self._before: Reading | None = None
        self._figures: dict[int, tuple[float, Figures]] = {}
        self._shares: dict[int, float] = {}
        self._owners: dict[int, str] = {}
        self._commands: dict[int, str] = {}

    def line(self, text: str, now: float) -> MachineSample | None:
        """Take a line; a sample when that completes one. now: seconds that only go on."""
        if not text.startswith("@"):
            lines = self._texts.get(self._file or "")
            if lines is not None and len(lines) < MOST_LINES:
                lines.append(text.encode("utf-8", "replace"))
            return None
        word, _, rest = text.partition(" ")
        if word == "@begin":
            self._time = float(rest) if is_number(rest) else self._time
            self._file, self._texts = "stat", {"stat": []}
        elif word == "@file":
            self._file = rest if rest in FILES else None
            if self._file is not None:
                self._texts[self._file] = []
        elif word == "@end":
            self._file = None
            return self._sample(now)
        else:
            self._take(word, rest, now)
        return None

    def _take(self, word: str, rest: str, now: float) -> None:
        if word == "@gpu":
            self._take_gpu(rest, now)
        elif word == "@gone":
            self._smi.error = problem(self._said)
        elif word == "@app":
            self._smi.app(rest, now)
        elif word == "@stat":
            self._take_stat(rest, now)
        elif word in ("@home", "@leases"):
            self._take_disk(word[1:], rest)
        elif word == "@users":
            self._slow["users"] = len(set(rest.split()))
        elif word == "@cpus" and is_number(rest) and 0 < int(rest) < 100000:
            self._slow["cpus"] = int(rest)
        elif word == "@units":
            units = [int(unit) for unit in rest.split() if is_number(unit) and 0 < int(unit) < 1 << 24]
            self._units = (units[0], units[1]) if len(units) == 2 else self._units
        elif word == "@physical" and len(self._physical) < MOST_INTERFACES:
            self._physical.add(rest.split("/")[-2].encode() if rest.count("/") > 2 else b"")
        elif word == "@me":
            self._me = rest
        elif word in ("@owner", "@command"):
            pid, _, told = rest.partition(" ")
            known = self._owners if word == "@owner" else self._commands
            if is_number(pid) and told.strip() and len(known) < MOST_KNOWN:
                known[int(pid)] = told.strip()[:LONGEST_COMMAND]

    def _take_gpu(self, rest: str, now: float) -> None:
        self._has_gpus = True
        if self._smi.gpu(rest, self._columns, now):
            return
        self._said = (self._said + rest + "\n")[-4096:]
        self.fewer = without_unknown(self._columns, rest) or self.fewer

    def _take_stat(self, rest: str, now: float) -> None:
        pid = rest.partition(" ")[0]
        try:
            figures = parse_figures(rest.encode("utf-8", "replace")) if is_number(pid) else None
        except ValueError:
            return
        before = self._figures.get(int(pid)) if figures is not None else None
        if figures is None or (before is None and len(self._figures) >= MOST_KNOWN):
            return
        if before is None or before[1].start != figures.start:
            self._shares.pop(int(pid), None)
        elif now > before[0]:
            used = (figures.ticks - before[1].ticks) / self._units[1]
            self._shares[int(pid)] = max(0.0, 100.0 * used / (now - before[0]))
        self._figures[int(pid)] = (now, figures)

    def _take_disk(self, role: str, rest: str) -> None:
        found = re.search(r"\s(\d{1,18})\s+\d+\s+(\d{1,18})\s+\S+\s+(/.*)$", rest)
        if found is None:
            return
        total, free, path = int(found.group(1)) << 10, int(found.group(2)) << 10, found.group(3)
        for row in self._disks.values():
            row["roles"] = [one for one in row["roles"] if one != role]
        row = self._disks.setdefault(path, {"path": path, "roles": []})
        row.update(total=total, free=free, roles=[*row["roles"], role])
        self._disks = {path: row for path, row in self._disks.items() if row["roles"]}

    def _sample(self, now: float) -> MachineSample:
        host = self._host(now)
        sample = {
            "time": self._time,
            "every": float(self._interval),
            "host": host,
            "driver": self._smi.driver() if self._has_gpus else {},
            "gpus": self._smi.rows(now, self._interval),
            "processes": self._processes(now, host.get("uptime")),
        }
        return from_wire(MachineSample, cleaned(sample))

    def _host(self, now: float) -> dict[str, Any]:
        texts = {name: b"\n".join(lines) for name, lines in self._texts.items()}
        found: dict[str, Any] = dict(self._slow)
        meminfo = host_readings.parse_meminfo(texts.get("meminfo"))
        for name, memory in (
            ("memory", host_readings.memory_of(meminfo)),
            ("swap", host_readings.swap_of(meminfo)),
        ):
            if memory is not None:
                found[name + "_total"], found[name + "_used"] = memory.total, memory.used
        cpu = host_readings.parse_cpu(texts.get("stat"))
        network = host_readings.parse_interfaces(texts.get("net/dev"))
        counted = host_readings.counted_interfaces(network, self._physical)
        network = {name: network[name] for name in counted}
        values: dict[str, Any] = {
            "load": host_readings.parse_load(texts.get("loadavg")),
            "uptime": host_readings.parse_seconds(texts.get("uptime")),
        }
        if self._before is not None:
            at, old_cpu, old_network = self._before
            values["cpu"] = host_readings.cpu_share(old_cpu, cpu)
            rates = host_readings.rates(old_network, network, now - at)
            if rates is not None:
                values["network"] = {"received": rates[0], "sent": rates[1]}
        self._before = (now, cpu, network)
        found.update({name: value for name, value in values.items() if value is not None})
        found["disks"] = list(self._disks.values())
        return found

    def _processes(self, now: float, uptime: float | None) -> list[dict[str, Any]]:
        uses = self._smi.uses(now)
        for known in (self._figures, self._shares):
            for gone in [pid for pid in known if pid not in uses]:
                del known[gone]
        for told in (self._owners, self._commands):
            if len(told) > MOST_KNOWN // 2:  # not before: they are told once
                for gone in [pid for pid in told if pid not in uses]:
                    del told[gone]
        return [self._process(pid, gpus, uptime) for pid, gpus in sorted(uses.items())]

    def _process(self, pid: int, gpus: list[dict[str, Any]], uptime: float | None) -> dict[str, Any]:
        row: dict[str, Any] = {"pid": pid, "gpus": gpus}
        if pid in self._owners:
            row.update(user=self._owners[pid], mine=self._owners[pid] == self._me)
        if pid in self._commands:
            row["command"] = self._commands[pid]
        if pid in self._shares:
            row["cpu"] = self._shares[pid]
        if pid in self._figures:
            figures = self._figures[pid][1]
            row.update(start=figures.start, memory=figures.pages * self._units[0])
            if uptime is not None:
                row["age"] = max(0.0, uptime - figures.start / self._units[1])
        return row


def is_number(word: str) -> bool:
    """Whether it is a whole number of a size that any of those told of has."""
    return word.isascii() and word.isdigit() and len(word) < 12
