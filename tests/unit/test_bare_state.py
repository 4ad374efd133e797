"""What a shell tells of a machine, line by line: samples come of it, and nonsense does no harm."""

from __future__ import annotations

import pickle

import pytest

from tests.smi import gpu
from workbench.compute.bare_state import BareState
from workbench.entities.sample import MachineSample
from workbench.remote.gpus.smi_text import COLUMNS

STAT = "{pid} (py thon) S 1 1 1 0 -1 4194304 0 0 0 0 {ticks} 0 0 0 20 0 1 0 5000 0 25 0 0\n"


def gpu_line(index: int = 0) -> str:
    said = gpu(index)
    return "@gpu " + ", ".join(said.get(column.asked, "[N/A]") for column in COLUMNS)


def tick(busy: int, idle: int, received: int = 0) -> list[str]:
    return [
        "@begin 1700000000",
        f"cpu  {busy} 0 0 {idle} 0 0 0",
        "@file loadavg",
        "0.50 0.25 0.10 1/100 7",
        "@file meminfo",
        "MemTotal: 1000 kB",
        "MemAvailable: 400 kB",
        "@file uptime",
        "100.0 5.0",
        "@file net/dev",
        f"eth0: {received} 0 0 0 0 0 0 0 0 0",
        "@end",
    ]


def told(state: BareState, lines: list[str], now: float) -> MachineSample:
    found = [state.line(line, now) for line in lines]
    assert found[-1] is not None
    return found[-1]


def test_a_tick_is_a_sample_and_rates_come_with_the_second() -> None:
    state = BareState(1, COLUMNS)
    state.line("@physical /sys/class/net/eth0/device", 0.0)
    first = told(state, tick(0, 100), 1.0)
    assert first.time == 1700000000
    assert first.host.cpu is None
    assert first.host.network is None
    assert (first.host.memory_total, first.host.memory_used) == (1000 << 10, 600 << 10)
    assert (first.host.load, first.host.uptime) == ([0.5, 0.25, 0.1], 100.0)
    second = told(state, tick(30, 170, 5000), 3.0)
    assert second.host.cpu == 30.0
    assert second.host.network is not None
    assert second.host.network.received == 2500.0


def test_what_was_not_told_is_absent() -> None:
    sample = told(BareState(1, COLUMNS), ["@begin x", "@end"], 1.0)
    assert sample.host.memory_total is sample.host.cpu is sample.host.users is sample.host.cpus is None
    assert sample.driver.source is None
    assert sample.gpus == sample.processes == []


def test_gpus_and_their_processes() -> None:
    state = BareState(1, COLUMNS)
    for line in (
        "@me ann",
        "@units 16384 1000",
        gpu_line(),
        "@app GPU-0, 50, 512",
        "@stat " + STAT.format(pid=50, ticks=100),
        "@owner 50 ann",
        "@command 50 python train.py --lr 1",
        "@app GPU-0, 51, [N/A]",
        "@owner 51 bob",
    ):
        assert state.line(line, 1.0) is None
    told(state, tick(0, 1), 1.0)
    state.line("@app GPU-0, 50, 512", 2.0)
    state.line("@stat " + STAT.format(pid=50, ticks=600), 2.0)
    state.line("@app GPU-0, 51, [N/A]", 2.0)
    sample = told(state, tick(0, 2), 2.0)
    assert [one.uuid for one in sample.gpus] == ["GPU-0"]
    assert sample.driver.source == "nvidia-smi"
    mine, other = sample.processes
    assert (mine.user, mine.mine, mine.command) == ("ann", True, "python train.py --lr 1")
    assert (mine.cpu, mine.memory, mine.age, mine.start) == (50.0, 25 * 16384, 95.0, 5000)
    assert (mine.gpus[0].gpu, mine.gpus[0].memory) == ("GPU-0", 512 << 20)
    assert (other.user, other.mine, other.command, other.gpus[0].memory) == ("bob", False, None, None)


def test_file_systems_and_who_is_on_them() -> None:
    state = BareState(1, COLUMNS)
    state.line("@home Filesystem 1024-blocks Used Available Capacity Mounted on", 0.0)
    state.line("@home filer:/a b 1000 600 400 60% /home of all", 0.0)
    state.line("@leases /dev/sda 2000 600 1400 30% /", 0.0)
    state.line("@leases /dev/sda 2000 700 1300 35% /", 0.0)
    state.line("@users ann bob ann", 0.0)
    sample = told(state, tick(0, 1), 1.0)
    assert sample.host.users == 2
    assert [(disk.path, disk.roles, disk.total, disk.free) for disk in sample.host.disks] == [
        ("/home of all", ["home"], 1000 << 10, 400 << 10),
        ("/", ["leases"], 2000 << 10, 1300 << 10),
    ]


def test_two_roles_on_one_file_system_are_one_row() -> None:
    state = BareState(1, COLUMNS)
    for role in ("home", "leases"):
        state.line(f"@{role} /dev/sda 2000 600 1400 30% /", 0.0)
    (disk,) = told(state, tick(0, 1), 1.0).host.disks
    assert disk.roles == ["home", "leases"]


def test_a_nvidia_smi_that_does_not_know_a_field_and_one_that_ended() -> None:
    state = BareState(1, COLUMNS)
    state.line('@gpu Field "memory.reserved" is not a valid field to query.', 1.0)
    assert state.fewer is not None
    assert len(state.fewer) == len(COLUMNS) - 1
    state = BareState(1, COLUMNS)
    state.line("@gpu NVIDIA-SMI has failed", 1.0)
    state.line("@gone", 1.0)
    sample = told(state, tick(0, 1), 1.0)
    assert sample.driver.error == "nvidia-smi ended: NVIDIA-SMI has failed"


@pytest.mark.parametrize(
    "line",
    [
        "", "@", "@gpu", "@app", "@app a, b", "@stat", "@stat x", "@stat 5 (a) S", "@stat 5 (a) " + "x " * 30,
        "@owner", "@owner 5", "@owner x y", "@command 7", "@home", "@cpus", "@cpus 0", "@cpus many", "@units", "@units 0 0",
        "@physical", "@physical a/b", "@end", "@file", "@begin 99999999999999999999", "\x00\xff", "@unknown word",
    ],
)  # fmt: skip
def test_nonsense_does_no_harm(line: str) -> None:
    state = BareState(1, COLUMNS)
    state.line(line, 0.5)
    state.line(line, 0.7)
    sample = told(state, tick(0, 1), 1.0)
    assert sample.host.memory_total == 1000 << 10


def test_names_that_would_drive_a_terminal_are_made_harmless() -> None:
    state = BareState(1, COLUMNS)
    for line in (
        gpu_line(),
        "@app GPU-0, 50, 512",
        "@owner 50 \x1b[31mann",
        "@command 50 \x1b]0;x\x07python",
    ):
        state.line(line, 1.0)
    (process,) = told(state, tick(0, 1), 1.0).processes
    assert "\x1b" not in f"{process.user}{process.command}"


def test_one_that_tells_without_end_is_remembered_in_bounds() -> None:
    """A shell that is none of ours may print for years what its words are made of."""
    state = BareState(1, COLUMNS)
    sizes = []
    for number in range(30_000):
        for line in (
            f"@owner {number} {'x' * 1000}",
            f"@command {number} {'x' * 1000}",
            STAT.format(pid=f"@stat {number}", ticks=1).strip(),
            f"@file {number}",
            f"line {number}",
            f"@physical /sys/class/net/eth{number}/device",
            f"@app GPU-0, {number}, 1",
        ):
            state.line(line, 1.0)
        if number in (12_000, 29_999):
            known = [value for name, value in vars(state).items() if name not in ("_columns", "_smi")]
            sizes.append(sum(len(pickle.dumps(value)) for value in known))
    assert sizes[1] < 1.2 * sizes[0]
    sample = told(state, tick(0, 100), 2.0)
    assert len(sample.processes) <= 4096


@pytest.mark.parametrize(
    "line",
    [
        "@owner \u00b2 ann",
        "@app GPU-0, \u00b2, 1",
        "@stat " + "9" * 5000,
        "@cpus " + "1" * 5000,
        "@units \u00b2 1",
    ],
    ids=["owner", "app", "stat", "cpus", "units"],
)
def test_numbers_that_are_none_are_passed_over(line: str) -> None:
    state = BareState(1, COLUMNS)
    state.line(line, 1.0)
    assert told(state, tick(0, 100), 2.0).processes == []
