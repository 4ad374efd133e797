"""What a busy machine's probe says, made by the code that runs there: 8 GPUs, 30 processes, most figures moving."""

from __future__ import annotations

import json
import random
from typing import Any

from workbench.remote.probe.sample_sending import Sender

GPUS = 8
PROCESSES = 30
GIB = 1 << 30


def messages(count: int, seed: int = 1) -> list[bytes]:
    """A probe's messages, the first in full; they may be said again from the beginning."""
    roll, sender = random.Random(seed), Sender()
    made = []
    for tick in range(count):
        message = sender.message(sample(roll, 1_790_000_000.0 + tick))
        made.append(json.dumps(message, separators=(",", ":")).encode("ascii"))
    return made


def sample(roll: random.Random, time: float) -> dict[str, Any]:
    """One tick: the machine is busy, so what can move does."""
    disks = [
        {"path": path, "roles": [role], "kind": "ext4", "total": 4000 * GIB, "free": 900 * GIB, "read": 1e6, "written": 2e6}
        for path, role in (("/", "home"), ("/data", "root"))
    ]  # fmt: skip
    host = {
        "cpus": 128, "cpu": roll.uniform(20, 40), "load": [31.2, 30.1, 29.0], "memory_total": 2048 * GIB,
        "memory_used": roll.randrange(800, 820) * GIB, "swap_total": 0, "swap_used": 0, "uptime": time - 1.7e9, "users": 4,
        "network": {"received": roll.uniform(1e6, 2e9), "sent": roll.uniform(1e6, 2e9)}, "disks": disks,
    }  # fmt: skip
    gpus = [
        {
            "uuid": f"GPU-3f6a1b2c-0000-4000-8000-{n:012d}", "index": n, "name": "NVIDIA H100 80GB HBM3", "bus": f"0000:{n:02x}:00.0",
            "utilisation": roll.randrange(80, 101), "memory_utilisation": roll.randrange(30, 60), "memory_total": 80 * GIB,
            "memory_used": 66 * GIB + roll.randrange(64) * (1 << 20), "memory_reserved": 551 << 20, "temperature": roll.randrange(60, 70),
            "memory_temperature": roll.randrange(70, 80), "power": roll.randrange(600, 700), "power_limit": 700.0,
            "sm_clock": roll.randrange(1900, 1980, 15), "sm_clock_max": 1980, "memory_clock": 2619, "memory_clock_max": 2619,
            "performance_state": 0, "throttle": [], "ecc_corrected": 0, "ecc_uncorrected": 0, "mig": False,
            "remapped": {"corrected": 0, "uncorrected": 0, "pending": False, "failed": False},
            "pcie_generation": 5, "pcie_width": 16, "compute_mode": "default",
        }
        for n in range(GPUS)
    ]  # fmt: skip
    processes = [
        {
            "pid": 4000 + n, "start": 100_000 + n, "user": "ann", "command": f"python train.py --lr 3e-4 --rank {n}",
            "gpus": [{"gpu": gpus[n % GPUS]["uuid"], "memory": 16 * GIB, "utilisation": roll.randrange(80, 101)}],
            "cpu": roll.uniform(90, 110), "memory": 8 * GIB, "age": time - 1.789e9, "run": "01HZZZZZZZZZZZZZZZZZZZZZZZ",
            "found_by": "cgroup", "mine": True,
        }
        for n in range(PROCESSES)
    ]  # fmt: skip
    driver = {"version": "570.124.06", "cuda": "12.8", "source": "nvml"}
    return {"time": time, "every": 1.0, "host": host, "driver": driver, "gpus": gpus, "processes": processes}
