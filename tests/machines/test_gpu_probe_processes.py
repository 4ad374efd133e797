"""What the probe tells of processes on GPUs, on a scripted driver."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.nvml.building import nvml
from tests.nvml.probing import Probe, gpu_memory, on_gpus, probe, script
from tests.nvml.script import MIB, Script, uuid
from workbench.entities.sample import MachineSample

__all__ = ["nvml", "probe", "script"]


def test_processes_with_memory_and_share(probe: Probe, script: Script) -> None:
    script.gpus.append({**script.gpus[0], "uuid": uuid(1)})
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        script.process(0, os.getpid(), 1000 * MIB, 40)
        script.process(1, os.getpid(), 2000 * MIB, 0)
        script.process(0, os.getpid(), 1000 * MIB, 40, kind="graphics")  # it does both: still one
        script.process(1, sleeper.pid, 3000 * MIB)
        script.write()
        probing = probe()

        def whole(sample: MachineSample) -> bool:
            uses = {one.pid: len(one.gpus) for one in on_gpus(sample) if one.command}
            return uses == {os.getpid(): 2, sleeper.pid: 1}

        sample = probing.until(whole, "both, and who they are")
        found = {one.pid: one for one in on_gpus(sample)}
        mine, other = found[os.getpid()], found[sleeper.pid]
        assert [(use.gpu, use.memory, use.utilisation) for use in mine.gpus] == [
            (uuid(0), 1000 * MIB, 40),
            (uuid(1), 2000 * MIB, 0),
        ]
        # The driver has no sample of the other: that is not 0.
        assert [(use.gpu, use.memory, use.utilisation) for use in other.gpus] == [(uuid(1), 3000 * MIB, None)]
        assert mine.memory
        assert mine.mine
        script.processes = [process for process in script.processes if process[3] != os.getpid()]
        script.write()
        probing.until(lambda sample: os.getpid() not in {one.pid for one in on_gpus(sample)}, "it to leave")
    finally:
        sleeper.kill()
        sleeper.wait()


def test_more_processes_than_expected(probe: Probe, script: Script) -> None:
    for pid in range(5_000_000, 5_000_150):
        script.process(0, pid, (pid - 4_999_000) * MIB, 1)
    script.write()
    probing = probe()
    sample = probing.until(lambda sample: len(on_gpus(sample)) == 150, "all of them")
    assert gpu_memory(on_gpus(sample)) == {
        pid: (pid - 4_999_000) * MIB for pid in range(5_000_000, 5_000_150)
    }


@pytest.mark.parametrize("count", [1, 2, 70])
def test_a_driver_whose_entries_are_longer_than_they_should_be(
    probe: Probe, script: Script, count: int
) -> None:
    """The first drivers of the 535 series filled in another structure under the same name."""
    script.library["long_processes"] = 1
    for number in range(count):
        script.process(0, 5_000_000 + number, (number + 1) * MIB)
    script.write()
    sample = probe().until(lambda sample: len(on_gpus(sample)) == count, "all of them")
    assert gpu_memory(on_gpus(sample)) == {5_000_000 + number: (number + 1) * MIB for number in range(count)}
