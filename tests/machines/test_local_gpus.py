"""GPUs through pynvml: on a scripted driver they are told of exactly as the probe's few calls tell of them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nvml.building import NEWER_THAN_390, NEWER_THAN_470, Nvml, environment, nvml
from tests.nvml.probing import Probe, Probing, on_gpus, probe, script
from tests.nvml.script import ALL, LOST, MIB, MISMATCH, NA, NOT_SUPPORTED, Script, uuid
from workbench.compute import local_gpu_threads
from workbench.compute.local_sampling import samples
from workbench.compute.local_xids import XidListener
from workbench.entities.base import to_wire
from workbench.entities.sample import GpuSample, MachineSample

__all__ = ["nvml", "probe", "script"]

GRAVE = 999
IDENTITY = ("uuid", "index")


def both(script: Script, library: Path, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the probe and pynvml read in each case; what is not there is left out of both."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.nvml.both", str(script.path)],
        input="".join(json.dumps(case) + "\n" for case in cases),
        capture_output=True, text=True, check=False, env={**os.environ, **environment(library, script.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    return found


def plain(value: Any) -> Any:
    """Without what is None in it, which is another way to say that it is absent."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def assert_alike(told: dict[str, Any], case: object) -> dict[str, Any]:
    """Both told the same; returns it."""
    assert plain(told["pynvml"]) == plain(told["probe"]), case
    found: dict[str, Any] = told["pynvml"]
    return found


def test_every_figure_is_the_same(script: Script, nvml: Nvml) -> None:
    script.write()
    cases = [{"pids": [os.getpid(), 77]}, {"instances": 2}]
    whole, divided = both(script, nvml.library(), cases)
    assert whole["driver"] == {"source": "nvml", "version": "570.124.06", "cuda": "12.8"}
    (row,) = assert_alike(whole, "whole")["rows"]
    missing = set(GpuSample.__struct_fields__) - set(row)
    assert missing == {"parent", "xid", "nvlink", "error", "age"}
    assert set(whole["pynvml"]["uses"]) == {str(os.getpid()), "77"}
    assert len(assert_alike(divided, "divided")["rows"]) == 3


def test_whatever_function_fails_the_same_is_absent(script: Script, nvml: Nvml) -> None:
    script.write()
    functions = [name for name in nvml.functions() if name.startswith("nvmlDeviceGet")]
    cases = [{"fails": {name: NOT_SUPPORTED}, "pids": [77]} for name in functions]
    assert len(cases) > 30
    for case, told in zip(cases, both(script, nvml.library(), cases), strict=True):
        assert_alike(told, case)


def test_whatever_figure_has_no_value_is_absent_and_not_zero(script: Script, nvml: Nvml) -> None:
    script.write()
    names = [name for name in script.gpus[0] if name not in ("uuid", "bus", "name", "minor")]
    # A count of pages that is none makes the binding ask for as many.
    cases = [{"figures": {name: NA}} for name in names if name != "retired_pages"]
    cases += [{"without": [name]} for name in names]
    results = both(script, nvml.library(), [{}, *cases])
    (whole,) = assert_alike(results[0], "whole")["rows"]
    for case, told in zip(cases, results[1:], strict=True):
        (row,) = assert_alike(told, case)["rows"]
        for name, value in row.items():
            if name not in ("remapped", "pcie", "memory_used", "memory_reserved"):
                assert value == whole[name], (case, name)


@pytest.mark.parametrize("missing", [NEWER_THAN_470, NEWER_THAN_390], ids=["470", "390"])
def test_of_an_old_driver_the_rest_is_told(script: Script, nvml: Nvml, missing: tuple[str, ...]) -> None:
    """pynvml's error of its own for a driver older than it is no NVMLError."""
    script.write()
    (told,) = both(script, nvml.library(missing), [{"pids": [77]}])
    assert told["pynvml"]["rows"][0]["temperature"] == 68
    local, ours = plain(told["pynvml"]["rows"][0]), plain(told["probe"]["rows"][0])
    assert {name: local[name] for name in local if name in ours} == ours or set(ours) - set(local) <= {"bus"}
    assert all(local[name] == ours[name] for name in set(local) & set(ours))


def test_a_lost_gpu_is_lost_for_both(script: Script, nvml: Nvml) -> None:
    script.write()
    cases = [{"fails": {ALL: LOST}}, {"fails": {"nvmlDeviceGetTemperature": LOST}}]
    for case, told in zip(cases, both(script, nvml.library(), cases), strict=True):
        assert assert_alike(told, case) == {"error": "lost"}


def gpus(sample: MachineSample) -> list[Any]:
    """A sample's GPUs as plain values, without what comes from a counter's rate."""
    return [{name: value for name, value in to_wire(one).items() if name != "nvlink"} for one in sample.gpus]


async def local(until: Any, detail: list[str] | None = None) -> MachineSample:
    """The first sample of this machine for which the condition is true."""
    stream = samples(lambda: 0.1, detail=lambda: detail or [])
    try:
        async with asyncio.timeout(60):
            async for sample in stream:
                if until(sample):
                    return sample
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
    raise AssertionError("it ended")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, nvml: Nvml, script: Script) -> Script:
    """The scripted driver is this machine's, two GPUs and a process of ours on it."""
    for name, value in environment(nvml.library(), script.path).items():
        monkeypatch.setenv(name, value)
    second = Script(script.path, 2)
    script.gpus = second.gpus
    script.process(1, os.getpid(), 1234 * MIB, 56)
    script.write()
    return script


async def test_a_sample_of_this_machine_is_what_its_probe_would_tell(driver: Script, probe: Probe) -> None:
    names = [uuid(0), uuid(1)]

    def whole(sample: MachineSample) -> bool:
        return (
            len(sample.gpus) == 2
            and all(one.pcie and one.nvlink for one in sample.gpus)
            and any(process.user for process in on_gpus(sample))
        )

    mine = await local(whole, names)
    probing: Probing = probe(detail=names)
    other = await asyncio.to_thread(
        probing.until, lambda one: whole(one) and one.gpus[0].power == 640, "all of it"
    )
    assert [{**one, "power": round(one["power"])} for one in gpus(mine)] == gpus(other)
    assert mine.driver == other.driver
    (process,), (theirs,) = on_gpus(mine), on_gpus(other)
    assert (process.pid, process.user, process.gpus) == (theirs.pid, theirs.user, theirs.gpus)
    for one in mine.gpus:
        assert one.nvlink is not None
        assert one.nvlink.received is not None
        assert one.nvlink.sent is not None
        assert one.nvlink.received > one.nvlink.sent > 0


async def test_a_gpu_that_hangs_costs_its_own_row(driver: Script) -> None:
    driver.hang(0)
    driver.write()
    sample = await local(lambda one: len(one.gpus) == 2 and one.gpus[0].error and one.gpus[1].power)
    assert sample.gpus[0].error == "hung"
    assert sample.gpus[0].age is not None
    assert sample.gpus[1].error is None
    assert sample.host.memory_total


async def test_an_xid_is_told(driver: Script) -> None:
    stream = samples(lambda: 0.1)
    async with asyncio.timeout(60):
        async for sample in stream:
            if len(sample.gpus) == 2 and sample.gpus[1].power:
                break
        driver.xid(1, 79)
        driver.write()
        async for sample in stream:
            if sample.gpus[1].xid is not None:
                break
    await stream.aclose()  # type: ignore[attr-defined]
    assert sample.gpus[1].xid is not None
    assert sample.gpus[1].xid.code == 79
    assert sample.gpus[0].xid is None


async def test_a_driver_that_was_upgraded_in_use_is_said_and_the_host_goes_on(driver: Script) -> None:
    driver.fail(ALL, ALL, MISMATCH)
    driver.write()
    sample = await local(lambda one: one.driver.error)
    assert "reboot" in (sample.driver.error or "")
    assert sample.gpus == []
    assert sample.host.memory_total


async def test_a_driver_that_crashes_who_asks_it_ends_the_child_alone(driver: Script) -> None:
    from workbench.errors import RemoteError

    driver.fail(0, "nvmlDeviceGetTemperature", -11)
    driver.write()
    with pytest.raises(RemoteError, match="ended"):
        await local(lambda one: False)


def test_a_fault_of_the_binding_costs_a_gpus_row_for_as_long_as_it_lasts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Odd:
        handle = b""

        def __init__(self, index: int) -> None:
            self.index = index
            self.uses: dict[int, Any] = {}

        def read(self) -> list[dict[str, Any]]:
            if not well:
                raise ValueError("a name that is no text")
            return [{"uuid": "GPU-1", "index": self.index}]

        def read_rates(self) -> dict[str, Any]:
            return {}

    well: list[int] = []
    monkeypatch.setattr(local_gpu_threads, "LocalGpu", Odd)
    monkeypatch.setattr(XidListener, "add", lambda *_: None)
    watch = local_gpu_threads.GpuWatch(0, XidListener())
    watch.begin([])
    assert watch.idle.wait(60)
    assert watch.rows(1.0)[0]["error"] == "the sampler failed: ValueError('a name that is no text')"
    assert "a name that is no text" in capfd.readouterr().err
    well.append(1)
    watch.begin([])
    assert watch.idle.wait(60)
    assert watch.rows(1.0) == [{"uuid": "GPU-1", "index": 0}]
