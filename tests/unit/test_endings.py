"""How runs end, in words; and counting what the kernel killed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from workbench.remote.processes import limits, memory_kills
from workbench.remote.processes.memory_kills import MemoryKills, killed_for_memory
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import not_started, of_exit, setup_failed

KILLED = 9
LIMITS = {"Max address space": 1 << 30, "Max file size": 5 << 10}


def code(number: int) -> int:
    """The wait status of an exit code."""
    return number << 8


@pytest.mark.parametrize(
    ("status", "facts", "cause", "words"),
    [
        (code(0), {}, None, None),
        (code(0), {"memory": "cgroup", "no_room": errno.ENOSPC}, None, None),
        (code(2), {}, "exit", "exit code 2"),
        (code(137), {}, "exit", "exit code 137 (what a shell says of SIGKILL)"),
        (code(127), {}, "exit", "exit code 127: the command was not found"),
        (code(127), {"through_shell": True}, "command", "exit code 127: the command was not found"),
        (KILLED, {}, "signal", "killed by SIGKILL"),
        (KILLED, {"memory": "cgroup"}, "out_of_memory", "the kernel killed it: out of memory"),
        (code(137), {"memory": "cgroup"}, "out_of_memory", "the kernel killed it: out of memory"),
        (
            KILLED,
            {"memory": "machine"},
            "out_of_memory",
            "killed while the kernel was ending processes for lack of memory",
        ),
        (code(1), {"memory": "machine"}, "exit", "exit code 1"),
        (
            code(1),
            {"memory": "cgroup"},
            "exit",
            "exit code 1; the kernel killed one of its processes for lack of memory",
        ),
        (
            code(5),
            {"no_room": errno.ENOSPC},
            "disk_full",
            "exit code 5; the disk of the run's folder is full",
        ),
        (
            code(5),
            {"no_room": errno.EDQUOT},
            "disk_full",
            "exit code 5; the quota for the run's folder is used up",
        ),
        (15 | 0x80, {}, "signal", "killed by SIGTERM"),
        (15, {"limits": LIMITS}, "signal", "killed by SIGTERM"),
        (25, {}, "signal", "killed by SIGXFSZ: a file was to grow over the limit of its shell (ulimit -f)"),
        (24, {}, "signal", "killed by SIGXCPU: it used up the CPU time"),
        (code(153), {}, "exit", "exit code 153 (what a shell says of SIGXFSZ): a file was to grow"),
        (
            code(1),
            {"limits": LIMITS},
            "exit",
            "exit code 1; it ran under limits of its shell: memory 1.0 GiB (ulimit -v), files 5.0 KiB (ulimit -f)",
        ),
        (11, {"limits": LIMITS}, "signal", "killed by SIGSEGV; it ran under limits of its shell: memory"),
        (code(1), {"limits": {"Max open files": 1024}}, "exit", "exit code 1"),
        (code(0), {"limits": LIMITS}, None, None),
        (34, {}, "signal", "killed by "),
    ],
)
def test_an_exit_in_words(
    status: int, facts: dict[str, object], cause: str | None, words: str | None
) -> None:
    ending = of_exit(status, **facts)  # type: ignore[arg-type]
    assert ending.cause == cause
    assert ending.state == ("Completed" if cause is None else "Failed")
    assert (ending.message or "").startswith(words or "")


def test_setup_and_start_in_words() -> None:
    assert (
        setup_failed(2, "module load cuda", code(1)).message
        == "setup line 2 failed (exit 1): module load cuda"
    )
    assert setup_failed(1, "x", KILLED).message == "setup line 1 failed (SIGKILL): x"
    assert "login shell" in (setup_failed(0, "", code(3)).message or "")
    assert not_started("train", FileNotFoundError(2, "x")).message == "command not found: train"
    assert "Permission denied" in (
        not_started("train", PermissionError(13, "Permission denied")).message or ""
    )


def test_limits_are_read_as_the_kernel_writes_them() -> None:
    text = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max cpu time              unlimited            unlimited            seconds   \n"
        "Max file size             512000               unlimited            bytes     \n"
        "Max realtime priority     0                    0                    \n"
    )
    assert limits.parse_limits(text) == {"Max file size": 512000, "Max realtime priority": 0}
    assert limits.limits_of(os.getpid())["Max open files"] > 0
    assert limits.limits_of(1 << 30) == {}


def test_a_kill_is_known_only_from_the_kernels_own_count() -> None:
    assert killed_for_memory(MemoryKills(1, 1), MemoryKills(2, 2)) == "cgroup"
    assert killed_for_memory(MemoryKills(1, 1), MemoryKills(1, 2)) == "machine"
    assert killed_for_memory(MemoryKills(None, None), MemoryKills(None, None)) is None
    assert killed_for_memory(MemoryKills(3, None), MemoryKills(3, 9)) is None


def test_where_kills_are_counted(tmp_path: Path) -> None:
    text = "12:memory:/user/a\n5:cpu,cpuacct:/x\n0::/scope.d\n"
    assert memory_kills.cgroup_files(text, "/g") == [
        ("/g/memory/user/a/memory.oom_control", "/g/memory/memory.oom_control"),
        ("/g/scope.d/memory.events", "/g/memory.events"),
    ]
    file = tmp_path / "memory.events"
    file.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert memory_kills._counter(str(file)) == 2
    assert memory_kills.count_memory_kills().machine is not None


def test_a_terminal_attempt_takes_no_more_transitions() -> None:
    """AZ-72."""
    status = run_status.new_status("R", "m", "b", 1, 1, 1.0)
    assert run_status.add_transition(status, "Completed", 2.0, exit_code=0)
    assert not run_status.add_transition(status, "Failed", 3.0)
    run_status.begin_attempt(status, 2, "m", "b2", 1, 4.0)
    assert run_status.add_transition(status, "Running", 5.0)
    assert [entry["seq"] for entry in status["transitions"]] == [1, 2, 3, 4]
    assert [entry["attempt"] for entry in status["transitions"]] == [1, 1, 2, 2]
    assert not run_status.has_been(status, "Completed")


@pytest.mark.parametrize(
    "entry", [None, {}, {"pid": 1, "start": 2}, {"pid": "7", "start": 2}, [7, 2], {"pid": -1}]
)
def test_an_identity_that_makes_no_sense_is_nobody(entry: object) -> None:
    assert run_status.identity_of({"guard": entry}, "guard") is None
