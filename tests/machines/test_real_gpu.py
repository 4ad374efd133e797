"""The probe on a real driver: it tells what pynvml and nvidia-smi tell, who computes, and what went wrong.

Needs a GPU, which no package brings: skipped where there is none.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nvml import on_gpu
from tests.nvml.probing import Probing, on_gpus
from workbench.compute.local_gpus import Drivers, LocalGpu
from workbench.entities.sample import GpuSample, MachineSample
from workbench.remote.gpus.gpu_reading import GpuReader
from workbench.remote.gpus.nvml_device import open_device
from workbench.remote.gpus.nvml_library import Library, load

MIB = 1 << 20
NEAR = {
    "memory_used": 64 * MIB, "utilisation": 100, "memory_utilisation": 100, "temperature": 4, "memory_temperature": 4,
    "power": 80, "sm_clock": 2000, "memory_clock": 3000, "performance_state": 8, "encoder": 100, "decoder": 100,
    "jpeg": 100, "optical_flow": 100, "pcie_generation": 4,
}  # fmt: skip
"""How far apart two readings of what moves may be that were taken one after the other."""


def driver() -> Library:
    """The machine's NVML, started."""
    library, _ = load()
    if library is None:
        pytest.skip("this machine has no NVIDIA GPU")
    library.start()
    if not library.count():
        pytest.skip("the driver has no GPU")
    return library


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probing]:
    """A probe on the driver that is there, ten times a second."""
    driver()
    made = Probing(tmp_path, {})
    made.say(every=0.1)
    yield made
    made.close()
    assert made.errors() == ""


@contextlib.contextmanager
def working(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A program on the GPU that is at its work."""
    command = [sys.executable, on_gpu.__file__, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_each_figure_is_what_pynvml_tells() -> None:
    library = driver()
    assert Drivers().fields["version"] == library.driver_version()
    assert Drivers().fields["cuda"] == library.cuda_version()
    for index in range(library.count()):
        reader = GpuReader(open_device(library, index), index, "GPU-unknown")
        reader.read(time.monotonic())
        ours, theirs = reader.rows(), LocalGpu(index).read()
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert set(our) - {"throttle"} == set(their) - {"throttle"}
            moved = {name for name in their if name in NEAR}
            assert {name: our[name] for name in set(their) - moved - {"throttle"}} == {
                name: their[name] for name in set(their) - moved - {"throttle"}
            }
            for name in moved:
                assert abs(our[name] - their[name]) <= NEAR[name], (name, our[name], their[name])


SMI = {
    "uuid": "uuid", "name": "name", "pci.bus_id": "bus", "memory.total": "memory_total", "power.limit": "power_limit",
    "clocks.max.sm": "sm_clock_max", "clocks.max.memory": "memory_clock_max", "memory.reserved": "memory_reserved",
    "ecc.errors.corrected.volatile.total": "ecc_corrected",
    "ecc.errors.uncorrected.volatile.total": "ecc_uncorrected",
}  # fmt: skip


def test_what_does_not_move_is_what_nvidia_smi_prints(probe: Probing) -> None:
    query = ["nvidia-smi", f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    gpus = probe.gpus()
    assert len(lines) == len(gpus)
    for line, gpu in zip(lines, gpus, strict=True):
        for name, said in zip(SMI.values(), line.split(", "), strict=True):
            value: Any = getattr(gpu, name)
            if name.startswith("memory_") and name != "memory_clock_max":
                assert abs(value // MIB - int(said)) <= 1, name  # it rounds each part of them up
            elif value is None:
                assert "N/A" in said, name
            elif isinstance(value, str):
                assert value == said, name
            else:
                assert value == float(said), name


def used_by(sample: MachineSample, pid: int) -> GpuSample | None:
    """The GPU that a process has something of."""
    names = [use.gpu for one in on_gpus(sample) if one.pid == pid for use in one.gpus]
    return next((gpu for gpu in sample.gpus if gpu.uuid in names), None)


def test_a_process_and_its_memory_are_seen_and_gone_with_it(probe: Probing) -> None:
    before = {gpu.uuid: gpu.memory_used for gpu in probe.gpus()}
    with working("hold", "1000") as process:
        sample = probe.until(lambda sample: used_by(sample, process.pid), "the process")
        gpu = used_by(sample, process.pid)
        assert gpu is not None
        assert gpu.memory_used is not None
        assert gpu.memory_used - (before[gpu.uuid] or 0) >= 1000 * MIB
        (one,) = [one for one in on_gpus(sample) if one.pid == process.pid]
        assert one.gpus[0].memory is not None
        assert 1000 * MIB <= one.gpus[0].memory <= 2500 * MIB
        assert one.command is not None
        assert "on_gpu.py hold 1000" in one.command
    probe.until(lambda sample: not used_by(sample, process.pid), "its end")


def test_work_is_seen_on_the_gpu_and_on_its_process(probe: Probing) -> None:
    with working("busy", "30") as process:
        sample = probe.until(
            lambda sample: (
                (gpu := used_by(sample, process.pid))
                and (gpu.utilisation or 0) >= 90
                and any(
                    use.utilisation for one in on_gpus(sample) if one.pid == process.pid for use in one.gpus
                )
            ),
            "a share of the SMs' time",
        )
        gpu = used_by(sample, process.pid)
        assert gpu is not None
        assert gpu.sm_clock
        assert gpu.power


def test_a_stray_write_is_told_as_xid_31(probe: Probing) -> None:
    assert all(gpu.xid is None for gpu in probe.gpus())
    time.sleep(1.5)  # the listener has the GPU from its next wait on
    began = time.time()
    command = [sys.executable, on_gpu.__file__, "fault"]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "cuCtxSynchronize: 700" in said.stdout  # CUDA_ERROR_ILLEGAL_ADDRESS
    sample = probe.until(lambda sample: any(gpu.xid for gpu in sample.gpus), "the Xid")
    (xid,) = [gpu.xid for gpu in sample.gpus if gpu.xid]
    assert xid.code == 31
    assert began - 1 <= xid.time <= time.time() + 1  # told in whole seconds
