"""Machines as `compute.watch` describes them, in every state there is: scripted, the same at every look."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from copy import deepcopy
from typing import Any

from tests.faces.fixed_runs import NOW, ago
from tests.faces.tui.world_queue import FINCH, OTTER, QUEUE
from workbench.entities.merge_patch import merged

GIB = 1 << 30
TIME = NOW.timestamp()
H100, A100, RTX4090, A6000 = (
    "NVIDIA H100 80GB HBM3",
    "NVIDIA A100-SXM4-80GB",
    "NVIDIA GeForce RTX 4090",
    "NVIDIA RTX A6000",
)


def gpu(
    machine: str,
    index: int,
    util: float | None,
    used: float | None = 55,
    name: str = H100,
    total: float | None = 80,
    **fields: Any,
) -> dict[str, Any]:
    """A GPU; memory in GiB. What is None is absent."""
    found = {
        "uuid": f"GPU-{machine}-{index}",
        "index": index,
        "name": name,
        "utilisation": util,
        "memory_total": None if total is None else int(total * GIB),
        "memory_used": None if used is None else int(used * GIB),
        "temperature": None if util is None else 38 + util * 0.3,
        "power": None if util is None else 80 + util * 5.6,
        "power_limit": 700.0,
        "sm_clock": None if util is None else 345 + util * 16,
        "pcie": {"received": 2.1 * GIB, "sent": 0.8 * GIB} if util else {"received": 0.0, "sent": 0.0},
        "throttle": [],
        **fields,
    }
    return {key: value for key, value in found.items() if value is not None}


def process(
    pid: int, gpus: list[tuple[str, float | None, float | None]], run: str | None = None, **fields: Any
) -> dict[str, Any]:
    """A process; gpus: UUID, memory in GiB, SM %."""
    uses = [
        {
            "gpu": uuid,
            **({} if memory is None else {"memory": int(memory * GIB)}),
            **({} if sm is None else {"utilisation": sm}),
        }
        for uuid, memory, sm in gpus
    ]
    found = {
        "pid": pid,
        "start": 100 + pid,
        "user": "ann",
        "command": "python train.py --lr 3e-4",
        "gpus": uses,
        "cpu": 101.0,
        "memory": int(8.1 * GIB),
        "age": 10920.0,
        "run": run,
        "found_by": "cgroup" if run else None,
        "mine": True,
        **fields,
    }
    return {key: value for key, value in found.items() if value is not None}


def host(**fields: Any) -> dict[str, Any]:
    """A host with nothing absent."""
    return {
        "cpus": 128,
        "cpu": 28.0,
        "load": [31.2, 30.0, 28.5],
        "memory_total": 2048 * GIB,
        "memory_used": 812 * GIB,
        "swap_total": 8 * GIB,
        "swap_used": 0,
        "uptime": 41 * 86400.0,
        "users": 3,
        "network": {"received": 2.1 * GIB, "sent": 0.1 * GIB},
        "disks": [
            {
                "path": "/home",
                "roles": ["root", "home"],
                "kind": "ext4",
                "total": 4000 * GIB,
                "free": 1560 * GIB,
                "read": 1e6,
                "written": 5e6,
            }
        ],
        **fields,
    }


def view(
    name: str, gpus: list[dict[str, Any]], processes: list[dict[str, Any]] | None = None, **fields: Any
) -> dict[str, Any]:
    """A machine that answers; `host` and `driver` replace those of its sample."""
    sample = {
        "time": TIME,
        "every": 1.0,
        "host": fields.pop("host", host()),
        "driver": fields.pop("driver", {"version": "570.124.06", "cuda": "12.8", "source": "nvml"}),
        "gpus": gpus,
        "processes": processes or [],
        **fields.pop("sample", {}),
    }
    return {
        "name": name,
        "state": "connected",
        "freshness": "fresh",
        "age": 0.2,
        "sample": sample,
        "runs": {},
        "held": {},
        "alerts": [],
        **fields,
    }


def run(name: str, gpus: list[str], **fields: Any) -> dict[str, Any]:
    """A run as a view knows it."""
    return {
        "name": name,
        "experiment": "mnist",
        "status": "Running",
        "user": "ann",
        "gpus": gpus,
        "started": ago(hours=3),
        **fields,
    }


def alert(target: str, rule: str, text: str, severity: str = "warn", **fields: Any) -> dict[str, Any]:
    """An alert of a rule."""
    return {
        "rule": rule,
        "target": target,
        "severity": severity,
        "text": text,
        "advice": "look at it",
        "since": ago(minutes=14),
        **fields,
    }


def eight(machine: str, utils: list[float | None], name: str = H100, **fields: Any) -> list[dict[str, Any]]:
    """Eight GPUs of a machine."""
    return [
        gpu(machine, index, util, 55 if util else 0.4, name, **fields) for index, util in enumerate(utils)
    ]


def uuids(machine: str, *indices: int) -> list[str]:
    return [f"GPU-{machine}-{index}" for index in indices]


def gpu1() -> dict[str, Any]:
    """Four A100: a run on two, somebody else on one, one free."""
    gpus = [
        gpu("gpu1", 0, 38, 12.4, A100),
        gpu("gpu1", 1, 0, 0.4, A100),
        gpu("gpu1", 2, 97, 66, A100),
        gpu("gpu1", 3, 88, 44, A100, temperature=87, throttle=["hardware thermal"]),
    ]
    processes = [
        process(4711, [("GPU-gpu1-2", 33.0, 96.0), ("GPU-gpu1-3", 22.0, 80.0)], OTTER),
        process(4712, [("GPU-gpu1-2", 32.0, None), ("GPU-gpu1-3", 21.0, None)], OTTER, cpu=310.0),
        process(
            5120,
            [("GPU-gpu1-0", 10.0, 36.0)],
            None,
            user="bob",
            command=None,
            mine=False,
            age=90000.0,
            cpu=102.0,
            memory=3 * GIB,
        ),
        process(
            6001,
            [("GPU-gpu1-0", 2.0, None)],
            None,
            command="python -m http.server",
            age=700.0,
            cpu=0.0,
            memory=40 << 20,
        ),
    ]
    return view(
        "gpu1",
        gpus,
        processes,
        runs={OTTER: run("calm-otter-42", uuids("gpu1", 2, 3))},
        held={"GPU-gpu1-2": OTTER, "GPU-gpu1-3": OTTER},
    )


def world_views() -> dict[str, dict[str, Any]]:
    """The machines of the fixed world: one well, one not heard of, one never heard of, this one."""
    stale = view(
        "dgx-02",
        eight("dgx-02", [95, 97, 0, 0, 96, 94, 0, 0], A100),
        state="unreachable",
        problem="no answer for 3 minutes; trying again in 20 s",
        freshness="lost",
        age=180.0,
    )
    stale["runs"] = {FINCH: run("warm-finch-37", uuids("dgx-02", 0, 1, 4, 5), experiment="imagenet")}
    local = view(
        "local",
        [],
        host={"cpus": 8, "cpu": 12.0, "memory_total": 16 * GIB, "memory_used": 9 * GIB, "uptime": 90000.0},
        driver={},
        state="connected",
    )
    return {
        "gpu1": gpu1(),
        "dgx-02": stale,
        "lab-7": {
            "name": "lab-7",
            "state": "needs sign-in",
            "problem": "it wants a password and a code",
            "freshness": "never",
            "runs": {},
            "held": {},
            "alerts": [],
        },
        "local": local,
    }


def wave(name: str, index: int) -> float:
    """A figure of a history."""
    unit = GIB if name == "memory" or name.endswith(":memory") else 1
    return (50 + 45 * math.sin(index / 6 + len(name) + sum(map(ord, name)) % 7)) * unit


class ViewServices:
    """`compute.watch`, `compute.sample`, `compute.history`, and what may be done to processes."""

    def __init__(self) -> None:
        super().__init__()
        self.machines = world_views()
        self.watching: list[tuple[list[str], str, asyncio.Queue[Any]]] = []
        self.ended: list[dict[str, Any]] = []
        self.queue = deepcopy(QUEUE)
        self.changes: list[tuple[str, list[str], dict[str, Any]]] = []
        self.unmoved: set[str] = set()

    async def compute_watch(
        self, names: list[str] | None = None, looking: str = "visible"
    ) -> AsyncGenerator[Any, None]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        entry = (list(names or []), looking, queue)
        self.watching.append(entry)
        try:
            yield {
                "machines": {name: item for name, item in self.machines.items() if not names or name in names}
            }
            while True:
                yield await queue.get()
        finally:
            self.watching.remove(entry)

    def measured(self, name: str, /, **patch: Any) -> None:
        """Other figures of a machine, to all who watch it."""
        self.machines[name] = merged(self.machines.get(name, {}), patch)
        for names, _, queue in self.watching:
            if not names or name in names:
                queue.put_nowait({"patch": {name: patch}})

    def compute_sample(self, name: str) -> Any:
        return self.machines[name]

    def compute_history(
        self, name: str, series: list[str], seconds: float = 600, points: int = 300, bounds: bool = False
    ) -> Any:
        known = self.machines.get(name, {}).get("sample")
        step = seconds / points
        values = {
            item: [
                None if not known or points // 3 <= at < points // 3 + 3 else wave(item, at)
                for at in range(points)
            ]
            for item in series
        }
        found = {"start": TIME - seconds, "step": step, "series": values}
        if bounds:
            found["low"] = {
                name: [None if value is None else value - 3 for value in series]
                for name, series in values.items()
            }
            found["high"] = {
                name: [None if value is None else value + 3 for value in series]
                for name, series in values.items()
            }
        return found

    def queue_machines(self, target: str | None = None) -> Any:
        machines = [
            {"target": "gpu1", "running": 1, "waiting": 2},
            {"target": "dgx-02", "problem": "no answer for 3 minutes"},
        ]
        return [item for item in machines if target in (None, item["target"])]

    def queue_list(self, target: str | None = None) -> Any:
        return [dict(item) for item in self.queue if target in (None, item["target"])]

    def _queue_change(self, method: str, runs: list[str], **change: Any) -> Any:
        self.changes.append((method, runs, change))
        return {
            "changed": [run for run in runs if run not in self.unmoved],
            "refused": {run: "it runs already" for run in runs if run in self.unmoved},
        }

    def queue_hold(self, runs: list[str]) -> Any:
        for item in self.queue:
            if item["run"] in runs:
                item.update(state="held", position=None, reason="on hold")
        return self._queue_change("hold", runs)

    def queue_release(self, runs: list[str]) -> Any:
        return self._queue_change("release", runs)

    def queue_move(self, runs: list[str], place: str, other: str | None = None) -> Any:
        return self._queue_change("move", runs, place=place, other=other)

    def queue_priority(self, runs: list[str], priority: int) -> Any:
        return self._queue_change("priority", runs, priority=priority)

    def compute_end_process(self, name: str, pid: int, start: int, signal: str = "TERM") -> Any:
        self.ended.append({"name": name, "pid": pid, "start": start, "signal": signal})
        return {"ended": True}
