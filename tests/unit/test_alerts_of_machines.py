"""When machines call for themselves: the fault first, then that it keeps quiet, then that it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.alerted_machine import GIB, OTHER, RUN, START, Machine
from workbench.alerts.engine import EVERY
from workbench.alerts.finding import Pulse
from workbench.alerts.xids import XIDS, meaning
from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import Freshness, RunThere
from workbench.entities.run import RunState
from workbench.entities.sample import Disk, Driver, Remapped, Xid
from workbench.entities.target import TargetState


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

    def test_it_names_the_run_that_held_the_gpu_then(self) -> None:
        machine = Machine()
        machine.gpu(xid=Xid(code=31, time=machine.now))
        machine.go_on(5)
        (alert,) = machine.raised
        assert alert.run == RUN
        assert "while calm-otter held it" in alert.text
        machine.held = {}
        machine.go_on(5)
        assert machine.cleared == []
        machine.gpu(xid=Xid(code=31, time=machine.now))
        machine.go_on(5)
        assert machine.raised[1].run is None
        assert "held" not in machine.raised[1].text

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
