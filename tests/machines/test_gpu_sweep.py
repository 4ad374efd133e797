"""Every function of the driver's library in turn: missing, not supported, refused. What it told is absent, never 0."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.machines.test_gpu_probe import WHOLE
from tests.nvml.building import Nvml, environment, nvml
from tests.nvml.probing import Probing, on_gpus, script
from tests.nvml.script import ALL, MIB, Script, uuid
from workbench.entities.sample import GpuSample, MachineSample

__all__ = ["nvml", "script"]

NEWER_FORMS = ("_v2", "_v3")

FIELDS = set(GpuSample.__struct_fields__) - {"uuid", "index", "error", "age", "xid", "nvlink"}


def prepared(script: Script) -> Script:
    """One GPU with a process, whose every figure is another number."""
    script.process(0, os.getpid(), 1234 * MIB, 56)
    return script


MOST_LOOKS = 20
"""Samples after which what is not there does not come."""


def first_whole_sample(folder: Path, library: Path, script: Script) -> MachineSample:
    """What a probe tells first of its GPU, or of the driver's trouble."""
    probing = Probing(folder, environment(library, script.path))
    try:
        probing.say(every=0.05, detail=[uuid(0)])
        sample = probing.until(lambda sample: sample.gpus or sample.driver.error, "the GPU")
        for looks in range(MOST_LOOKS):  # rates come after the first reading, processes when they were found
            sample = probing.sample()
            if looks > 0 and on_gpus(sample) and all(gpu.pcie for gpu in sample.gpus):
                break
        assert probing.errors() == ""
        return sample
    finally:
        probing.close()


def assert_absent_or_true(sample: MachineSample, what: str) -> set[str]:
    """No figure is anything but what it is or absent; returns the names of the absent ones."""
    absent: set[str] = set()
    for gpu in sample.gpus:
        for name in FIELDS:
            found = getattr(gpu, name)
            if name == "pcie":
                assert found is None or (found.received, found.sent) in EXPECTED_RATES, (what, found)
            elif name == "memory_used":
                assert found in (None, 66000 * MIB, (66000 + 551) * MIB), (what, found)
            elif name == "bus":
                assert found in (None, "00000000:01:00.0", "0000:01:00.0"), (what, found)
            else:
                assert found in (None, getattr(WHOLE, name)), (what, name, found)
            if found is None and name not in ("parent",):
                absent.add(name)
    for process in on_gpus(sample):
        for use in process.gpus:
            assert use.memory in (None, 1234 * MIB), what
            assert use.utilisation in (None, 56), what
            absent |= {f"process {name}" for name in ("memory", "utilisation") if getattr(use, name) is None}
    if not on_gpus(sample):
        absent.add("processes")
    return absent


EXPECTED_RATES = [(2.1e9, 8e8), (2.1e9, None), (None, 8e8)]


def test_the_whole_library_leaves_nothing_out(nvml: Nvml, script: Script, tmp_path: Path) -> None:
    prepared(script).write()
    sample = first_whole_sample(tmp_path, nvml.library(), script)
    assert assert_absent_or_true(sample, "nothing") == set()


@pytest.mark.parametrize("half", [0, 1])
def test_every_function_missing(nvml: Nvml, script: Script, tmp_path: Path, half: int) -> None:
    """The symbol is really not there, nor is a newer or older form of it."""
    prepared(script).write()
    lost: dict[str, set[str]] = {}
    for name in plain_names(nvml)[half::2]:
        forms = [name, *(name + form for form in NEWER_FORMS)]
        lacking = [form for form in forms if form in nvml.functions()]
        lost[name] = assert_absent_or_true(first_whole_sample(tmp_path, nvml.library(lacking), script), name)
    assert_plausible(lost)


@pytest.mark.slow
@pytest.mark.parametrize("code", [3, 4, 13, 2])
def test_every_function_refused(nvml: Nvml, script: Script, tmp_path: Path, code: int, full: bool) -> None:
    """Not supported, no permission, not found in the driver, an argument it does not know."""
    prepared(script)
    lost: dict[str, set[str]] = {}
    for name in plain_names(nvml)[:: 1 if full or code == 3 else 6]:
        script.recover()
        for form in ("", *NEWER_FORMS):
            script.fail(ALL, name + form, code)
        script.write()
        lost[name] = assert_absent_or_true(first_whole_sample(tmp_path, nvml.library(), script), name)
    assert_plausible(lost)


def test_everything_but_the_names_refused(nvml: Nvml, script: Script, tmp_path: Path) -> None:
    prepared(script)
    keep = ("nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex", "nvmlDeviceGetUUID")
    for name in nvml.functions():
        if not name.startswith(keep):
            script.fail(ALL, name)
    script.write()
    sample = first_whole_sample(tmp_path, nvml.library(), script)
    assert sample.gpus == [GpuSample(uuid=uuid(0), index=0)]
    assert on_gpus(sample) == []


def plain_names(nvml: Nvml) -> list[str]:
    """The functions without their forms."""
    return sorted({name.removesuffix("_v2").removesuffix("_v3") for name in nvml.functions()})


def assert_plausible(lost: dict[str, set[str]]) -> None:
    """The sweep really took something away: what it is, is known of a few."""
    known = {
        "nvmlDeviceGetFanSpeed": {"fan"},
        "nvmlDeviceGetUtilizationRates": {"utilisation", "memory_utilisation"},
        "nvmlDeviceGetMemoryInfo": {"memory_total", "memory_used", "memory_reserved"},
        "nvmlDeviceGetRemappedRows": {"remapped"},
        "nvmlDeviceGetProcessUtilization": {"process utilisation"},
        "nvmlDeviceGetComputeRunningProcesses": {"processes"},
        "nvmlDeviceGetPcieThroughput": {"pcie"},
        "nvmlDeviceGetName": {"name"},
        "nvmlDeviceGetMinorNumber": set(),
    }
    for name, absent in known.items():
        if name in lost:
            assert lost[name] == absent, name
