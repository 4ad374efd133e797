"""Processes as values: names that try to confuse, trees, tags, signals to the right one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from workbench.remote import processes
from workbench.remote.processes import ProcessStat, alive, descend, identity, parse_stat, send

REST = b"S 42 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 100 18446744073709551615"


@pytest.mark.parametrize("name", [b"sh", b"a b", b"x) S 1 (y", b")", b"((", b"\xff\n)"])
def test_a_name_cannot_forge_the_fields_after_it(name: bytes) -> None:
    assert parse_stat(b"123 (" + name + b") " + REST) == ProcessStat("S", 42, 987654)


@pytest.mark.parametrize("text", [b"", b"123", b"123 (x) S 1", b"no parenthesis at all"])
def test_what_is_no_stat_is_nobody(text: bytes) -> None:
    assert parse_stat(text) is None


def test_a_tree_is_walked_with_parents_first_and_the_spared_left_out() -> None:
    table = {1: ProcessStat("S", 0, 1)}
    table.update(
        {pid: ProcessStat("S", parent, pid * 10) for pid, parent in [(2, 1), (3, 2), (4, 3), (5, 2), (6, 1)]}
    )
    assert descend([2], table) == [(3, 30), (5, 50), (4, 40)]
    assert descend([1], table, lambda pid: pid == 3) == [(2, 20), (6, 60), (5, 50)]


def test_a_loop_in_the_table_ends() -> None:
    table = {2: ProcessStat("S", 3, 1), 3: ProcessStat("S", 2, 1)}
    assert descend([2], table) == [(3, 1)]


def test_an_identity_is_pid_and_start() -> None:
    known = identity(os.getpid())
    assert known is not None
    assert alive(*known)
    assert not alive(known[0], known[1] + 1)
    assert identity(2**22 + 1) is None


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        known = identity(process.pid)
        assert known is not None
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(*known)


def test_a_signal_reaches_only_the_very_process() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        known = identity(process.pid)
        assert known is not None
        assert not send((known[0], known[1] - 1), signal.SIGKILL)
        assert process.poll() is None
        assert send(known, signal.SIGKILL)
        assert process.wait() == -9
        assert not send(known, signal.SIGKILL)


def test_without_pidfds_it_is_checked_just_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    with subprocess.Popen(["sleep", "1000"]) as process:
        known = identity(process.pid)
        assert known is not None
        assert not send((known[0], known[1] - 1), signal.SIGKILL)
        assert send(known, signal.SIGKILL)


def test_descendants_are_found_with_and_without_the_kernels_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sh", "-c", "sleep 1000 & echo; wait"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        listed = processes.descendants(process.pid)
        monkeypatch.setattr(processes, "children_listed", lambda: False)
        assert processes.descendants(process.pid) == listed
        assert len(listed) == 1
        assert processes.end_tree(lambda: processes.descendants(process.pid), 5.0) == []
        process.kill()


def test_a_tag_is_read_from_the_environment_a_process_was_started_with() -> None:
    tag = "x" + os.urandom(8).hex()
    with subprocess.Popen(["sleep", "1000"], env={"WORKBENCH_RUN_ID": tag}) as process:
        found = identity(process.pid)
        assert found is not None
        assert processes.environment_value(process.pid, "WORKBENCH_RUN_ID") == tag
        assert processes.tagged("WORKBENCH_RUN_ID", tag) == [found]
        assert processes.tagged("WORKBENCH_RUN_ID", tag[:-1]) == []
        process.kill()


def test_a_stopped_process_is_ended_too() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        known = identity(process.pid)
        assert known is not None
        process.send_signal(signal.SIGSTOP)
        assert processes.end_tree(lambda: [known], 30.0, reap=lambda: process.poll()) == []
        assert process.wait() == -signal.SIGTERM
