"""GPUs through a nvidia-smi that goes on printing: an old one, one that dies or hangs, and a whole probe over it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.machines.ground import until
from tests.nvml.probing import Probing, on_gpus
from tests.smi import Smi, gpu
from workbench.remote.gpus import smi_sampling
from workbench.remote.gpus.smi_sampling import SmiSampler
from workbench.remote.machine import Machine
from workbench.remote.probe import driver_renewal, ticking


@pytest.fixture
def smi(tmp_path: Path) -> Smi:
    """The program."""
    return Smi(tmp_path / "smi")


@pytest.fixture
def sampler(smi: Smi) -> Iterator[Callable[[], SmiSampler]]:
    """Makes samplers; what they started is ended, since nothing reads them any more."""
    made: list[SmiSampler] = []

    def make() -> SmiSampler:
        made.append(SmiSampler(str(smi.path)))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Enough(Exception):
    """Ends a probe from what it writes to."""


def figures(sampler: SmiSampler, every: float = 1.0) -> dict[str, dict[str, Any]]:
    return {row["uuid"]: row for row in sampler.rows(every)}


def test_every_gpu_is_told_of_and_again_and_again_by_one_start(smi: Smi, sampler: Any) -> None:
    smi.say(gpus=[gpu(0), gpu(1, utilization__gpu="[N/A]")], apps=[["GPU-0", "77", "512"]])
    one = sampler()
    one.sample(frozenset(), 60.0)
    rows = until(lambda: figures(one) if len(figures(one)) == 2 else None, "both GPUs")
    assert rows["GPU-0"]["utilisation"] == 97
    assert "utilisation" not in rows["GPU-1"]
    assert not one.starting()
    until(lambda: one.uses() == {77: [{"gpu": "GPU-0", "memory": 512 << 20}]}, "its process")
    smi.say(gpus=[gpu(0, utilization__gpu="5"), gpu(1)], apps=[])
    until(lambda: figures(one)["GPU-0"]["utilisation"] == 5, "its new figure")
    until(lambda: one.uses() == {}, "its process to be gone")
    assert len(smi.starts) == 2
    assert one.driver() == {"source": "nvidia-smi", "version": "570.124.06"}


def test_of_an_old_one_all_but_what_it_does_not_know(smi: Smi, sampler: Any) -> None:
    unknown = ["memory.reserved", "utilization.encoder", "mig.mode.current"]
    smi.say(gpus=[gpu(0)], unknown=unknown)
    one = sampler()
    rows = until(lambda: figures(one), "its GPU")
    assert rows["GPU-0"]["temperature"] == 61
    assert "mig" not in rows["GPU-0"]
    assert not any(name in smi.starts[-1] for name in unknown)


def test_one_that_dies_in_the_middle_is_started_again_and_the_figures_say_since_when(
    smi: Smi, sampler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smi_sampling, "RETRY", (0.2, 0.2))
    one = sampler()
    until(lambda: len(figures(one)) == 2, "its GPUs")
    words = "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost."
    smi.say(said=words)
    row = until(lambda: figures(one)["GPU-1"] if "error" in figures(one)["GPU-1"] else None, "the error")
    assert row["error"] == f"nvidia-smi ended: {words}"
    assert row["age"] >= 0
    assert row["utilisation"] == 97
    smi.say(gpus=[gpu(0), gpu(1)])
    until(lambda: "error" not in figures(one)["GPU-1"], "it to be well again")


def test_without_a_driver_it_says_why(smi: Smi, sampler: Any) -> None:
    words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    smi.say(said=words, exit=9)
    one = sampler()
    one.sample(frozenset(), 60.0)
    assert one.driver()["error"] == f"nvidia-smi ended: {words}"
    assert one.rows(1.0) == []


def test_one_that_hangs_holds_nobody_up(smi: Smi, sampler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = sampler()
    until(lambda: len(figures(one)) == 2, "its GPUs")
    monkeypatch.setattr(smi_sampling, "HUNG", -0.5)
    smi.say(hangs=True)
    until(lambda: figures(one)["GPU-0"].get("error") == "hung", "it to be said to hang")


def test_when_seldom_is_enough_it_prints_seldom(smi: Smi, sampler: Any) -> None:
    one = sampler()
    until(lambda: figures(one), "its GPUs")
    one.rows(5.0)
    until(lambda: [start for start in smi.starts if start.endswith("-l 5")], "it to be started anew")


def test_a_probe_without_nvml_tells_of_gpus_by_it(smi: Smi, tmp_path: Path) -> None:
    smi.say(gpus=[gpu(0), gpu(1, utilization__gpu="[N/A]")], apps=[["GPU-1", str(os.getpid()), "512"]])
    path = f"{smi.folder}:{os.environ['PATH']}"
    probing = Probing(tmp_path, {"WORKBENCH_NVML": "/none", "PATH": path})
    try:
        probing.say(every=0.1)
        sample = probing.until(
            lambda one: (
                len(one.gpus) == 2 and [process.user for process in on_gpus(one)] != [None] and on_gpus(one)
            ),
            "its GPUs and the process on one",
        )
        assert [(one.uuid, one.utilisation, one.memory_used) for one in sample.gpus] == [
            ("GPU-0", 97, 1000 << 20),
            ("GPU-1", None, 1000 << 20),
        ]
        assert sample.driver.source == "nvidia-smi"
        assert sample.driver.version == "570.124.06"
        (process,) = on_gpus(sample)
        assert (process.pid, process.gpus[0].gpu, process.gpus[0].memory) == (os.getpid(), "GPU-1", 512 << 20)
        assert sample.host.memory_total
    finally:
        probing.close()
    until(lambda: not left(str(smi.folder)), "nvidia-smi to end, since nobody reads it")


def left(marker: str) -> list[int]:
    """Processes with a text in their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(marker in word for word in process.cmdline()):
                found.append(process.pid)
    return found


def test_a_look_at_what_is_installed_does_not_start_it_anew(
    smi: Smi, sampler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver is looked at now and then; a nvidia-smi that prints seldom goes on meanwhile."""
    monkeypatch.setattr(driver_renewal, "LOOK_EVERY", 0.0)
    one = sampler()
    monkeypatch.setattr(ticking, "open_gpus", lambda _: one)
    wish = ticking.Wish()
    wish.take(b'{"every": 5}')
    looks = iter(range(1000))

    def write(_: bytes) -> None:
        wish.take(b'{"full": true}')  # the next one at once
        if sum("-l 5" in start for start in smi.starts) >= 2 and next(looks) == 200:
            raise Enough

    with pytest.raises(Enough):
        ticking.Probe(Machine(str(tmp_path / "root"), str(tmp_path / "leases")), wish, write).run()
    assert sum(start.endswith("-l 5") for start in smi.starts) == 2
    assert "error" not in figures(one, 5.0).get("GPU-0", {})
