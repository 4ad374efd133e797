"""Processes through psutil alone, for a machine without /proc: those on GPUs and those of runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import psutil

from workbench.remote.forms.protocol import valid_run_id
from workbench.remote.forms.record_form import ENV_RUN_ID
from workbench.remote.probe.process_census import YOUNG
from workbench.remote.probe.process_sampling import CPU_WINDOW, MOST, size
from workbench.remote.processes.process_clues import LONGEST_COMMAND
from workbench.remote.processes.process_runs import Claim, Clues, Known, run_of
from workbench.remote.processes.process_trees import ENV_GUARD

LOOK = 1.0
"""Seconds between two looks for new processes of runs."""
Uses = Mapping[int, list[dict[str, Any]]]


class PortableProcesses:
    """As `ProcessSampler`; cgroups and containers are Linux's, so they tell nothing here."""

    note: str | None = None

    def __init__(self) -> None:
        self._known = Known(os.getuid())
        self._seen: dict[int, psutil.Process] = {}
        self._claims: dict[int, Claim] = {}
        self._young: set[int] = set()
        self._looked = float("-inf")
        self._shares: dict[int, tuple[float, float, float | None]] = {}

    def sample(self, gpu_uses: Uses) -> list[dict[str, Any]]:
        """The biggest first, with the fields of entities' ProcessSample."""
        now = time.monotonic()
        if now - self._looked >= LOOK:
            self._look()
            self._looked = now
        found = []
        for pid in {*gpu_uses, *self._claims}:
            row = self._row(pid, now) or ({"pid": pid} if pid in gpu_uses else None)
            if row is not None:
                found.append({**row, "gpus": list(gpu_uses.get(pid, ()))})
        return sorted(found, key=size, reverse=True)[:MOST]

    def _look(self) -> None:
        present = set(psutil.pids())
        living = {pid for pid, process in self._seen.items() if pid in present and process.is_running()}
        for pid in set(self._seen) - living:
            del self._seen[pid]
            self._known.forget({pid})
            self._claims.pop(pid, None)
        due = present.difference(self._seen) | self._young
        self._young = set()
        new = []
        for pid in due:
            try:
                self._seen[pid] = process = psutil.Process(pid)
                if time.time() - process.create_time() < YOUNG:
                    self._young.add(pid)
                new.append(_clues(process))
            except (psutil.Error, OSError):  # it ended in between, or is not ours to look at
                continue
        for clues in new:
            self._known.note(clues)
        for clues in sorted(new, key=lambda clues: clues.start):
            keeper = self._known.note(clues)
            claim = run_of(clues, self._known)
            self._claims.pop(clues.pid, None)
            if claim is not None and not keeper:
                self._claims[clues.pid] = self._known.claims[clues.pid] = claim

    def _row(self, pid: int, now: float) -> dict[str, Any] | None:
        process = self._seen.get(pid)
        try:
            if process is None:
                process = self._seen[pid] = psutil.Process(pid)
            with process.oneshot():
                found: dict[str, Any] = {"pid": pid, "user": process.username()}
                found["age"] = max(0.0, time.time() - process.create_time())
                found["mine"] = process.uids().effective == os.getuid()
                self._put_figures(found, process, now)
        except (psutil.Error, OSError):
            return None
        claim = self._claims.get(pid)
        if claim is not None:
            found["run"], found["found_by"] = claim
        return found

    def _put_figures(self, found: dict[str, Any], process: psutil.Process, now: float) -> None:
        """What a system may keep for the owner of the process."""
        try:
            if found["mine"]:
                found["command"] = " ".join(process.cmdline())[:LONGEST_COMMAND] or f"[{process.name()}]"
            found["memory"] = process.memory_info().rss
            times = process.cpu_times()
        except psutil.AccessDenied:
            return
        share = self._share(process.pid, now, times.user + times.system)
        if share is not None:
            found["cpu"] = share

    def _share(self, pid: int, now: float, used: float) -> float | None:
        at, before, share = self._shares.get(pid, (now, used, None))
        if now - at >= CPU_WINDOW:
            at, before, share = now, used, max(0.0, 100.0 * (used - before) / (now - at))
        self._shares[pid] = (at, before, share)
        return share


def _clues(process: psutil.Process) -> Clues:
    """What a process's run can be told by; raises psutil.Error or OSError when it is gone."""
    pid, uid = process.pid, process.uids().effective
    try:
        environment = process.environ() if uid == os.getuid() else {}
    except psutil.AccessDenied:
        environment = {}
    run, guard = environment.get(ENV_RUN_ID), environment.get(ENV_GUARD)
    return Clues(
        pid=pid,
        start=round(process.create_time() * 100),
        uid=uid,
        group=os.getpgid(pid),
        session=os.getsid(pid),
        cgroup="",
        run=run if valid_run_id(run) else None,
        guard=guard if valid_run_id(guard) else None,
        chain=[parent.pid for parent in process.parents()],
    )
