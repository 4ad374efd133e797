"""Sampling a machine: over trees like /proc and /sys with parts missing, and file systems that never answer."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.disk import disk_spaces
from workbench.remote.disk.disk_spaces import DiskSpaces, Space, measure
from workbench.remote.disk.kept_file import KeptFile
from workbench.remote.probe import host_sampling
from workbench.remote.probe.host_sampling import HostSampler

DISK = Space("/data", "ext4", "8:1", "8:1", 1000, 400)


class Tree:
    """A /proc and a /sys of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proc, self.sys = str(folder / "proc"), str(folder / "sys")

    def put(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def counters(self, busy: int, idle: int, received: int, sent: int, sectors: int) -> None:
        self.put("proc/stat", f"cpu {busy} 0 0 {idle} 0 0 0 0 0 0\n")
        self.put("proc/net/dev", f"eth0: {received} 0 0 0 0 0 0 0 {sent} 0\nlo: 5 0 0 0 0 0 0 0 5 0\n")
        self.put("sys/dev/block/8:1/stat", f"1 1 {sectors} 1 1 1 {2 * sectors} 1 1 1 1\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    made.put("proc/loadavg", "1.50 0.75 0.25 1/2 3\n")
    made.put("proc/uptime", "77.5 1.0\n")
    made.put("sys/class/net/eth0/device/x", "")
    made.counters(busy=100, idle=100, received=0, sent=0, sectors=0)
    return made


def sampler(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> tuple[HostSampler, Any]:
    """A sampler of a tree, and a clock that it reads."""
    clock = [1000.0]
    monkeypatch.setattr(host_sampling.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(host_sampling, "count_users", lambda: 3)
    made = HostSampler({}, tree.proc, tree.sys)
    monkeypatch.setattr(made.spaces, "rows", lambda: [{"path": "/data", "roles": ["root"], "device": "8:1"}])
    return made, clock


def test_rates_come_with_the_second_look(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    host, clock = sampler(tree, monkeypatch)
    first = host.sample()
    assert not {"cpu", "network"} & set(first)
    assert first["disks"] == [{"path": "/data", "roles": ["root"]}]
    assert (first["load"], first["uptime"], first["users"]) == ([1.5, 0.75, 0.25], 77.5, 3)
    assert (first["memory_total"], first["memory_used"]) == (1000 << 10, 600 << 10)
    clock[0] += 1.0
    host.sample()
    tree.counters(busy=130, idle=170, received=4000, sent=2000, sectors=8)
    clock[0] += 2.0
    second = host.sample()
    assert second["cpu"] == 30.0
    assert second["network"] == {"received": 2000.0, "sent": 1000.0}
    assert second["disks"] == [{"path": "/data", "roles": ["root"], "read": 2048.0, "written": 4096.0}]


def test_between_two_looks_too_close_for_a_rate_the_last_one_stands(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, clock = sampler(tree, monkeypatch)
    tree.counters(busy=150, idle=150, received=100, sent=100, sectors=1)
    clock[0] += 1.0
    assert host.sample()["cpu"] == 50.0
    tree.counters(busy=250, idle=150, received=100, sent=100, sectors=1)
    clock[0] += 0.01
    assert host.sample()["cpu"] == 50.0


def test_what_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_sampling, "count_users", lambda: None)
    host = HostSampler({}, str(tmp_path / "no-proc"), str(tmp_path / "no-sys"))
    assert set(host.sample()) <= {"cpus", "disks"}
    monkeypatch.setattr(host, "_last", 0.0)
    assert set(host.sample()) <= {"cpus", "disks"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_is_as_large_as_its_limits(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    names = ["cpu.max", "memory.max", "memory.current", "memory.stat"]
    texts = ["50000 100000\n", str(500 << 10), str(300 << 10), f"anon 1\ninactive_file {100 << 10}\n"]
    if version == 1:
        names = [
            "cpu/cpu.cfs_quota_us",
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
        ]
        texts[0] = "50000\n"
        tree.put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    for name, text in zip(names, texts, strict=True):
        tree.put(f"sys/fs/cgroup/{name}", text)

    def used(microseconds: int) -> None:
        tree.put("sys/fs/cgroup/cpu.stat", f"usage_usec {microseconds}\n")
        if version == 1:
            (tree.folder / "sys/fs/cgroup/cpu.stat").unlink()
            tree.put("sys/fs/cgroup/cpuacct/cpuacct.usage", f"{microseconds}000\n")

    used(0)
    host, clock = sampler(tree, monkeypatch)
    clock[0] += 1.0
    used(250000)
    found = host.sample()
    assert found["cpus"] == 1
    assert (found["memory_total"], found["memory_used"]) == (500 << 10, 200 << 10)
    assert found["cpu"] == 50.0


def test_roles_on_one_file_system_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_spaces.mounts, "read_mounts", lambda: [])
    spaces = DiskSpaces(
        {"root": "/a", "home": "/b", "leases": "/c"}, lambda path: DISK._replace(filesystem=path[:2])
    )
    assert spaces.settle(30)
    assert len(spaces.rows()) == 3
    spaces = DiskSpaces({"root": "/a", "home": "/b"}, lambda path: DISK)
    assert spaces.settle(30)
    (row,) = spaces.rows()
    assert row == {
        "path": "/data",
        "roles": ["root", "home"],
        "kind": "ext4",
        "total": 1000,
        "free": 400,
        "device": "8:1",
    }


def test_a_home_that_never_answers_holds_nothing_up_and_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def ask(path: str) -> Space:
        if path == "/dead":
            let_go.wait()
        return DISK

    try:
        spaces = DiskSpaces({"root": "/well", "home": "/dead"}, ask)
        while not spaces.rows():
            pass
        assert [row["path"] for row in spaces.rows()] == ["/data"]
        monkeypatch.setattr(disk_spaces, "FIRST", 0.0)
        dead = next(row for row in spaces.rows() if row["path"] == "/dead")
        assert set(dead) == {"path", "roles", "age"}
    finally:
        let_go.set()


def test_an_answer_that_is_old_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    spaces = DiskSpaces({"home": "/a"}, lambda path: DISK)
    assert spaces.settle(30)
    assert "age" not in spaces.rows()[0]
    monkeypatch.setattr(disk_spaces, "LATE", -1.0)
    (row,) = spaces.rows()
    assert row["age"] >= 0
    assert row["free"] == 400


def test_a_place_that_cannot_be_asked_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_spaces, "FIRST", 0.0)

    def ask(path: str) -> Space:
        raise OSError("stale file handle")

    spaces = DiskSpaces({"home": "/stale"}, ask)
    assert spaces.settle(30)
    (row,) = spaces.rows()
    assert set(row) == {"path", "roles", "age"}


def test_a_real_place_is_measured(tmp_path: Path) -> None:
    found = measure(str(tmp_path))
    space = os.statvfs(tmp_path)
    assert found.total == space.f_blocks * space.f_frsize
    assert str(tmp_path).startswith(found.point)
    assert measure(str(tmp_path / "to" / "be" / "made")).total == found.total


def test_a_kept_file_is_read_from_its_beginning_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    kept = KeptFile(str(path))
    assert kept.read() is None
    path.write_bytes(b"one")
    assert kept.read() == b"one"
    path.write_bytes(b"x" * 200000)
    assert kept.read() == b"x" * 200000
    kept.close()
    path.unlink()
    assert kept.read() is None


def test_every_line_of_a_long_file_of_the_kernel_is_read() -> None:
    path = "/proc/self/smaps"
    if not os.path.exists(path):
        pytest.skip("no /proc here")
    kept = KeptFile(path)
    found = kept.read() or b""
    assert len(found) > 8192
    assert b"[stack]" in found
    assert found.rsplit(b"\n", 2)[-2].startswith(b"VmFlags:")


def test_a_file_that_died_with_its_process_says_nothing() -> None:
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("no /proc here")
    process = subprocess.Popen(["sleep", "1000"])
    kept = KeptFile(f"/proc/{process.pid}/stat")
    assert kept.read()
    process.kill()
    process.wait()
    assert kept.read() is None
