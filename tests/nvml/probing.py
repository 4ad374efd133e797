"""A probe on a scripted NVML, as a process of its own without a link."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench.remote
from tests.nvml.building import Nvml, environment
from tests.nvml.script import Script
from workbench.compute.samples import State
from workbench.entities.sample import GpuSample, MachineSample, ProcessSample

DEADLINE = 60.0
START = "import sys; sys.path.insert(0, sys.argv[1]); from workbench.remote.entry import main; sys.exit(main(sys.argv[2:]))"


class Probing:
    """A running probe and what it has told."""

    def __init__(
        self, folder: Path, environ: dict[str, str], python: str = sys.executable, *words: str
    ) -> None:
        payload = folder / "payload"
        if not payload.exists():  # the far end's package alone, as a machine has it
            (payload / "workbench").mkdir(parents=True)
            (payload / "workbench/__init__.py").touch()
            (payload / "workbench/remote").symlink_to(Path(workbench.remote.__path__[0]))
        command = [python, "-I", "-S", "-B", "-c", START, str(payload), "probe"]
        with (folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, str(folder / "root"), str(folder / "leases"), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={"PATH": os.environ["PATH"], **environ},
                bufsize=0,
            )
        self._folder = folder
        self._pending = b""
        self._state = State()
        self.sizes: list[int] = []
        """Bytes of each line so far."""

    def say(self, **line: Any) -> None:
        """Ask for another rate, detail, or a sample in full."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    def line(self) -> bytes:
        """The next line."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            block = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not block:
                pytest.fail(f"the probe told no more: {(self._folder / 'stderr').read_text()}")
            self._pending += block
        line, _, self._pending = self._pending.partition(b"\n")
        self.sizes.append(len(line) + 1)
        return line

    def sample(self) -> MachineSample:
        """The next sample."""
        return self._state.apply(json.loads(self.line()))

    def until(self, condition: Callable[[MachineSample], object], what: str) -> MachineSample:
        """The first sample for which condition is true."""
        deadline = time.monotonic() + DEADLINE
        while not condition(sample := self.sample()):
            if time.monotonic() > deadline:
                pytest.fail(f"waited {DEADLINE} s for {what}; now {str(sample)[:3000]}")
        return sample

    def gpus(self) -> list[GpuSample]:
        """The GPUs, once all of them are there."""
        return self.until(
            lambda sample: sample.gpus and all(g.memory_total for g in sample.gpus), "the GPUs"
        ).gpus

    def close(self) -> float:
        """Close its input: the seconds until it was gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        began = time.monotonic()
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        return time.monotonic() - began

    def errors(self) -> str:
        """What it wrote to its standard error."""
        return (self._folder / "stderr").read_text()


Probe = Callable[..., Probing]


def on_gpus(sample: MachineSample) -> list[ProcessSample]:
    """The processes that have something of a GPU; this machine's other runs are not a test's business."""
    return [process for process in sample.processes if process.gpus]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A script of this test's own."""
    return Script(tmp_path / "script")


@pytest.fixture
def probe(tmp_path: Path, nvml: Nvml, script: Script) -> Iterator[Probe]:
    """`probe(every=0.1, library=None, python=sys.executable)`: a probe on the script; it is closed at the end."""
    started: list[Probing] = []

    def start(
        every: float = 0.1, library: Path | None = None, python: str = sys.executable, **line: Any
    ) -> Probing:
        made = Probing(tmp_path, environment(library or nvml.library(), script.path), python)
        started.append(made)
        made.say(every=every, **line)
        return made

    yield start
    for made in started:
        if made.process.poll() is None:
            made.close()


def gpu_memory(processes: list[ProcessSample]) -> dict[int, int | None]:
    """The memory in bytes that each holds on any GPU, by pid."""
    return {one.pid: use.memory for one in processes for use in one.gpus}
