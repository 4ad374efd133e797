"""When machines call: every rule, its fault first, then that it keeps quiet, then that it ends by itself."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.alerts.catalogue import catalogue
from workbench.alerts.engine import EVERY, Changes, Watch, all_rules
from workbench.alerts.finding import Pulse, Seen
from workbench.alerts.xids import XIDS, meaning
from workbench.entities.alert import Alert, Severity
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
    Remapped,
    Xid,
)
from workbench.entities.target import TargetState
from workbench.settings import AlertSettings

ROOT = Path(__file__).parents[2]
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


class TestHeldIdle:
    def test_it_calls_once_after_its_time_and_is_over_by_itself(self) -> None:
        machine = Machine()
        machine.go_on(1)
        machine.gpu(utilisation=0.0)
        machine.pulses[RUN] = Pulse(output=START + 10**6)  # it talks, so it is not stalled
        machine.go_on(9.5)
        assert machine.raised == []
        machine.go_on(20)
        (alert,) = machine.raised
        assert (alert.rule, alert.gpu, alert.run) == ("held-idle", "GPU-0", RUN)
        assert "GPU 0" in alert.text
        assert "calm-otter" in alert.text
        assert "wb cancel calm-otter" in alert.advice
        machine.gpu(utilisation=80.0)
        machine.go_on(0.5)
        assert machine.cleared == []
        machine.go_on(1)
        assert machine.cleared == [alert]

    def test_a_run_that_was_never_busy_is_not_idle(self) -> None:
        machine = Machine()
        machine.gpu(utilisation=3.0)
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(30)
        assert machine.raised == []

    def test_that_it_was_busy_before_a_restart_is_known(self) -> None:
        machine = Machine()
        machine.watch = Watch("gpu1", AlertSettings(), [], [(RUN, "GPU-0")])
        machine.gpu(utilisation=0.0)
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(11)
        assert machine.rules() == ["held-idle"]

    def test_a_moment_of_work_begins_its_time_anew(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        for _ in range(4):
            machine.gpu(utilisation=0.0)
            machine.go_on(8)
            machine.gpu(utilisation=30.0)
            machine.go_on(0.2)
        assert machine.raised == []

    def test_between_idle_and_busy_nothing_flaps(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        machine.gpu(utilisation=1.0)
        machine.go_on(11)
        for _ in range(10):
            machine.gpu(utilisation=7.0)
            machine.go_on(3)
            machine.gpu(utilisation=1.0)
            machine.go_on(3)
        assert (machine.rules(), machine.cleared) == (["held-idle"], [])

    def test_an_unreadable_value_neither_calls_nor_ends(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        machine.gpu(utilisation=1.0)
        machine.go_on(11)
        machine.gpu(utilisation=None)
        machine.go_on(30)
        assert (machine.rules(), machine.cleared) == (["held-idle"], [])

    def test_it_is_over_when_the_run_is(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        machine.gpu(utilisation=0.0)
        machine.go_on(11)
        machine.runs, machine.held = {}, {}
        machine.go_on(0.1)
        assert [alert.rule for alert in machine.cleared] == ["held-idle"]

    def test_what_nobody_measured_is_not_counted_as_idle(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        machine.gpu(utilisation=0.0)
        machine.go_on(6)
        machine.now += 3600
        machine.go_on(6)
        assert machine.raised == []
        machine.go_on(5)
        assert machine.rules() == ["held-idle"]


class TestNeverStarted:
    def test_a_run_without_a_process_on_its_gpu(self) -> None:
        machine = Machine()
        machine.processes = []
        machine.gpu(utilisation=0.0, memory_used=3 << 20)
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(11)
        (alert,) = machine.raised
        assert (alert.rule, alert.run) == ("never-started", RUN)
        machine.processes = [machine.process(RUN)]
        machine.go_on(0.1)
        assert [alert.rule for alert in machine.cleared] == ["never-started"]

    def test_where_pids_cannot_be_seen_memory_tells(self) -> None:
        machine = Machine()
        machine.processes = []
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.gpu(utilisation=0.0, memory_used=30 * GIB)
        machine.go_on(30)
        assert machine.raised == []

    def test_where_nothing_can_be_seen_nothing_is_said(self) -> None:
        machine = Machine()
        machine.processes = []
        machine.gpu(utilisation=None, memory_used=None)
        machine.go_on(30)
        assert machine.raised == []

    def test_one_that_ended_its_process_was_started(self) -> None:
        machine = Machine()
        machine.go_on(1)
        machine.processes = []
        machine.gpu(utilisation=0.0, memory_used=0)
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(20)
        assert "never-started" not in machine.rules()

    def test_a_run_that_waits_in_the_queue_is_none(self) -> None:
        machine = Machine()
        machine.runs[RUN] = replace(machine.runs[RUN], status=RunState.QUEUED)
        machine.processes = []
        machine.gpu(utilisation=0.0, memory_used=0)
        machine.go_on(30)
        assert machine.raised == []


class TestStalled:
    def stalled(self) -> Machine:
        machine = Machine()
        machine.go_on(1)
        machine.gpu(utilisation=0.0)
        machine.pulses[RUN] = Pulse(output=machine.now, record=machine.now)
        return machine

    def test_three_signals_together(self) -> None:
        machine = self.stalled()
        machine.go_on(14)
        assert "stalled" not in machine.rules()
        machine.go_on(2)
        alert = next(alert for alert in machine.raised if alert.rule == "stalled")
        assert alert.severity is Severity.BAD
        assert "wb run stack calm-otter" in alert.advice

    @pytest.mark.parametrize("sign", ["output", "record"])
    def test_one_line_or_metric_is_a_sign_of_life(self, sign: str) -> None:
        machine = self.stalled()
        for _ in range(20):
            machine.go_on(3)
            machine.pulses[RUN] = machine.pulses[RUN]._replace(**{sign: machine.now})
        assert "stalled" not in machine.rules()

    def test_use_of_one_of_several_gpus_is_a_sign_of_life(self) -> None:
        machine = self.stalled()
        machine.gpus["GPU-1"] = GpuSample(uuid="GPU-1", index=1, utilisation=0.0)
        machine.held["GPU-1"] = RUN
        for minute in range(40):
            machine.gpu("GPU-1", utilisation=60.0 if minute % 10 == 0 else 0.0)
            machine.go_on(1)
        assert "stalled" not in machine.rules()

    def test_it_is_over_at_once_when_there_is_output(self) -> None:
        machine = self.stalled()
        machine.go_on(16)
        machine.pulses[RUN] = Pulse(output=machine.now)
        machine.go_on(0.1)
        assert "stalled" in [alert.rule for alert in machine.cleared]

    def test_a_run_nobody_listens_to_is_not_judged(self) -> None:
        machine = self.stalled()
        machine.pulses.clear()
        machine.go_on(60)
        assert "stalled" not in machine.rules()


class TestMemoryLeak:
    def grow(self, machine: Machine, minutes: int, share: float, wobble: float = 0.0) -> None:
        size = machine.processes[0].gpus[0].memory or 0
        for minute in range(minutes):
            size = round(size * (1 + share) * (1 - wobble if minute % 2 else 1))
            machine.processes = [machine.process(RUN, memory=size)]
            machine.go_on(1)

    def test_steady_growth(self) -> None:
        machine = Machine()
        self.grow(machine, 25, 0.02)
        assert machine.raised == []
        self.grow(machine, 10, 0.02)
        (alert,) = machine.raised
        assert (alert.rule, alert.about, alert.run) == ("memory-leak", "100", RUN)
        self.grow(machine, 40, 0.0)
        assert [alert.rule for alert in machine.cleared] == ["memory-leak"]

    def test_minutes_without_figures_end_no_alert_and_break_nothing(self) -> None:
        machine = Machine()
        self.grow(machine, 35, 0.02)
        assert machine.rules() == ["memory-leak"]
        machine.now += 600
        self.grow(machine, 2, 0.02)
        assert machine.open() == ["memory-leak"]
        self.grow(machine, 40, 0.0)
        assert machine.open() == []

    def test_growth_that_shrinks_in_between_is_a_cache(self) -> None:
        machine = Machine()
        self.grow(machine, 60, 0.05, wobble=0.07)
        assert machine.raised == []

    def test_slow_growth_is_none(self) -> None:
        machine = Machine()
        self.grow(machine, 60, 0.004)
        assert machine.raised == []

    def test_another_users_process_is_not_ours_to_judge(self) -> None:
        machine = Machine()
        machine.held, machine.runs = {}, {}
        for minute in range(40):
            machine.processes = [machine.process(None, memory=(1 + minute) * GIB)]
            machine.go_on(1)
        assert machine.raised == []


class TestThrottle:
    @pytest.mark.parametrize(
        ("word", "why"),
        [("hardware thermal", "heat"), ("software thermal", "heat"), ("power brake", "power brake")],
    )
    def test_in_a_good_part_of_the_time(self, word: str, why: str) -> None:
        machine = Machine()
        for look in range(30):
            machine.gpu(throttle=[word] if look % 3 == 0 else [], temperature=88.0)
            machine.go_on(EVERY / 60)
        (alert,) = machine.raised
        assert (alert.rule, alert.gpu) == ("throttled", "GPU-0")
        assert why in alert.text
        machine.gpu(throttle=[])
        machine.go_on(3)
        assert [alert.rule for alert in machine.cleared] == ["throttled"]

    def test_a_moment_of_it_is_none(self) -> None:
        machine = Machine()
        for look in range(60):
            machine.gpu(throttle=["hardware thermal"] if look % 6 == 0 else [])
            machine.go_on(EVERY / 60)
        assert machine.raised == []

    def test_a_power_cap_alone_is_normal(self) -> None:
        machine = Machine()
        machine.gpu(throttle=["power cap"])
        machine.go_on(10)
        assert machine.raised == []


class TestMemoryErrors:
    def test_a_count_that_was_there_before_is_no_news(self) -> None:
        machine = Machine()
        machine.gpu(ecc_uncorrected=12)
        machine.go_on(10)
        assert machine.raised == []

    def test_one_more_is_told_once_and_over_after_an_hour(self) -> None:
        machine = Machine()
        machine.gpu(ecc_uncorrected=12)
        machine.go_on(1)
        machine.gpu(ecc_uncorrected=14)
        machine.go_on(30)
        (alert,) = machine.raised
        assert (alert.rule, alert.severity) == ("ecc", Severity.BAD)
        assert "2 memory errors" in alert.text
        machine.go_on(31)
        assert machine.cleared == [alert]

    def test_rows_that_wait_and_rows_that_cannot_be_replaced(self) -> None:
        machine = Machine()
        machine.gpu(remapped=Remapped(pending=True, failed=False))
        machine.go_on(1)
        machine.gpu(remapped=Remapped(pending=True, failed=True))
        machine.go_on(1)
        assert [(alert.rule, alert.severity.value) for alert in machine.raised] == [
            ("row-remap", "warn"),
            ("row-remap", "bad"),
        ]
        assert machine.open() == ["row-remap"]
        machine.gpu(remapped=Remapped(pending=False, failed=False))
        machine.go_on(2)
        assert machine.open() == []

    def test_nothing_read_is_nothing_told(self) -> None:
        machine = Machine()
        machine.gpu(remapped=Remapped(), ecc_uncorrected=None)
        machine.go_on(5)
        assert machine.raised == []


class TestXids:
    def test_what_it_means_and_what_to_do(self) -> None:
        machine = Machine()
        machine.gpu(xid=Xid(code=79, time=machine.now))
        machine.go_on(30)
        (alert,) = machine.raised
        assert (alert.rule, alert.about) == ("xid", "79")
        assert "fallen off the bus" in alert.text
        assert "power" in alert.advice

    def test_cleaning_up_after_another_error_is_no_fault(self) -> None:
        machine = Machine()
        machine.gpu(xid=Xid(code=45, time=machine.now))
        machine.go_on(5)
        assert machine.raised == []

    def test_a_programs_own_fault_is_not_the_gpus(self) -> None:
        machine = Machine()
        machine.gpu(xid=Xid(code=31, time=machine.now))
        machine.go_on(5)
        assert machine.raised[0].severity is Severity.WARN

    def test_each_code_is_told_and_the_hour_counts_from_the_last(self) -> None:
        machine = Machine()
        machine.gpu(xid=Xid(code=48, time=machine.now))
        machine.go_on(40)
        machine.gpu(xid=Xid(code=48, time=machine.now))
        machine.go_on(40)
        assert (machine.rules(), machine.cleared) == (["xid"], [])
        machine.gpu(xid=Xid(code=63, time=machine.now))
        machine.go_on(61)
        assert [alert.about for alert in machine.raised] == ["48", "63"]
        assert sorted(alert.about or "" for alert in machine.cleared) == ["48", "63"]

    def test_one_nobody_knows_says_where_to_look(self) -> None:
        assert meaning(999) not in XIDS.values()
        assert "dmesg" in meaning(999).advice

    def test_every_fault_says_what_to_do(self) -> None:
        assert all(known.advice or known.severity is None for known in XIDS.values())


class TestGpusThatDoNotAnswer:
    @pytest.mark.parametrize(
        ("error", "rule"), [("lost", "gpu-lost"), ("hung", "gpu-hung"), ("odd", "gpu-error")]
    )
    def test_each_by_its_own_rule(self, error: str, rule: str) -> None:
        machine = Machine()
        machine.gpu(error=error, utilisation=None)
        machine.go_on(1)
        assert machine.rules() == [rule]
        machine.gpu(error=None, utilisation=50.0)
        machine.go_on(1)
        assert machine.open() == []

    def test_one_slow_answer_is_no_hang(self) -> None:
        machine = Machine()
        machine.gpu(error="hung")
        machine.look()
        machine.gpu(error=None)
        machine.go_on(1)
        assert machine.raised == []

    def test_a_lost_gpu_that_vanishes_from_the_list_is_not_well(self) -> None:
        machine = Machine()
        machine.gpu(error="lost")
        machine.go_on(1)
        machine.gpus.clear()
        machine.go_on(30)
        assert (machine.open(), machine.cleared) == (["gpu-lost"], [])

    def test_a_driver_upgraded_under_the_kernel(self) -> None:
        machine = Machine()
        machine.driver = Driver(error="driver/library version mismatch: 570.1, 580.2")
        machine.gpus.clear()
        machine.go_on(1)
        (alert,) = machine.raised
        assert alert.rule == "driver"
        assert "runs go on, new ones fail; reboot" in alert.advice

    def test_a_machine_without_gpus_has_no_fault(self) -> None:
        machine = Machine()
        machine.driver, machine.processes = Driver(), []
        machine.gpus.clear()
        machine.runs, machine.held = {}, {}
        machine.go_on(5)
        assert machine.raised == []


class TestDisks:
    def disk(self, machine: Machine, free: float, total: float = 1000.0) -> None:
        machine.disks = [Disk(path="/data", roles=["root"], total=round(total * 1e9), free=round(free * 1e9))]

    @pytest.mark.parametrize(
        ("free", "total", "full"),
        [
            (49, 1000, True),
            (51, 1000, False),
            (19, 300, True),
            (21, 300, False),
            (15, 60, False),
            (9, 60, True),
        ],
    )
    def test_nearly_full_by_share_and_by_size(self, free: float, total: float, full: bool) -> None:
        machine = Machine()
        self.disk(machine, free, total)
        machine.go_on(2)
        assert machine.rules() == (["disk-full"] if full else [])

    def test_a_little_more_room_is_not_enough(self) -> None:
        machine = Machine()
        self.disk(machine, 40)
        machine.go_on(2)
        self.disk(machine, 55)
        machine.go_on(5)
        assert machine.cleared == []
        self.disk(machine, 70)
        machine.go_on(2)
        assert machine.open() == []

    def test_full_within_two_hours_at_the_present_rate(self) -> None:
        machine = Machine()
        for minute in range(20):
            self.disk(machine, 500 - 5 * minute)
            machine.go_on(1)
        assert machine.rules() == ["disk-filling"]
        assert "will be full in 1h" in machine.raised[0].text
        for _ in range(40):
            self.disk(machine, 400)
            machine.go_on(1)
        assert machine.open() == []

    def test_a_slow_writer_is_no_alarm(self) -> None:
        machine = Machine()
        for minute in range(40):
            self.disk(machine, 500 - minute)
            machine.go_on(1)
        assert machine.raised == []

    def test_what_cannot_be_read_is_not_full(self) -> None:
        machine = Machine()
        machine.disks = [Disk(path="/data", roles=["root"], total=10**12, free=None)]
        machine.go_on(5)
        assert machine.raised == []


class TestSilence:
    def test_a_moment_of_lateness_begins_no_hold_time_anew(self) -> None:
        machine = Machine()
        machine.pulses[RUN] = Pulse(output=START + 10**6)
        machine.go_on(1)
        machine.gpu(utilisation=0.0)
        for _ in range(4):
            machine.go_on(2)
            machine.freshness = Freshness.LATE
            machine.go_on(0.1)
            machine.freshness = Freshness.FRESH
        machine.go_on(2)
        assert machine.rules() == ["held-idle"]

    def test_red_is_told_and_amber_is_not(self) -> None:
        machine = Machine()
        machine.go_on(1)
        machine.freshness = Freshness.LATE
        machine.go_on(1)
        assert machine.raised == []
        machine.freshness = Freshness.LOST
        machine.go_on(1)
        (alert,) = machine.raised
        assert (alert.rule, alert.severity) == ("silent", Severity.BAD)
        assert "1 run" in alert.text
        machine.freshness = Freshness.LATE
        machine.go_on(1)
        assert machine.cleared == []
        machine.freshness = Freshness.FRESH
        machine.go_on(0.1)
        assert machine.cleared == [alert]

    def test_its_other_alerts_stay_as_they_are(self) -> None:
        machine = Machine()
        machine.gpu(error="lost")
        machine.go_on(1)
        machine.freshness = Freshness.LOST
        machine.go_on(600)
        assert machine.open() == ["gpu-lost", "silent"]

    @pytest.mark.parametrize("freshness", [Freshness.RESTING, Freshness.NEVER])
    def test_a_machine_that_is_not_asked_is_well(self, freshness: Freshness) -> None:
        machine = Machine()
        machine.freshness = freshness
        machine.go_on(10)
        assert machine.raised == []

    def test_after_a_restart_one_that_is_still_out_of_reach_is_not_well(self) -> None:
        since = datetime.fromtimestamp(START - 600, UTC)
        known = Alert(rule="silent", target="gpu1", severity=Severity.BAD, text="t", advice="a", since=since)
        machine = Machine(known=[known])
        machine.freshness, machine.state = Freshness.NEVER, TargetState.UNREACHABLE
        machine.go_on(10)
        assert (machine.open(), machine.raised) == (["silent"], [])
        machine.freshness, machine.state = Freshness.FRESH, TargetState.CONNECTED
        machine.go_on(0.1)
        assert machine.cleared == [known]

    def test_one_that_waits_for_a_sign_in_says_so(self) -> None:
        machine = Machine()
        machine.freshness, machine.state = Freshness.LOST, TargetState.NEEDS_SIGN_IN
        machine.look()
        assert machine.raised[0].advice == "wb compute login gpu1"


class TestForeignUse:
    def test_a_stranger_on_a_gpu_we_hold(self) -> None:
        machine = Machine()
        machine.processes.append(machine.process(None, pid=7, user="bob", memory=GIB))
        machine.go_on(0.5)
        assert machine.raised == []
        machine.go_on(1)
        (alert,) = machine.raised
        assert (alert.rule, alert.gpu, alert.run) == ("foreign-use", "GPU-0", RUN)
        assert "process 7 of bob uses GPU 0" in alert.text
        machine.processes.pop()
        machine.go_on(2)
        assert machine.open() == []

    def test_another_run_of_ours_that_holds_another_gpu(self) -> None:
        machine = Machine()
        machine.runs[OTHER] = RunThere(name="wild-fox", experiment="x", status=RunState.RUNNING)
        machine.processes.append(machine.process(OTHER, memory=GIB))
        machine.go_on(2)
        assert "wild-fox uses GPU 0" in machine.raised[0].text

    def test_a_desktop_on_the_card_is_let_be(self) -> None:
        machine = Machine()
        machine.processes.append(machine.process(None, pid=7, user="root", memory=100 << 20))
        machine.go_on(10)
        assert machine.raised == []

    def test_what_is_free_may_be_used(self) -> None:
        machine = Machine()
        machine.held = {}
        machine.processes = [machine.process(None, user="bob")]
        machine.go_on(10)
        assert machine.raised == []

    def test_a_shells_lease_is_its_users_business(self) -> None:
        machine = Machine()
        machine.held = {"GPU-0": "shell of ann"}
        machine.processes = [machine.process(None, user="ann")]
        machine.go_on(10)
        assert machine.raised == []


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
