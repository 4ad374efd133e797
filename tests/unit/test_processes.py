"""Processes as values: names that try to confuse, trees, tags, signals to the right one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench.remote.processes import process_trees
from workbench.remote.processes.process_trees import ProcessStat, alive, descend, identity, parse_stat, send

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


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes that are killed when the test ends, however it does."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(words or ("sleep", "1000"), **options)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


Start = Callable[..., "subprocess.Popen[bytes]"]


def known(process: subprocess.Popen[bytes]) -> process_trees.Identity:
    found = identity(process.pid)
    assert found is not None
    return found


def test_a_signal_reaches_only_the_very_process(start: Start) -> None:
    process = start()
    pid, begun = known(process)
    assert not send((pid, begun - 1), signal.SIGKILL)
    assert process.poll() is None
    assert send((pid, begun), signal.SIGKILL)
    assert process.wait() == -9
    assert not send((pid, begun), signal.SIGKILL)


def test_without_pidfds_it_is_checked_just_before(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    pid, begun = known(start())
    assert not send((pid, begun - 1), signal.SIGKILL)
    assert send((pid, begun), signal.SIGKILL)


def test_descendants_are_found_with_and_without_the_kernels_lists(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start("sh", "-c", "sleep 1000 & echo; wait", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    listed = process_trees.descendants(process.pid)
    monkeypatch.setattr(process_trees, "children_listed", lambda: False)
    assert process_trees.descendants(process.pid) == listed
    assert len(listed) == 1
    assert process_trees.end_tree(lambda: listed, 0.0) == []


def test_a_tag_is_read_from_the_environment_a_process_was_started_with(start: Start) -> None:
    tag = "x" + os.urandom(8).hex()
    process = start(env={"WORKBENCH_RUN_ID": tag})
    deadline = time.monotonic() + 60  # for an instant after its exec a process shows no environment
    while process_trees.environment_value(process.pid, "WORKBENCH_RUN_ID") != tag:
        assert time.monotonic() < deadline
    assert process_trees.tagged("WORKBENCH_RUN_ID", tag) == [known(process)]
    assert process_trees.tagged("WORKBENCH_RUN_ID", tag[:-1]) == []


def test_a_stopped_process_is_ended_too(start: Start) -> None:
    process = start()
    found = known(process)
    process.send_signal(signal.SIGSTOP)
    assert process_trees.end_tree(lambda: [found], 30.0, reap=lambda: process.poll()) == []
    assert process.wait() == -signal.SIGTERM
