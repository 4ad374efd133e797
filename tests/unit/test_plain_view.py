"""The quick way of a machine's view to JSON says what the thorough one says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.entities.alert import Alert, Severity
from workbench.entities.base import Plain, to_wire
from workbench.entities.encoding import encode
from workbench.entities.machine_view import Freshness, MachineView, RunThere
from workbench.entities.plain import plain_view
from workbench.entities.queue import Cordon
from workbench.entities.run import RunState
from workbench.entities.sample import (
    Disk,
    Driver,
    GpuSample,
    GpuUse,
    HostSample,
    MachineSample,
    ProcessSample,
    Remapped,
    Traffic,
    Xid,
)

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
FULL = MachineSample(
    time=1.5,
    every=1.0,
    host=HostSample(
        cpus=4, cpu=0.0, load=[0.0, 1.0, 2.0], users=0, network=Traffic(sent=0.0), disks=[Disk(path="/", free=0), Disk(path="/d", roles=["root"])]
    ),
    driver=Driver(version="570"),
    gpus=[
        GpuSample(uuid="a", index=0, utilisation=0.0, throttle=[], mig=False, remapped=Remapped(pending=False), xid=Xid(code=79, time=1.0)),
        GpuSample(uuid="b", error="lost", age=3.0),
    ],
    processes=[
        ProcessSample(pid=1),
        ProcessSample(pid=2, mine=True, command="x", gpus=[GpuUse(gpu="a", memory=0)]),
    ],
    note="n",
)  # fmt: skip
ALERT = Alert(rule="r", target="m", severity=Severity.BAD, text="t", advice="a", since=NOW)
VIEWS = [
    MachineView(name="m"),
    MachineView(name="m", freshness=Freshness.FRESH, sample=MachineSample(time=0.0)),
    MachineView(
        name="m",
        problem="p",
        retry=NOW,
        age=0.0,
        heard=NOW,
        sample=FULL,
        runs={"01R": RunThere(name="r", experiment="e", status=RunState.RUNNING)},
        held={"a": "01R"},
        alerts=[ALERT],
        cordon=Cordon(by="ann", reason="a new fan", since=NOW),
    ),
]


@pytest.mark.parametrize("view", VIEWS)
def test_both_ways_say_the_same(view: MachineView) -> None:
    assert plain_view(view) == to_wire(view)


def test_what_is_plain_already_is_written_as_it_is() -> None:
    value = {"a": [1, "é", None, {"b": 0.5}]}
    assert encode(Plain(value)).decode() == '{"a":[1,"é",null,{"b":0.5}]}'
    assert to_wire(Plain(value)) == value
    assert to_wire(Plain(value)) is not value


def test_half_a_character_is_escaped() -> None:
    assert encode(Plain({"a": "\udcff"})) == b'{"a":"\\udcff"}'
