"""What the texts of /proc and /sys say of a machine, odd ones included: what is not there is never zero."""

from __future__ import annotations

import struct

import pytest

from workbench.remote.probe import host_readings as readings
from workbench.remote.probe.logins import parse_session, parse_utmp

STAT = b"cpu  100 10 50 800 40 0 0 0 7 0\ncpu0 100 10 50 800 40 0 0 0 7 0\nintr 1 2 3\n"
MEMINFO = b"MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n"
INTERFACES = b"""Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
  eth0:1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0
bond0.5:1: 3000 1 0 0 0 0 0 0 4000 1 0 0 0 0 0 0
docker0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0
"""


def test_time_spent_waiting_for_a_disk_is_idle_and_a_guests_is_not_counted_twice() -> None:
    assert readings.parse_cpu(STAT) == (160, 1000)


@pytest.mark.parametrize(
    "text", [None, b"", b"intr 5\n", b"cpu  a b c d e\n", b"cpu 1 2\n", b"cpu0 1 2 3 4 5\n"]
)
def test_a_stat_without_a_cpu_line_has_none(text: bytes | None) -> None:
    assert readings.parse_cpu(text) is None


def test_a_cpu_share_needs_time_to_have_passed_and_stays_a_share() -> None:
    first = readings.CpuTicks(100, 1000)
    assert readings.cpu_share(None, first) is None
    assert readings.cpu_share(first, first) is None
    assert readings.cpu_share(first, None) is None
    assert readings.cpu_share(first, readings.CpuTicks(150, 1200)) == 25.0
    assert readings.cpu_share(first, readings.CpuTicks(90, 1200)) == 0.0


def test_used_memory_is_what_no_program_could_have() -> None:
    found = readings.parse_meminfo(MEMINFO)
    assert readings.memory_of(found) == (1000 << 10, 400 << 10)
    assert readings.swap_of(found) == (50 << 10, 30 << 10)


def test_memory_of_an_old_kernel_and_of_none() -> None:
    old = readings.parse_meminfo(
        b"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 20 kB\n"
    )
    assert readings.memory_of(old) == (1000 << 10, 570 << 10)
    assert readings.swap_of(old) is None
    assert readings.memory_of({}) is None
    assert readings.memory_of(readings.parse_meminfo(b"MemTotal: x kB\nMemFree\n:\n")) is None


@pytest.mark.parametrize(
    ("limit", "usage", "stat", "told"),
    [
        (b"500\n", b"300\n", b"inactive_file 100\n", (500, 200)),
        (b"500\n", b"300\n", b"inactive_file 1\ntotal_inactive_file 250\n", (500, 50)),
        (b"500\n", b"300\n", None, (500, 300)),
        (b"500\n", None, None, (1000, 600)),
        (b"max\n", b"300\n", None, (1000, 600)),
        (b"9223372036854771712\n", b"300\n", None, (1000, 600)),
        (b"2000\n", b"300\n", None, (1000, 600)),
        (None, None, None, (1000, 600)),
    ],
)
def test_a_container_has_the_memory_its_cgroup_lets_it_have(
    limit: bytes | None, usage: bytes | None, stat: bytes | None, told: tuple[int, int]
) -> None:
    assert readings.limited_memory(readings.Memory(1000, 600), limit, usage, stat) == told


@pytest.mark.parametrize(
    ("text", "period", "cpus"),
    [
        (b"250000 100000\n", None, 2.5),
        (b"max 100000\n", None, None),
        (b"400000\n", b"100000\n", 4.0),
        (b"-1\n", b"100000\n", None),
        (None, None, None),
        (b"0 0\n", None, None),
    ],
)
def test_cpus_of_a_container(text: bytes | None, period: bytes | None, cpus: float | None) -> None:
    assert readings.parse_quota(text, period) == cpus


def test_bytes_of_interfaces_with_and_without_a_blank_after_the_colon() -> None:
    found = readings.parse_interfaces(INTERFACES)
    assert found[b"eth0"] == (1000, 2000)
    assert found[b"bond0.5:1"] == (3000, 4000)
    assert set(found) == {b"lo", b"eth0", b"bond0.5:1", b"docker0"}
    assert readings.parse_interfaces(None) == {}


def test_the_interfaces_that_count_are_those_with_a_device() -> None:
    names = [b"lo", b"eth0", b"veth12ab", b"docker0", b"br-77", b"wg0"]
    assert readings.counted_interfaces(names, {b"eth0", b"eth9"}) == {b"eth0"}


def test_in_a_container_none_has_a_device_and_lo_still_does_not_count() -> None:
    assert readings.counted_interfaces([b"lo", b"eth0", b"docker0"], set()) == {b"eth0"}
    assert readings.counted_interfaces([b"lo"], set()) == set()


def test_rates_are_over_what_is_in_both_readings_and_went_up() -> None:
    before = {b"a": readings.Bytes(100, 100), b"b": readings.Bytes(500, 0), b"gone": readings.Bytes(1, 1)}
    now = {b"a": readings.Bytes(300, 200), b"b": readings.Bytes(10, 0), b"new": readings.Bytes(9999, 9999)}
    assert readings.rates(before, now, 2.0) == (100.0, 50.0)
    assert readings.rates({}, now, 2.0) is None
    assert readings.rates(before, now, 0.0) is None


def test_a_devices_bytes() -> None:
    assert readings.parse_block(b"  10 2 8 3   20 5 16 6 0 6 7\n") == (4096, 8192)
    assert readings.parse_block(b"10 2 8\n") is None
    assert readings.parse_block(None) is None


@pytest.mark.parametrize("text", [None, b"", b"a b c", b"0.1 0.2"])
def test_load_that_is_none(text: bytes | None) -> None:
    assert readings.parse_load(text) is None


def record(kind: int, pid: int, name: bytes, length: int) -> bytes:
    """A utmp record of either length."""
    return struct.pack("=hxxi32s4s32s", kind, pid, b"pts/0", b"0", name).ljust(length, b"\0")


@pytest.mark.parametrize("length", [384, 400])
def test_people_are_counted_once_and_those_of_a_crash_not_at_all(length: int) -> None:
    sessions = [
        (7, 10, b"ann"),
        (7, 11, b"ann"),
        (7, 12, b"bob"),
        (8, 13, b"eve"),
        (2, 14, b"reboot"),
        (7, 15, b""),
    ]
    content = b"".join(record(*session, length) for session in sessions)
    assert parse_utmp(content, lambda pid: pid != 12) == {b"ann"}
    assert parse_utmp(b"", lambda pid: True) == set()
    assert parse_utmp(b"x" * 777, lambda pid: True) == set()


def test_a_session_of_a_person() -> None:
    assert parse_session("UID=1000\nUSER=ann\nSTATE=active\nCLASS=user\n") == "ann"
    assert parse_session("UID=1000\nUSER=ann\nSTATE=closing\nCLASS=user\n") is None
    assert parse_session("UID=120\nUSER=gdm\nSTATE=active\nCLASS=greeter\n") is None
    assert parse_session("") is None
