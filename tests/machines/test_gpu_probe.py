"""The probe's GPU half on a scripted driver: every figure under its name, old drivers, MIG."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machines.inside import interpreters
from tests.nvml.building import NEWER_THAN_390, NEWER_THAN_470, Nvml, environment, nvml
from tests.nvml.probing import Probe, gpu_memory, on_gpus, probe, script
from tests.nvml.script import H100, MIB, NA, Script, uuid
from workbench.entities.sample import GpuSample, Remapped

__all__ = ["nvml", "probe", "script"]

WHOLE = GpuSample(
    uuid=uuid(0),
    index=0,
    name="NVIDIA H100 80GB HBM3",
    bus="00000000:01:00.0",
    utilisation=97,
    memory_utilisation=41,
    encoder=1,
    decoder=2,
    jpeg=3,
    optical_flow=4,
    memory_total=81559 * MIB,
    memory_used=66000 * MIB,
    memory_reserved=551 * MIB,
    temperature=68,
    memory_temperature=81,
    power=640,
    power_limit=700,
    sm_clock=1980,
    sm_clock_max=1985,
    memory_clock=2619,
    memory_clock_max=2620,
    fan=42,
    performance_state=2,
    throttle=["power cap"],
    ecc_corrected=5,
    ecc_uncorrected=6,
    remapped=Remapped(corrected=7, uncorrected=8, pending=True, failed=False),
    retired_pages=9,
    pcie_generation=5,
    pcie_width=16,
    mig=False,
    compute_mode="exclusive process",
)


def changed(gpu: GpuSample, **changes: object) -> GpuSample:
    """A GPU with other figures."""
    return GpuSample(**{**{name: getattr(gpu, name) for name in gpu.__struct_fields__}, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).parts[-3])
def test_every_figure_has_its_name_on_every_python(python: str, probe: Probe, script: Script) -> None:
    script.write()
    probing = probe(python=python)
    assert probing.gpus() == [WHOLE]
    assert probing.sample().driver.version == "570.124.06"
    assert probing.sample().driver.cuda == "12.8"
    assert probing.sample().driver.source == "nvml"
    assert probing.errors() == ""


def test_a_driver_of_2021(probe: Probe, nvml: Nvml, script: Script) -> None:
    """The symbols are really not there. What only newer ones tell is absent, all else is the same."""
    script.write()
    [gpu] = probe(library=nvml.library(NEWER_THAN_470)).gpus()
    used = (66000 + 551) * MIB  # not told apart from what is reserved
    assert gpu == changed(WHOLE, memory_used=used, memory_reserved=None, jpeg=None, optical_flow=None)


def test_a_driver_of_2018(probe: Probe, nvml: Nvml, script: Script) -> None:
    script.process(0, os.getpid(), 7000 * MIB)
    script.write()
    probing = probe(library=nvml.library(NEWER_THAN_390))
    [gpu] = probing.gpus()
    used = (66000 + 551) * MIB
    assert gpu == changed(
        WHOLE,
        memory_used=used,
        memory_reserved=None,
        jpeg=None,
        optical_flow=None,
        remapped=None,
        mig=None,
        memory_temperature=None,
        bus="0000:01:00.0",
    )
    assert gpu_memory(probing.until(lambda sample: on_gpus(sample), "its process").processes) == {
        os.getpid(): 7000 * MIB
    }


def test_a_driver_to_come_without_what_is_old(probe: Probe, nvml: Nvml, script: Script) -> None:
    old = [
        "nvmlInit",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetCount",
        "nvmlEventSetWait",
    ]
    old += [
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        "nvmlSystemGetCudaDriverVersion",
    ]
    script.write()
    probing = probe(library=nvml.library(old))
    assert probing.gpus() == [WHOLE]
    assert probing.sample().driver.cuda == "12.8"


def test_values_that_the_driver_does_not_have_are_absent(probe: Probe, script: Script) -> None:
    """2^32-1 and 2^64-1 stand where there is no value."""
    plain = ("name", "mig")
    for name in H100:
        if name not in plain:
            script.gpus[0][name] = NA
    script.process(0, os.getpid(), NA)
    script.write()
    probing = probe()
    sample = probing.until(lambda sample: sample.gpus and on_gpus(sample), "a sample")
    absent = {
        name: None for name in WHOLE.__struct_fields__ if name not in ("uuid", "index", "name", "bus", "mig")
    }
    assert sample.gpus == [changed(WHOLE, **absent)]
    assert gpu_memory(on_gpus(sample)) == {os.getpid(): None}


def test_what_uses_more_than_there_is_is_absent(probe: Probe, script: Script) -> None:
    script.gpus[0]["memory_used"] = 90000 * MIB
    script.write()
    sample = probe().until(lambda sample: sample.gpus, "a sample")
    assert sample.gpus[0].memory_used is None
    assert sample.gpus[0].memory_total == 81559 * MIB


def test_idle_clocks_are_not_held_back(probe: Probe, script: Script) -> None:
    script.gpus[0]["throttle"] = 0x1
    script.write()
    probing = probe()
    assert probing.gpus()[0].throttle == []
    script.gpus[0]["throttle"] = 0x40 | 0x8 | 0x80 | 0x1
    script.write()
    words = ["hardware thermal", "power brake", "hardware slowdown"]
    probing.until(lambda sample: sample.gpus[0].throttle == words, "its reasons")


def test_figures_follow_the_gpu(probe: Probe, script: Script) -> None:
    script.write()
    probing = probe()
    probing.gpus()
    script.gpus[0].update(utilisation=3, ecc_uncorrected=7)
    del script.gpus[0]["power"]
    script.write()
    sample = probing.until(lambda sample: sample.gpus[0].utilisation == 3, "its utilisation")
    assert sample.gpus[0].power is None
    probing.until(lambda sample: sample.gpus[0].ecc_uncorrected == 7, "what is seldom looked at")


def test_rates_of_the_bus_are_asked_for_only_where_they_are_wanted(probe: Probe, script: Script) -> None:
    """One such call takes a real driver 20 ms: that must not slow the others, nor the GPU's own figures."""
    script.gpus = [{**script.gpus[0], "uuid": uuid(gpu)} for gpu in range(4)]
    script.hang("*", "nvmlDeviceGetPcieThroughput", 0.02)
    script.write()
    probing = probe(detail=[uuid(1)])

    def rates(sample: object) -> list[bool]:
        return [gpu.pcie is not None and gpu.nvlink is not None for gpu in sample.gpus]  # type: ignore[attr-defined]

    sample = probing.until(lambda sample: rates(sample) == [False, True, False, False], "the rates of one")
    traffic = sample.gpus[1].pcie
    assert traffic is not None
    assert (traffic.received, traffic.sent) == (2_100_000_000, 800_000_000)
    link = sample.gpus[1].nvlink
    assert link is not None
    assert link.received == pytest.approx(2000 * 1024, rel=0.2)
    assert link.sent == pytest.approx(1000 * 1024, rel=0.2)
    probing.say(detail=[uuid(3)])
    probing.until(lambda sample: rates(sample) == [False, False, False, True], "the rates of the other")
    probing.say(detail=[])
    probing.until(lambda sample: not any(rates(sample)), "no rates")


def test_an_entry_written_beyond_those_asked_for_harms_nobody(probe: Probe, script: Script) -> None:
    script.library["overrun"] = 1
    script.write()
    probing = probe(detail=[uuid(0)])
    sample = probing.until(lambda sample: sample.gpus and sample.gpus[0].nvlink, "NVLink")
    assert sample.gpus[0].memory_temperature == 81
    assert probing.close() < 60


def test_mig_instances_are_gpus_of_their_own(probe: Probe, script: Script) -> None:
    """A divided card has no utilisation: it is absent, not 0. Processes belong to the instance."""
    script.gpus.append({**script.gpus[0], "uuid": uuid(1)})
    first = script.instance(0, 0, memory_total=10000 * MIB, memory_used=2000 * MIB)
    second = script.instance(0, 1, memory_total=20000 * MIB, memory_used=3000 * MIB)
    script.process(0, os.getpid(), 1500 * MIB, instance=1)
    script.write()
    probing = probe()
    sample = probing.until(lambda sample: len(sample.gpus) == 4 and on_gpus(sample), "the instances")
    card, one, two, other = sample.gpus
    assert (card.uuid, one.uuid, two.uuid, other.uuid) == (uuid(0), first, second, uuid(1))
    assert card.mig is True
    assert card.utilisation is None
    assert card.power == 640
    assert (one.parent, two.parent, other.parent) == (uuid(0), uuid(0), None)
    assert (one.index, two.index) == (0, 0)
    assert (one.memory_used, two.memory_used) == (2000 * MIB, 3000 * MIB)
    assert one.utilisation is None
    assert one.power is None
    assert one.name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    [process] = on_gpus(sample)
    assert [(use.gpu, use.memory, use.utilisation) for use in process.gpus] == [(second, 1500 * MIB, None)]

    del script.instances[0, 0]
    script.write()
    sample = probing.until(lambda sample: len(sample.gpus) == 3, "an instance to go")
    assert [gpu.uuid for gpu in sample.gpus] == [uuid(0), second, uuid(1)]


REFERENCE = """
import json, pynvml as n
n.nvmlInit()
found = []
for index in range(n.nvmlDeviceGetCount()):
    h = n.nvmlDeviceGetHandleByIndex(index)
    use, memory = n.nvmlDeviceGetUtilizationRates(h), n.nvmlDeviceGetMemoryInfo(h, n.nvmlMemory_v2)
    rows, pci = n.nvmlDeviceGetRemappedRows(h), n.nvmlDeviceGetPciInfo(h)
    found.append({
        "uuid": n.nvmlDeviceGetUUID(h), "index": n.nvmlDeviceGetIndex(h), "name": n.nvmlDeviceGetName(h),
        "bus": pci.busId, "utilisation": use.gpu, "memory_utilisation": use.memory,
        "encoder": n.nvmlDeviceGetEncoderUtilization(h)[0], "decoder": n.nvmlDeviceGetDecoderUtilization(h)[0],
        "jpeg": n.nvmlDeviceGetJpgUtilization(h)[0], "optical_flow": n.nvmlDeviceGetOfaUtilization(h)[0],
        "memory_total": memory.total, "memory_used": memory.used, "memory_reserved": memory.reserved,
        "temperature": n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU),
        "memory_temperature": n.nvmlDeviceGetFieldValues(h, [n.NVML_FI_DEV_MEMORY_TEMP])[0].value.uiVal,
        "power": n.nvmlDeviceGetPowerUsage(h) // 1000, "power_limit": n.nvmlDeviceGetEnforcedPowerLimit(h) // 1000,
        "sm_clock": n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM),
        "sm_clock_max": n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_SM),
        "memory_clock": n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_MEM),
        "memory_clock_max": n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_MEM),
        "fan": n.nvmlDeviceGetFanSpeed(h), "performance_state": n.nvmlDeviceGetPerformanceState(h),
        "ecc_corrected": n.nvmlDeviceGetTotalEccErrors(h, n.NVML_MEMORY_ERROR_TYPE_CORRECTED, n.NVML_VOLATILE_ECC),
        "ecc_uncorrected": n.nvmlDeviceGetTotalEccErrors(h, n.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, n.NVML_VOLATILE_ECC),
        "remapped": [int(row) for row in rows],
        "retired_pages": sum(len(n.nvmlDeviceGetRetiredPages(h, cause)) for cause in (0, 1)),
        "pcie_generation": n.nvmlDeviceGetCurrPcieLinkGeneration(h), "pcie_width": n.nvmlDeviceGetCurrPcieLinkWidth(h),
        "pcie": [n.nvmlDeviceGetPcieThroughput(h, kind) * 1000 for kind in (1, 0)],
        "throttle_bits": n.nvmlDeviceGetCurrentClocksEventReasons(h), "mig": bool(n.nvmlDeviceGetMigMode(h)[0]),
        "compute_mode_number": n.nvmlDeviceGetComputeMode(h),
        "processes": sorted([p.pid, p.usedGpuMemory] for p in n.nvmlDeviceGetComputeRunningProcesses(h)),
        "shares": sorted({p.pid: p.smUtil for p in n.nvmlDeviceGetProcessUtilization(h, 0)}.items()),
    })
print(json.dumps({"gpus": found, "driver": n.nvmlSystemGetDriverVersion(), "cuda": n.nvmlSystemGetCudaDriverVersion()}))
"""


def test_its_figures_are_those_of_the_reference(probe: Probe, nvml: Nvml, script: Script) -> None:
    """NVIDIA's own bindings, on the same scripted driver with other figures on each GPU."""
    import json

    from workbench.remote.forms.gpu_words import COMPUTE_MODES, throttle_words

    base = script.gpus[0]
    script.gpus = []
    for gpu in range(8):
        figures = {
            name: value + gpu
            if isinstance(value, int) and name not in ("mig", "compute_mode", "remapped_failed")
            else value
            for name, value in base.items()
        }
        memory = {
            name: figures[name] // MIB * MIB + gpu * MIB
            for name in ("memory_total", "memory_used", "memory_reserved")
        }
        powers = {
            "power": 640_000 + 1000 * gpu,
            "power_limit": 700_000 + 1000 * gpu,
            "remapped_pending": gpu % 2,
            "throttle": 1 << gpu,
        }
        rates = {
            "pcie_sent": 800_000 + 1000 * gpu,
            "pcie_received": 2_000_000 + 10_000 * gpu,
            "utilisation": 12 * gpu,
        }
        script.gpus.append(
            {**figures, **memory, **powers, **rates, "uuid": uuid(gpu), "compute_mode": gpu % 4}
        )
        script.process(gpu, os.getpid(), (gpu + 1) * 1000 * MIB, gpu)
    script.write()
    asked = subprocess.run(
        [sys.executable, "-c", REFERENCE],
        env={**os.environ, **environment(nvml.library(), script.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    reference = json.loads(asked.stdout)
    probing = probe(detail=[uuid(gpu) for gpu in range(8)])
    sample = probing.until(
        lambda sample: (
            len(sample.gpus) == 8
            and all(gpu.pcie for gpu in sample.gpus)
            and len({use.gpu for one in on_gpus(sample) for use in one.gpus}) == 8
        ),
        "all",
    )
    assert (sample.driver.version, sample.driver.cuda) == (reference["driver"], "12.8")
    assert reference["cuda"] == 12080
    uses = {use.gpu: use for one in on_gpus(sample) for use in one.gpus}
    for gpu, expected in zip(sample.gpus, reference["gpus"], strict=True):
        plain = {name: value for name, value in expected.items() if hasattr(gpu, name)}
        rows, traffic = gpu.remapped, gpu.pcie
        assert rows is not None
        assert traffic is not None
        assert [rows.corrected, rows.uncorrected, int(rows.pending or 0), int(rows.failed or 0)] == plain.pop(
            "remapped"
        )
        assert [traffic.received, traffic.sent] == pytest.approx(plain.pop("pcie"), rel=0.005)
        assert {name: getattr(gpu, name) for name in plain} == plain
        assert gpu.throttle == throttle_words(expected["throttle_bits"] & ~1)
        assert gpu.compute_mode == COMPUTE_MODES[expected["compute_mode_number"]]
        assert [[os.getpid(), uses[gpu.uuid].memory]] == expected["processes"]
        assert [[os.getpid(), uses[gpu.uuid].utilisation]] == expected["shares"]
