"""When machines call for a run: its fault first, then that it keeps quiet, then that it ends by itself."""

from __future__ import annotations

import pytest

from tests.alerted_machine import GIB, RUN, START, Machine
from workbench.alerts.engine import Watch
from workbench.alerts.finding import Pulse
from workbench.entities.alert import Severity
from workbench.entities.base import replace
from workbench.entities.run import RunState
from workbench.entities.sample import GpuSample
from workbench.settings import AlertSettings


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
