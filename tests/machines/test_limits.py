"""Runs that end by a limit: the kernel's for memory in a control group, and those of a shell (ulimit)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id

__all__ = ["ground"]
MB = 1 << 20
GROUPS = Path("/sys/fs/cgroup")
EATER = (
    "import sys, time; keep = [bytearray(b'x') * (1 << 20) for _ in range(%d)]; print(len(keep)); sys.exit(7)"
)
SUBMIT = """\
import json, sys
from workbench.remote.machine import Machine
from workbench.remote.supervision.submission import submit
root, leases, payload, run, spec = sys.argv[1:]
submit(Machine(root, leases, payload), run, json.loads(spec), {})
"""


def eat(megabytes: int) -> str:
    """A shell line for a Python that fills so much memory and then ends with 7."""
    return f'{sys.executable} -c "{EATER % megabytes}"'


def finish(ground: Ground, shell: str, command: Any) -> dict[str, Any]:
    """The last transition of a run submitted from below a shell that first ran some lines."""
    run = new_run_id()
    ground.runs.append(run)
    machine = ground.machine
    words = [machine.root, machine.lease_dir, machine.payload, run, json.dumps(ground.spec(run, command))]
    outer = ["/bin/sh", "-ec", f'{shell}\nexec "$@"', "sh"]
    subprocess.run([*outer, sys.executable, "-c", SUBMIT, *words], check=True, stdin=subprocess.DEVNULL)
    transitions: list[dict[str, Any]] = ground.wait(run)["transitions"]
    return transitions[-1]


class MemoryGroup:
    """A control group with a memory limit, of whichever version this machine lets root make."""

    def __init__(self, parent: Path, limit: int) -> None:
        self.path = parent / f"workbench-test-{uuid.uuid4().hex[:8]}"
        self.path.mkdir()
        first = self.path / "memory.limit_in_bytes"
        if first.exists():
            first.write_text(str(limit))
            swap = self.path / "memory.memsw.limit_in_bytes"
        else:
            (self.path / "memory.max").write_text(str(limit))
            swap = self.path / "memory.swap.max"
        with contextlib.suppress(OSError):  # no swap is accounted for here
            swap.write_text(str(limit) if first.exists() else "0")

    @property
    def enter(self) -> str:
        """The shell line that puts the shell, and what it starts, into the group."""
        return f"echo $$ > {self.path}/cgroup.procs"

    def remove(self) -> None:
        """Remove it once the last process in it is gone."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self.path.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


def memory_parent() -> Path | None:
    """The group of ours that memory groups can be made below; None where there is none."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if "memory" in controllers.split(","):
            return GROUPS / "memory" / inside
        if number == "0" and "memory" in _read(GROUPS / "cgroup.controllers").split():
            # A group with processes in it cannot limit groups below it: make ours at the top.
            with contextlib.suppress(OSError):
                (GROUPS / "cgroup.subtree_control").write_text("+memory")
            return GROUPS if "memory" in _read(GROUPS / "cgroup.subtree_control").split() else None
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.fixture
def memory_group() -> Iterator[MemoryGroup]:
    """A group of 100 MB."""
    if os.getuid() != 0:
        pytest.skip("only root can make control groups")
    parent = memory_parent()
    if parent is None:
        pytest.skip("this kernel has no memory control group that root may make another one in")
    try:
        group = MemoryGroup(parent, 100 * MB)
    except OSError as problem:
        pytest.skip(f"this machine lets root make no memory control group: {problem}")
    yield group
    group.remove()


def test_a_command_killed_for_its_groups_memory_is_said_to_be(
    ground: Ground, memory_group: MemoryGroup
) -> None:
    """trap 5: guard and supervisor share the group, and live to tell."""
    last = finish(ground, memory_group.enter, [sys.executable, "-c", EATER % 400])
    assert (last["state"], last["cause"], last["signal"]) == ("Failed", "out_of_memory", 9)
    assert last["message"] == "the kernel killed it: out of memory"


def test_a_shell_whose_command_was_killed_for_memory_says_so_too(
    ground: Ground, memory_group: MemoryGroup
) -> None:
    last = finish(ground, memory_group.enter, f"{eat(400)}; exit $?")
    assert (last["cause"], last["exit_code"]) == ("out_of_memory", 137)
    assert "out of memory" in last["message"]


def test_a_run_that_lost_one_of_its_processes_for_memory_is_told(
    ground: Ground, memory_group: MemoryGroup
) -> None:
    """A data loader that was killed: the command itself ends with a code of its own."""
    last = finish(ground, memory_group.enter, f"{eat(400)} || exit 3")
    assert (last["cause"], last["exit_code"]) == ("exit", 3)
    assert "killed one of its processes for lack of memory" in last["message"]


def test_a_command_in_a_group_of_its_own_below_is_told_with_a_perhaps(
    ground: Ground, memory_group: MemoryGroup
) -> None:
    """A container that the command starts: its group's count is not ours to read."""
    last = finish(ground, "true", f"{memory_group.enter}; exec {eat(400)}")
    assert (last["cause"], last["signal"]) == ("out_of_memory", 9)
    assert "lack of memory" in last["message"]


def test_enough_memory_is_no_cause(ground: Ground, memory_group: MemoryGroup) -> None:
    last = finish(ground, memory_group.enter, [sys.executable, "-c", EATER % 10])
    assert (last["cause"], last["message"]) == ("exit", "exit code 7")


def test_a_python_without_memory_is_told_of_ulimit_v(ground: Ground) -> None:
    """MemoryError is an exit code like any other; what limited the memory stands beside it."""
    last = finish(ground, "ulimit -v 400000", [sys.executable, "-c", EATER % 800])
    assert (last["cause"], last["exit_code"]) == ("exit", 1)
    assert "memory 390.6 MiB (ulimit -v)" in last["message"]


def test_a_limit_set_by_a_setup_line_is_told_as_well(ground: Ground) -> None:
    status, _ = ground.finish([sys.executable, "-c", EATER % 800], setup=["ulimit -v 400000"])
    assert "memory 390.6 MiB (ulimit -v)" in status["transitions"][-1]["message"]


@pytest.mark.parametrize("command", ["head -c 900000 /dev/zero > big", "exec head -c 900000 /dev/zero > big"])
def test_a_file_over_the_limit_ends_a_command_in_words(ground: Ground, command: str) -> None:
    """SIGXFSZ, seen through the shell and without it."""
    status, _ = ground.finish(f"ulimit -f 100; {command}")
    last = status["transitions"][-1]
    assert last["state"] == "Failed"
    assert "SIGXFSZ" in last["message"]
    assert "ulimit -f" in last["message"]


def test_a_python_over_the_limit_of_files_is_told_of_it(ground: Ground) -> None:
    """Python ignores the signal and gets an error: "File too large" is in the log, the limit in the words."""
    program = "open('big', 'wb').write(b'x' * 900000)"
    status, output = ground.finish([sys.executable, "-c", program], setup=["ulimit -f 100"])
    last = status["transitions"][-1]
    assert b"File too large" in output
    assert last["exit_code"] == 1
    assert re.search(r"files (50|100)\.0 KiB \(ulimit -f\)", last["message"])  # shells count in 512 or 1024


def test_cpu_time_that_is_used_up_is_told(ground: Ground) -> None:
    status, _ = ground.finish("ulimit -S -t 1; while :; do :; done")
    last = status["transitions"][-1]
    assert "SIGXCPU" in last["message"]
    assert "ulimit -t" in last["message"]


def test_limits_are_no_news_where_nothing_failed(ground: Ground) -> None:
    status, _ = ground.finish("ulimit -v 4000000; exit 0")
    assert status["transitions"][-1].get("message") is None
    status, _ = ground.finish("ulimit -v 4000000; kill -TERM $$")
    assert status["transitions"][-1]["message"] == "killed by SIGTERM"


def test_a_run_of_an_account_with_small_files_keeps_its_end(ground: Ground) -> None:
    """A limit of the login itself holds for guard and supervisor too: output is cut, the end is written."""
    last = finish(ground, "ulimit -f 100", "head -c 900000 /dev/zero | tr '\\0' x; exit 4")
    assert (last["state"], last["exit_code"]) == ("Failed", 4)
    assert re.search(r"files (50|100)\.0 KiB \(ulimit -f\)", last["message"])
