"""A fleet with every kind of trouble, and a large one that is well."""

from __future__ import annotations

from typing import Any

from tests.faces.fixed_runs import ago
from tests.faces.tui.world_views import (
    A100,
    A6000,
    GIB,
    RTX4090,
    TIME,
    alert,
    eight,
    gpu,
    host,
    process,
    run,
    uuids,
    view,
)


def busy_machines() -> Any:
    """Three whose GPUs are all held and used."""
    busy = [97, 96, 98, 100, 97, 95, 99, 88]
    found = {
        name: view(name, eight(name, [util - number % 5 for util in busy]))
        for number, name in enumerate(["dgx-01", "dgx-03", "dgx-04"])
    }
    for name in found:
        found[name]["held"] = dict.fromkeys(uuids(name, *range(8)), "run-80")
    return list(found.values())


def stalled_machine() -> Any:
    """One GPU held and idle, one too hot, a disk that is nearly full."""
    stalled = view(
        "dgx-02",
        eight("dgx-02", [97, 96, 0, 98, 95, 97, 99, 96]),
        host=host(disks=[{"path": "/", "roles": ["root"], "total": 1000 * GIB, "free": 15 * GIB}]),
    )
    stalled["sample"]["gpus"][2].update(memory_used=55 * GIB)
    stalled["sample"]["gpus"][3].update(temperature=87.0, throttle=["hardware thermal"])
    stalled["runs"] = {
        "run-80": run("run-80", uuids("dgx-02", 0, 1, 3)),
        "run-81": run("run-81", uuids("dgx-02", 2)),
    }
    stalled["held"] = {**dict.fromkeys(uuids("dgx-02", *range(8)), "run-80"), "GPU-dgx-02-2": "run-81"}
    stalled["alerts"] = [
        alert("dgx-02", "held-idle", "gpu2 idle 14m, held by run-81", gpu="GPU-dgx-02-2"),
        alert("dgx-02", "disk-full", "15 GB left where runs are kept", "bad"),
    ]
    return stalled


def lost_gpu() -> Any:
    """A GPU that fell off its bus."""
    return view(
        "lab-7",
        [
            gpu("lab-7", 0, 40, 9, RTX4090, 24, power_limit=450.0),
            {
                "uuid": "GPU-lab-7-1",
                "index": 1,
                "name": RTX4090,
                "error": "lost",
                "xid": {"code": 79, "time": TIME},
            },
        ],
        host=host(cpu=9.0, memory_total=128 * GIB, memory_used=25 * GIB),
    )


def silent_machines() -> Any:
    """Two that were not heard of for a while: late, and lost."""
    box = view(
        "box-4", [gpu("box-4", index, 60, 30, A6000, 48) for index in range(4)], freshness="late", age=8.0
    )
    old = view(
        "box-5",
        [gpu("box-5", index, 60, 30, A6000, 48) for index in range(4)],
        state="connecting",
        freshness="lost",
        age=95.0,
        problem="it does not answer",
        retry=ago(seconds=-12),
    )
    return box, old


def divided_machine() -> Any:
    """A card that is divided into instances."""
    return view(
        "mig-1",
        [
            {
                "uuid": "GPU-mig-1-0",
                "index": 0,
                "name": A100,
                "mig": True,
                "memory_total": 80 * GIB,
                "memory_used": 20 * GIB,
                "temperature": 41.0,
                "power": 120.0,
                "power_limit": 400.0,
            },
            *(
                {
                    "uuid": f"MIG-mig-1-{part}",
                    "index": part,
                    "parent": "GPU-mig-1-0",
                    "name": f"{A100} MIG 1g.10gb",
                    "memory_total": 10 * GIB,
                    "memory_used": part * GIB,
                }
                for part in range(7)
            ),
        ],
    )


def driverless_machine() -> Any:
    """One whose driver was upgraded under its kernel module."""
    return view(
        "no-smi",
        [{"uuid": "GPU-no-smi-0"}],
        host={},
        driver={
            "error": "driver 570.124 was upgraded under kernel module 550.54: runs go on, new ones fail; reboot"
        },
    )


def idle_machines() -> Any:
    """One that others use a little, one that is drained, one without GPUs."""
    free = view(
        "spare-9",
        eight("spare-9", [0] * 8, A100),
        [process(77, [("GPU-spare-9-0", 3.0, 12.0)], user="bob", mine=False)],
    )
    free["sample"]["gpus"][0].update(utilisation=12.0, memory_used=3 * GIB)
    drained = view(
        "old-3",
        [gpu("old-3", 0, 0, 0.1, "Tesla V100-SXM2-32GB", 32)],
        cordon={"drain": False, "reason": "a new fan", "by": "ann"},
    )
    cpus = view("cpu-1", [], driver={}, host=host(cpu=92.0))
    return free, drained, cpus


def evil_machine() -> Any:
    """One that says what no terminal may be told."""
    evil = view(
        "evil",
        [gpu("evil", 0, 12, 1, "\x1b]0;pwned\x07NVIDIA \x1b[31mH100\u202e evil", 80)],
        [process(1, [("GPU-evil-0", 1.0, 3.0)], user="\x1b[2Jroot", command="rm\n\x1b[31m -rf")],
    )
    evil["alerts"] = [alert("evil", "x\x1b[2J", "line one\nline two \x1b[31mred\u202e")]
    return evil


def fleet_views() -> dict[str, dict[str, Any]]:
    """A fleet with every kind of trouble."""
    never = {
        "name": "new-1",
        "state": "connecting",
        "freshness": "never",
        "runs": {},
        "held": {},
        "alerts": [],
    }
    found = [*busy_machines(), stalled_machine(), lost_gpu(), *silent_machines(), divided_machine()]
    found += [driverless_machine(), *idle_machines(), evil_machine(), never]
    return {item["name"]: item for item in found}


def large_fleet(count: int = 200) -> dict[str, dict[str, Any]]:
    """Many machines of eight GPUs, all well."""
    found = {}
    for number in range(count):
        name = f"node-{number:03}"
        utils = [(number * 37 + index * 53) % 101 for index in range(8)]
        found[name] = view(
            name,
            eight(name, [float(util) for util in utils]),
            held=dict.fromkeys(uuids(name, *range(6)), "run-80"),
        )
    return found
