"""A machine that is looked at for what is wrong with it as its clock goes on; nothing of it is real."""

from __future__ import annotations

from typing import Any

from workbench.alerts.engine import EVERY, Changes, Watch
from workbench.alerts.finding import Pulse
from workbench.entities.alert import Alert
from workbench.entities.base import replace
from workbench.entities.machine_view import Freshness, MachineView, RunThere
from workbench.entities.run import RunState
from workbench.entities.sample import (
    Disk,
    Driver,
    GpuSample,
    GpuUse,
    HostSample,
    MachineSample,
    ProcessSample,
)
from workbench.entities.target import TargetState
from workbench.settings import AlertSettings

START = 1_800_000_000.0
GIB = 1 << 30
RUN = "01" + "A" * 24
OTHER = "01" + "B" * 24


class Machine:
    """A machine that is looked at as its clock goes on, and all that it told."""

    def __init__(self, settings: AlertSettings | None = None, known: list[Alert] | None = None) -> None:
        self.watch = Watch("gpu1", settings or AlertSettings(), known or [])
        self.now = START
        self.gpus = {"GPU-0": GpuSample(uuid="GPU-0", index=0, utilisation=90.0, memory_used=30 * GIB)}
        self.processes = [self.process(RUN)]
        self.disks: list[Disk] = []
        self.driver = Driver(version="570.1", source="nvml")
        self.runs = {
            RUN: RunThere(name="calm-otter", experiment="mnist", status=RunState.RUNNING, gpus=["GPU-0"])
        }
        self.held = {"GPU-0": RUN}
        self.freshness = Freshness.FRESH
        self.state = TargetState.CONNECTED
        self.pulses = {RUN: Pulse()}
        self.off: list[str] = []
        self.raised: list[Alert] = []
        self.cleared: list[Alert] = []

    @staticmethod
    def process(run: str | None, gpu: str = "GPU-0", memory: int = 30 * GIB, **more: Any) -> ProcessSample:
        fields = {"pid": 100, "start": 7, "user": "ann", **more}
        return ProcessSample(run=run, gpus=[GpuUse(gpu=gpu, memory=memory)], **fields)

    def gpu(self, uuid: str = "GPU-0", **changes: Any) -> None:
        self.gpus[uuid] = replace(self.gpus[uuid], **changes)

    def view(self) -> MachineView:
        sample = MachineSample(
            time=self.now,
            host=HostSample(disks=self.disks),
            driver=self.driver,
            gpus=list(self.gpus.values()),
            processes=self.processes,
        )
        return MachineView(
            name="gpu1",
            state=self.state,
            freshness=self.freshness,
            sample=sample,
            runs=self.runs,
            held=self.held,
        )

    def look(self) -> Changes:
        changes = self.watch.look(self.view(), self.pulses, self.now, self.off)
        self.raised += changes.raised
        self.cleared += changes.cleared
        return changes

    def go_on(self, minutes: float) -> None:
        """Look every five seconds for so long."""
        end = self.now + minutes * 60
        while self.now < end:
            self.now += EVERY
            self.look()

    def rules(self) -> list[str]:
        return [alert.rule for alert in self.raised]

    def open(self) -> list[str]:
        return sorted(key.rule for key in self.watch.open)
