"""What watching a machine costs it on a real driver, where there is one: the probe, nvitop and nvidia-smi.

A program works on the first GPU meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bench.bench_probe import SETTLING, Cost, costs, machine_in, measure
from tests.bench.dashboards import cpu, resident
from tests.bench.place import lasting_folder
from tests.bench.report import Row
from tests.nvml import on_gpu
from workbench.remote.gpus.nvml_device import open_device
from workbench.remote.gpus.nvml_library import Library, NvmlError, load

SMI = (
    "index,uuid,name,driver_version,utilization.gpu,utilization.memory,memory.used,memory.total,temperature.gpu,"
    "power.draw,enforced.power.limit,clocks.sm,fan.speed,pstate,ecc.errors.uncorrected.volatile.total"
)
"""What others ask nvidia-smi for."""


def run() -> list[Row]:
    """Costs at 1 Hz and 10 Hz, how soon it tells and how soon it is gone."""
    library, _ = load()
    if library is None:
        return [
            Row("probe on a real driver", None, "% of a core", "<= 0.5 %", "this machine has no NVIDIA GPU")
        ]
    try:
        library.start()
        return measured(library)
    except NvmlError as error:
        return [Row("probe on a real driver", None, "% of a core", "<= 0.5 %", f"the driver says: {error}")]


def measured(library: Library) -> list[Row]:
    """The rows of a driver that works."""
    first, count = open_device(library, 0), library.count()
    name = (first.text("nvmlDeviceGetName") or "GPU").split()[-1]
    uuid = first.text("nvmlDeviceGetUUID") or ""
    machine = machine_in(lasting_folder())
    busy = [sys.executable, on_gpu.__file__, "busy", "600"]
    with subprocess.Popen(busy, stdout=subprocess.PIPE, text=True) as work:
        try:
            assert work.stdout is not None
            work.stdout.readline()
            what = f"probe, {count} real {name}, driver {library.driver_version()}"
            found = measure(what, machine, count, name, uuid)
            ours, theirs = costs(machine, 1.0, uuid), smi()
        finally:
            work.kill()
    beside = f"nvidia-smi -l 1, 15 fields: {theirs.cpu:.3g} %"
    note = f"{ours.memory:.3g} MB against {theirs.memory:.3g} MB"
    row = Row(f"{what}, 1 Hz: CPU", ours.cpu, "% of a core", "<= 0.5 %", beside, ours.cpu / theirs.cpu, note)
    return [*found, row]


def smi() -> Cost:
    """What one nvidia-smi costs that stays and prints once a second."""
    command = ["nvidia-smi", f"--query-gpu={SMI}", "--format=csv,noheader,nounits", "-l", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            time.sleep(SETTLING)
            before, began = cpu(process.pid), time.monotonic()
            time.sleep(20.0)
            share = (cpu(process.pid) - before) / (time.monotonic() - began) * 100
            return Cost(share, resident(process.pid), 0)
        finally:
            process.kill()
