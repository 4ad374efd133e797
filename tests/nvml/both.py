"""A program on a scripted NVML: what the probe's own reading and pynvml's tell of the same GPU in each case.

`python -m tests.nvml.both SCRIPT`: cases as JSON lines on its input, their readings on its output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.nvml.script import Script
from workbench.compute.local_gpus import Drivers, GpuLost, LocalGpu
from workbench.remote.gpus.gpu_reading import GpuReader
from workbench.remote.gpus.nvml_device import open_device
from workbench.remote.gpus.nvml_library import Library, NvmlError

LOOKS_AGAIN = 0.01
"""Seconds after which the library looks at its script again."""


def by_probe(library: Library) -> Any:
    """What the probe reads of the first GPU."""
    try:
        reader = GpuReader(open_device(library, 0), 0, "GPU-unknown-0")
        reader.read(time.monotonic())
        reader.read_rates(time.monotonic())
        return {"rows": reader.rows(), "uses": reader.uses()}
    except NvmlError as error:
        return {"error": error.words}


def by_pynvml() -> Any:
    """What pynvml reads of it."""
    try:
        gpu = LocalGpu(0)
        rows = gpu.read()
        rows[0] = {**rows[0], **gpu.read_rates()}
        return {"rows": rows, "uses": gpu.uses}
    except GpuLost as error:
        return {"error": str(error)}


def main(path: Path) -> None:
    """Read each case with both."""
    library = Library(os.environ["WORKBENCH_NVML"])
    library.start()
    drivers = Drivers()
    for line in sys.stdin:
        case = json.loads(line)
        script = Script(path)
        script.gpus[0] = {**script.gpus[0], **case.get("figures", {})}
        for name in case.get("without", []):
            del script.gpus[0][name]
        for pid in case.get("pids", []):
            script.process(0, pid, 1234 << 20, 56)
        for instance in range(case.get("instances", 0)):
            script.instance(0, instance, memory_total=10 << 30, memory_used=(instance + 1) << 30)
            script.process(0, 100 + instance, 5 << 20, instance=instance)
        for function, code in case.get("fails", {}).items():
            script.fail(0, function, code)
        script.write()
        time.sleep(LOOKS_AGAIN)
        told = {"driver": drivers.fields, "probe": by_probe(library), "pynvml": by_pynvml()}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
