"""A sick GPU, or a sick driver, costs its own row: each fault alone, then all at once."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.links import MakeLink, RunOnDisk, alive, make_link, until
from tests.machines.test_probe import Watch, probes_of
from tests.nvml.building import Nvml, environment, nvml
from tests.nvml.probing import Probe, on_gpus, probe, script
from tests.nvml.script import ALL, LOST, MIB, MISMATCH, Script, ramp, uuid
from workbench.compute.local import LocalHost
from workbench.entities.sample import GpuSample, MachineSample
from workbench.remote.forms import protocol

__all__ = ["make_link", "nvml", "probe", "script"]

HOUR = 3600.0


@pytest.fixture
def eight(script: Script) -> Script:
    """Eight GPUs whose power grows all the time, so that every new reading of it is another one."""
    card = {**script.gpus[0], "power": ramp(0, 1_000_000, 5)}
    script.gpus = [{**card, "uuid": uuid(gpu), "bus": f"00000000:{gpu + 1:02X}:00.0"} for gpu in range(8)]
    script.write()
    return script


@pytest.fixture
def thirty() -> Iterator[list[int]]:
    """Thirty processes."""
    code = "import time; time.sleep(600)"
    started = [subprocess.Popen([sys.executable, "-I", "-S", "-c", code]) for _ in range(30)]
    yield [one.pid for one in started]
    for one in started:
        one.kill()
        one.wait()


def assert_at_full_rate(samples: list[MachineSample], gpus: range | list[int]) -> None:
    """Whether these GPUs were read for nearly every one of the samples: a busy machine may be late for some."""
    for gpu in gpus:
        powers = [sample.gpus[gpu].power for sample in samples]
        news = sum(one != other for one, other in itertools.pairwise(powers))
        assert news >= 0.7 * (len(samples) - 1), (gpu, powers)
        assert all(sample.gpus[gpu].error is None for sample in samples)


def hung(sample: MachineSample) -> list[int]:
    return [number for number, gpu in enumerate(sample.gpus) if gpu.error == "hung"]


def test_a_gpu_that_hangs_keeps_its_last_figures_and_the_seven_go_on(probe: Probe, eight: Script) -> None:
    probing = probe(every=0.2)
    before = probing.until(lambda sample: len(sample.gpus) == 8 and sample.gpus[3].temperature, "them").gpus[
        3
    ]
    eight.hang(3, "nvmlDeviceGetTemperature", HOUR)
    eight.write()
    sample = probing.until(lambda sample: hung(sample) == [3], "it to be said to hang")
    assert sample.gpus[3].age is not None
    assert sample.gpus[3].age >= 3
    assert (sample.gpus[3].temperature, sample.gpus[3].memory_total) == (
        before.temperature,
        before.memory_total,
    )
    samples = [probing.sample() for _ in range(10)]
    assert_at_full_rate(samples, [0, 1, 2, 4, 5, 6, 7])
    assert all(hung(sample) == [3] for sample in samples)
    eight.recover()
    eight.write()
    sample = probing.until(lambda sample: not hung(sample), "it to answer again")
    assert probing.until(lambda sample: sample.gpus[3].age is None, "fresh figures").gpus[3].error is None


def test_a_gpu_that_hangs_from_the_start_has_a_row(probe: Probe, eight: Script) -> None:
    """Its static facts cannot be read either: in one thread with the others' they once held everything."""
    eight.hang(0, ALL, HOUR)
    eight.write()
    probing = probe(every=0.2)
    sample = probing.until(lambda sample: hung(sample) == [0], "it to be said to hang")
    assert sample.gpus[0].index == 0
    assert sample.gpus[0].utilisation is None
    assert_at_full_rate([probing.sample() for _ in range(10)], range(1, 8))
    eight.recover()
    eight.write()
    sample = probing.until(lambda sample: sample.gpus[0].uuid == uuid(0), "its UUID")
    assert len(sample.gpus) == 8


def test_a_gpu_that_is_slow_does_not_hang(probe: Probe, eight: Script) -> None:
    """Every answer of a sick driver may take its time: all of them together longer than what is called hung."""
    eight.hang(2, ALL, 0.1)
    eight.write()
    probing = probe(every=0.2)
    sample = probing.until(lambda sample: len(sample.gpus) == 8 and sample.gpus[2].temperature, "its figures")
    while sample.gpus[2].fan is None:
        assert sample.gpus[2].error is None
        sample = probing.sample()
    samples = [probing.sample() for _ in range(20)]
    assert all(sample.gpus[2].error is None for sample in samples)
    assert_at_full_rate(samples, [0, 1, 3, 4, 5, 6, 7])


def test_a_gpu_that_hangs_while_its_neighbour_is_lost(probe: Probe, eight: Script) -> None:
    eight.hang(1, "nvmlDeviceGetMemoryInfo_v2", HOUR)
    eight.fail(2, ALL, LOST)
    eight.write()
    probing = probe(every=0.2)
    sample = probing.until(lambda sample: hung(sample) == [1] and sample.gpus[2].error == "lost", "both")
    assert sample.gpus[2].age is not None
    assert_at_full_rate([probing.sample() for _ in range(10)], [0, 3, 4, 5, 6, 7])


def test_a_gpu_that_falls_off_the_bus_and_comes_back(probe: Probe, eight: Script) -> None:
    eight.process(5, os.getpid(), 100 * MIB)
    eight.write()
    probing = probe(every=0.2)
    probing.until(on_gpus, "the process on it")
    eight.fail(5, ALL, LOST)
    eight.write()
    sample = probing.until(lambda sample: sample.gpus[5].error == "lost", "it to be lost")
    assert sample.gpus[5].uuid == uuid(5)
    probing.until(lambda sample: not on_gpus(sample), "nobody to be on it")
    eight.recover()
    eight.write()
    sample = probing.until(lambda sample: sample.gpus[5].error is None, "it to be back")
    assert sample.gpus[5].age is None


def test_the_drivers_own_words_stand_where_a_gpu_needs_a_reset(probe: Probe, eight: Script) -> None:
    eight.fail(1, "nvmlDeviceGetUtilizationRates", 999)
    eight.write()
    sample = probe(every=0.2).until(lambda sample: len(sample.gpus) == 8 and sample.gpus[1].error, "its row")
    assert sample.gpus[1].error == "Unknown Error"
    assert sample.gpus[1].utilisation is None
    assert sample.gpus[1].temperature == 68


def test_a_driver_of_another_version_than_its_library(
    probe: Probe, nvml: Nvml, script: Script, tmp_path: Path
) -> None:
    """After an unattended upgrade: host data flow, and it is said in words, with the versions."""
    script.library["start"] = MISMATCH
    script.write()
    library = nvml.library(name="libnvidia-ml.so.570.133.20")
    link = tmp_path / "libnvidia-ml.so.1"
    link.symlink_to(library)
    sample = probe(library=link).until(lambda sample: sample.driver.error, "why")
    assert sample.gpus == []
    assert sample.host.memory_used
    error = str(sample.driver.error)
    assert error.startswith(
        "the driver's library is 570.133.20, the loaded kernel module is another version:"
    )
    assert error.endswith("Runs go on, new ones fail; reboot")


def test_a_kernel_module_that_is_not_loaded(probe: Probe, script: Script) -> None:
    script.library["start"] = 9
    script.write()
    sample = probe().until(lambda sample: sample.driver.error, "why")
    assert "kernel driver is not loaded" in str(sample.driver.error)


@pytest.mark.parametrize("content", [None, b"", b"not a library"])
def test_a_library_that_cannot_be_loaded(
    probe: Probe, script: Script, tmp_path: Path, content: bytes | None
) -> None:
    script.write()
    library = tmp_path / "libnvidia-ml.so.1"
    if content is not None:
        library.write_bytes(content)
    sample = probe(library=library).until(
        lambda sample: sample.driver.error and sample.host.memory_used, "why, and what else there is"
    )
    assert "cannot be loaded" in str(sample.driver.error)
    assert sample.driver.source is None
    assert sample.host.memory_used


def test_a_driver_that_hangs_while_it_starts(probe: Probe, eight: Script) -> None:
    """What the host tells comes at once; what hangs is said; its GPUs come when it goes on."""
    eight.hang(ALL, "nvmlInit_v2", HOUR)
    eight.write()
    probing = probe(every=0.2)
    first = probing.sample()
    assert first.host.memory_used
    assert first.gpus == []
    sample = probing.until(lambda sample: sample.driver.error, "why")
    assert "hangs" in str(sample.driver.error)
    eight.recover()
    eight.write()
    sample = probing.until(lambda sample: len(sample.gpus) == 8, "the GPUs")
    assert sample.driver.error is None


def test_a_driver_that_starts_slowly_delays_nothing_but_itself(probe: Probe, eight: Script) -> None:
    """Without persistence mode a driver takes a second. Its GPUs come as soon as it is up, not a tick later."""
    eight.hang(ALL, "nvmlInit_v2", 0.5)
    eight.write()
    probing = probe(every=HOUR)
    assert probing.sample().gpus == []
    probing.until(lambda sample: len(sample.gpus) == 8, "the GPUs, an hour before the next tick")


def test_an_xid_is_heard_when_it_happens(probe: Probe, eight: Script) -> None:
    eight.xid(2, 31, time.time() - 100)  # before anybody listened: it is not told
    eight.write()
    probing = probe(every=0.1)
    probing.until(lambda sample: len(sample.gpus) == 8, "the GPUs")
    for _ in range(15):  # the listener is there by now
        assert all(gpu.xid is None for gpu in probing.sample().gpus)
    before = time.time()
    eight.gpus[6]["ecc_uncorrected"] = 99
    eight.xid(6, 48)
    eight.write()
    sample = probing.until(lambda sample: sample.gpus[6].xid, "the Xid")
    xid = sample.gpus[6].xid
    assert xid is not None
    assert xid.code == 48
    assert before - 1 <= xid.time <= sample.time + 1
    assert [gpu.xid for gpu in sample.gpus if gpu.index != 6] == [None] * 7
    probing.until(lambda sample: sample.gpus[6].ecc_uncorrected == 99, "what is looked at anew after an Xid")
    eight.xid(6, 79)
    eight.write()
    probing.until(lambda sample: sample.gpus[6].xid and sample.gpus[6].xid.code == 79, "the next one")


def test_an_xid_is_heard_on_a_driver_with_the_old_wait(probe: Probe, nvml: Nvml, eight: Script) -> None:
    probing = probe(library=nvml.library(["nvmlEventSetWait_v2"]))
    probing.until(lambda sample: len(sample.gpus) == 8, "the GPUs")
    eight.xid(0, 13, time.time() + 1.5)
    eight.write()
    probing.until(lambda sample: sample.gpus[0].xid and sample.gpus[0].xid.code == 13, "the Xid")


def test_the_others_are_heard_while_one_is_lost_or_hangs(probe: Probe, eight: Script) -> None:
    eight.fail(0, ALL, LOST)
    eight.hang(1, ALL, HOUR)
    eight.write()
    probing = probe(every=0.1)
    probing.until(lambda sample: hung(sample) == [1], "it to hang")
    eight.xid(7, 79)
    eight.write()
    probing.until(lambda sample: sample.gpus[7].xid, "the Xid")


def test_every_fault_at_once(probe: Probe, eight: Script, thirty: list[int]) -> None:
    instance = eight.instance(4, 0, memory_total=10000 * MIB, memory_used=1000 * MIB)
    eight.hang(0, "nvmlDeviceGetUtilizationRates", HOUR)
    eight.hang(1, ALL, HOUR)
    eight.fail(2, ALL, LOST)
    eight.fail(3)
    for function in ("nvmlDeviceGetUtilizationRates", "nvmlDeviceGetProcessUtilization"):
        eight.fail(5, function)
    eight.gpus[6]["power"] = "na"
    for number, pid in enumerate(thirty):
        eight.process(
            4 + number % 4, pid, (number + 1) * 100 * MIB, number, instance=0 if number % 4 == 0 else -1
        )
    eight.write()
    probing = probe(every=0.2)

    def expected(sample: MachineSample) -> bool:
        return len(sample.gpus) == 9 and hung(sample) == [0, 1] and len(on_gpus(sample)) == 30

    sample = probing.until(expected, "all of it")
    rows: dict[str, GpuSample] = {gpu.uuid: gpu for gpu in sample.gpus}
    assert sample.gpus[2].error == "lost"
    assert rows[instance].parent == uuid(4)
    assert rows[uuid(5)].utilisation is None
    assert rows[uuid(5)].temperature == 68
    assert rows[uuid(6)].power is None
    assert to_names(sample.gpus[3]) == {"uuid", "index", "error", "age"}  # it answers nothing
    by_pid = {one.pid: one.gpus[0] for one in on_gpus(sample)}
    for number, pid in enumerate(thirty):
        gpu, use = 4 + number % 4, by_pid[pid]
        assert use.gpu == (instance if gpu == 4 else uuid(gpu))
        assert use.memory == (number + 1) * 100 * MIB
        assert use.utilisation == (number if gpu in (6, 7) else None)
    eight.xid(7, 79)
    eight.write()
    probing.until(lambda sample: sample.gpus[8].xid, "the Xid")
    assert probing.close() < HOUR / 60
    assert probing.process.returncode == 0
    assert probing.errors() == ""


def to_names(gpu: GpuSample) -> set[str]:
    """What is said of a GPU at all."""
    return {name for name in gpu.__struct_fields__ if getattr(gpu, name) is not None}


async def test_a_hung_gpu_holds_up_neither_logs_nor_the_end(
    make_link: MakeLink, nvml: Nvml, eight: Script, tmp_path: Path
) -> None:
    eight.hang(3, ALL, HOUR)
    eight.write()
    link = await make_link(LocalHost({"HOME": str(tmp_path), **environment(nvml.library(), eight.path)}))
    run = RunOnDisk(tmp_path / "root")
    run.enter(protocol.RUNNING)
    watch = Watch(link, every=0.2)
    follow = link.stream("follow", {"run": run.id, "seq": 0, "stream": 0, "records": {}})
    while not hung(await watch.sample()):
        pass
    samples = []
    for number in range(10):
        run.append("stream.log", b"step %d\n" % number)
        while not (isinstance(item := await anext(follow), bytes) and item.endswith(b"step %d\n" % number)):
            pass
        samples.append(await watch.sample())
    assert_at_full_rate(samples, [0, 1, 2, 4, 5, 6, 7])
    [pid], far = probes_of(link), link.hello["pid"]
    await link.close()
    await until(lambda: not alive(pid) and not alive(far), "the link and its probe to end")


async def test_a_driver_that_crashes_the_probe_again_and_again_is_left_alone(
    make_link: MakeLink, nvml: Nvml, eight: Script, tmp_path: Path
) -> None:
    eight.fail(3, "nvmlDeviceGetTemperature", -signal.SIGSEGV)
    eight.write()
    link = await make_link(LocalHost({"HOME": str(tmp_path), **environment(nvml.library(), eight.path)}))
    watch = Watch(link, every=0.2)
    async with asyncio.timeout(60):
        while True:
            sample = await watch.sample()
            if sample.driver.error:
                break
    assert "crashes" in str(sample.driver.error)
    assert sample.gpus == []
    assert (await watch.sample()).host.memory_used
