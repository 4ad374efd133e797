"""All rules together: a machine that works never calls, what is bounded, what a restart keeps, what the page says."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerted_machine import GIB, RUN, START, Machine
from workbench.alerts.catalogue import catalogue
from workbench.alerts.engine import EVERY, all_rules
from workbench.alerts.finding import Pulse, Seen
from workbench.entities.alert import Alert, Severity
from workbench.entities.base import replace
from workbench.entities.machine_view import Freshness
from workbench.entities.sample import Disk, GpuSample, MachineSample, Xid
from workbench.settings import AlertSettings

ROOT = Path(__file__).parents[2]


def test_a_machine_that_works_never_calls() -> None:
    machine = Machine()
    for minute in range(60):
        machine.gpu(utilisation=50.0 + minute % 40, throttle=["power cap"], ecc_uncorrected=3)
        machine.pulses[RUN] = Pulse(machine.now, machine.now)
        machine.go_on(1)
    assert machine.raised == []


def test_a_machine_that_names_ever_new_things_is_remembered_in_bounds() -> None:
    machine, rules, sizes = Machine(), all_rules(), []
    for look in range(60):
        machine.now += EVERY
        names = [f"GPU-{look}-{n}" for n in range(100)]
        xid = Xid(code=79, time=machine.now)
        machine.gpus = {
            name: GpuSample(uuid=name, throttle=["thermal"], ecc_uncorrected=look, xid=xid, error=error)
            for name, error in zip(names, [None, "lost"] * 50, strict=True)
        }
        machine.disks = [Disk(path=f"/{look}/{n}", free=GIB, total=2 * GIB) for n in range(50)]
        machine.processes = [machine.process(RUN, name, pid=look * 100 + n) for n, name in enumerate(names)]
        seen = Seen(
            machine.view(), machine.view().sample or MachineSample(time=0), {}, AlertSettings(), machine.now
        )
        for rule in rules:
            list(rule.look(seen))
        sizes.append(sum(len(pickle.dumps(vars(rule))) for rule in rules))
    assert sizes[-1] < 1.3 * sizes[29], "after 3000 GPUs no more than after 2000"


def told_before() -> list[Alert]:
    since = datetime.fromtimestamp(START - 600, UTC)
    common = {"target": "gpu1", "severity": Severity.BAD, "text": "t", "advice": "a", "since": since}
    return [
        Alert(rule="held-idle", gpu="GPU-0", run=RUN, **common),
        Alert(rule="xid", gpu="GPU-0", about="79", **common),
        Alert(rule="ecc", gpu="GPU-0", **common),
        Alert(rule="gpu-lost", gpu="GPU-7", **common),
        Alert(rule="stalled", run=RUN, **common),
        Alert(rule="never-started", run="01" + "Z" * 24, **common),
    ]


class TestAfterARestart:
    def test_nothing_is_told_again_and_what_is_gone_ends(self) -> None:
        machine = Machine(known=told_before())
        machine.gpu(utilisation=0.0)
        machine.go_on(30)
        assert machine.raised == []
        assert [alert.rule for alert in machine.cleared] == ["never-started"]
        assert machine.open() == ["ecc", "gpu-lost", "held-idle", "stalled", "xid"]

    def test_what_happened_once_ends_when_it_would_have(self) -> None:
        machine = Machine(known=told_before())
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(49)
        assert {"ecc", "xid"} <= set(machine.open())
        machine.go_on(2)
        assert not {"ecc", "xid"} & set(machine.open())


def test_what_is_switched_off_is_not_told_and_what_was_told_ends() -> None:
    machine = Machine(AlertSettings(off=["gpu-lost"]))
    machine.gpu(error="lost")
    machine.freshness = Freshness.LOST
    machine.go_on(1)
    assert machine.rules() == ["silent"]
    machine.off = ["silent"]
    machine.go_on(1)
    assert machine.open() == []


def test_a_machine_that_lies_cannot_fill_the_list() -> None:
    machine = Machine()
    machine.gpus = {f"g{n}": GpuSample(uuid=f"g{n}", index=n, error="lost") for n in range(1000)}
    machine.go_on(1)
    assert len(machine.raised) == 200


def test_hostile_names_do_not_reach_a_sentence() -> None:
    machine = Machine()
    machine.runs[RUN] = replace(machine.runs[RUN], name="a\x1b]0;x\x07b")
    machine.processes.append(machine.process(None, pid=7, user="bo\x1b[2Jb\n", memory=GIB))
    machine.gpu(error="\x1b[31mred")
    machine.disks = [Disk(path="/\x1b[0m", total=10**12, free=1)]
    machine.go_on(3)
    assert len(machine.raised) >= 3
    assert all(alert.text.isprintable() for alert in machine.raised)


def test_the_catalogue_names_every_rule_once() -> None:
    named = [card.rule for card in catalogue(AlertSettings())]
    known = {rule for one in all_rules() for rule in one.ids} | {"silent"}
    assert sorted(named) == sorted(known)


def test_its_time_is_told_from_when_it_began() -> None:
    machine = Machine()
    machine.pulses[RUN] = Pulse(output=START + 10**6)
    machine.go_on(1)
    began = machine.now
    machine.gpu(utilisation=0.0)
    machine.go_on(12)
    assert machine.raised[0].since.timestamp() == pytest.approx(began + EVERY)


def test_the_page_of_alerts_has_the_rules_and_errors_as_they_are() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "docs" / "make_alerts.py"), "--check"], check=False)
    assert done.returncode == 0, "run: python docs/make_alerts.py"
