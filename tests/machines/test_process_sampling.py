"""Whose a process is, with real ones: everything that a run's command can start, strangers, other users, namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.remote.probe import process_census, process_sampling
from workbench.remote.probe.process_census import Census
from workbench.remote.probe.process_sampling import ELSEWHERE, HIDDEN, ProcessSampler
from workbench.remote.processes import process_clues

__all__ = ["ground", "untagged"]

BOB = 61001
CHECKOUT = Path(__file__).resolve().parents[2]
FAMILY = """
d=$WORKBENCH_RUN_DIR
sh -c 'echo $$ > '$d'/plain; sleep 1000; :' &
setsid sh -c 'echo $$ > '$d'/session; sleep 1000; :' &
(sh -c 'echo $$ > '$d'/twice; sleep 1000; :' &)
env -i /bin/sh -c 'echo $$ > '$d'/bare; /bin/sleep 1000; :' &
env -i setsid /bin/sh -c 'echo $$ > '$d'/bare_session; /bin/sleep 1000; :' &
(env -i setsid /bin/sh -c 'echo $$ > '$d'/bare_twice; /bin/sleep 1000; :' &)
wait
"""
SCRIPT = """
import json, os, sys, time
from workbench.remote.probe.process_sampling import ProcessSampler
elsewhere, uses = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sampler = ProcessSampler(0, elsewhere)
uses = {int(pid): [{"gpu": "GPU-1", "memory": 7}] for pid in uses}
rows, end = sampler.sample(uses), time.monotonic() + 20
while any("age" in row and "user" not in row for row in rows) and time.monotonic() < end:
    time.sleep(0.05)  # the census of a busy machine takes longer than a sample waits
    rows = sampler.sample(uses)
print(json.dumps({"rows": rows, "note": sampler.note}))
"""


@pytest.fixture
def sampler(ground: Ground) -> ProcessSampler:
    """A sampler on the test's own machine."""
    return ProcessSampler(ground.machine.pidns, False)


@pytest.fixture
def start() -> Iterator[Callable[..., int]]:
    """Start processes that are ended with the test."""
    started = []

    def starter(*argv: str, **more: Any) -> int:
        started.append(subprocess.Popen(argv, **more))
        return started[-1].pid

    yield starter
    for process in started:
        process.kill()
        process.wait()


def root_only(*programs: str) -> None:
    for program in programs:
        require(program)
    if os.getuid() != 0:
        pytest.skip("only root can be another user or make namespaces")


def gpu(*pids: int) -> dict[int, list[dict[str, Any]]]:
    """What the driver would say: each of the pids on one GPU."""
    return {pid: [{"gpu": "GPU-1", "memory": 7}] for pid in pids}


def known(sampler: ProcessSampler, pids: set[int], uses: Any = None) -> dict[int, dict[str, Any]]:
    """The rows of these processes, once the census knows each of them."""

    def there() -> dict[int, dict[str, Any]] | None:
        rows = {row["pid"]: row for row in sampler.sample(uses or {})}
        return {pid: rows[pid] for pid in pids} if all("user" in rows.get(pid, {}) for pid in pids) else None

    found: dict[int, dict[str, Any]] = until(there, f"{pids} to be known")
    return found


def test_everything_a_command_starts_is_its_runs(ground: Ground, sampler: ProcessSampler) -> None:
    run = ground.submit(FAMILY)
    expected = {
        "plain": "environment",
        "session": "environment",
        "twice": "environment",
        "bare": "session",
        "bare_session": "parent",
        "bare_twice": "parent",
    }
    pids = {name: ground.noted(run, name)[0] for name in expected}
    child = ground.identity(run, "child")
    wanted = {pids[name]: found_by for name, found_by in expected.items()}

    def settled() -> Any:
        """Each was another process for a moment, between its fork and what it became."""
        rows = known(sampler, {*wanted, child[0]})
        return rows if {pid: rows[pid].get("found_by") for pid in wanted} == wanted else None

    rows = until(settled, "what each is known by")
    assert {row["run"] for row in rows.values()} == {run}
    assert rows[child[0]]["start"] == child[1]
    assert all(row["mine"] and row["memory"] > 0 and row["gpus"] == [] for row in rows.values())
    assert "bare_twice" in rows[pids["bare_twice"]]["command"]
    everyone = {row["pid"] for row in sampler.sample({})}
    keepers = {ground.identity(run, "guard")[0], ground.identity(run, "supervisor")[0]}
    assert not everyone & keepers, "who looks after a run is not what it computes with"


def test_a_run_that_another_one_submitted_keeps_its_processes(
    ground: Ground, sampler: ProcessSampler
) -> None:
    inner = new_run_id()
    ground.runs.append(inner)
    spec = ground.spec(inner, "env -i setsid /bin/sh -c '/bin/sleep 1000; :' & wait")
    code = (
        "import json, sys; from workbench.remote.machine import Machine; from workbench.remote.supervision.submission import submit;"
        f"m = Machine({ground.machine.root!r}, {ground.machine.lease_dir!r}, {ground.machine.payload!r});"
        f"submit(m, {inner!r}, json.loads({json.dumps(spec)!r}), {{}}); print('submitted', flush=True); import time; time.sleep(1000)"
    )
    variables = {"PYTHONPATH": str(CHECKOUT)}
    outer = ground.submit([sys.executable, "-c", code], environment_variables=variables)
    until(lambda: b"submitted" in ground.output(outer), "the inner run")
    child = ground.identity(inner, "child")[0]
    main = ground.identity(outer, "child")[0]

    def both() -> Any:
        rows = [row for row in sampler.sample({}) if row.get("run") == inner]
        return rows if len(rows) >= 3 else None

    rows = until(both, "the inner run's shell, its child and what that started")
    assert {row["found_by"] for row in rows} == {"environment", "parent"}
    assert known(sampler, {child, main})[main]["run"] == outer


def test_a_scope_named_after_its_run_outweighs_everything(start: Any, sampler: ProcessSampler) -> None:
    root_only()
    run, lie = new_run_id(), new_run_id()
    with cgroup(f"workbench-{run}-0011aabb.scope") as folder:
        pid = start("sleep", "1000", env={"WORKBENCH_RUN_ID": lie}, start_new_session=True)
        (folder / "cgroup.procs").write_text(str(pid))
        row = known(sampler, {pid}, gpu(pid))[pid]
        assert (row["run"], row["found_by"]) == (run, "cgroup")


def test_the_container_of_a_process_is_told(start: Any, sampler: ProcessSampler) -> None:
    root_only()
    name = new_run_id().lower().encode().hex().ljust(64, "0")
    with cgroup(f"docker-{name}.scope") as folder:
        pid = start("sleep", "1000", start_new_session=True)
        (folder / "cgroup.procs").write_text(str(pid))
        row = known(sampler, {pid}, gpu(pid))[pid]
        assert row["container"] == name[:12]
        assert "run" not in row


@contextlib.contextmanager
def cgroup(name: str) -> Iterator[Path]:
    """A cgroup of its own; skipped where none can be made."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = Path(line.split()[4]) / name
        if " - cgroup2 " in line or " - cgroup " in line:
            try:
                place.mkdir()
            except OSError:
                continue
            try:
                yield place
            finally:
                for pid in (place / "cgroup.procs").read_text().split():
                    (place.parent / "cgroup.procs").write_text(pid)
                place.rmdir()
            return
    pytest.skip("no cgroup can be made here")


def test_a_stranger_on_a_gpu_is_shown_and_of_no_run(start: Any, sampler: ProcessSampler) -> None:
    pid = start("sleep", "1000")
    row = known(sampler, {pid}, gpu(pid))[pid]
    assert row["gpus"] == gpu(pid)[pid]
    assert row["command"] == "sleep 1000"
    assert "run" not in row
    assert pid not in {row["pid"] for row in sampler.sample({})}, "off the GPU it is nobody's business"


def test_of_another_users_process_no_command_line_is_told(start: Any, sampler: ProcessSampler) -> None:
    root_only("setpriv")
    pid = start("setpriv", f"--reuid={BOB}", "--clear-groups", "sleep", "1000")
    until(lambda: process_clues.read_uid(pid) == BOB, "the process to be Bob's")
    row = known(sampler, {pid}, gpu(pid))[pid]
    assert row["user"] == str(BOB)
    assert row["memory"] > 0
    assert row["mine"] is False
    assert "command" not in row


def as_bob(
    ground: Ground, tmp_path: Path, pids: list[int], elsewhere: bool, before: list[str]
) -> dict[str, Any]:
    """What a probe of another user says, started through `before`."""
    folder = tmp_path / "bob"
    folder.mkdir()
    (folder / "script.py").write_text(SCRIPT)
    with open(ground.machine.payload, "rb") as payload:
        (folder / "payload.pyz").write_bytes(payload.read())
    os.chown(folder, BOB, BOB)
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    words = [json.dumps(elsewhere), json.dumps(pids)]
    python = [
        "/usr/bin/env",
        f"PYTHONPATH={folder}/payload.pyz",
        "python3",
        str(folder / "script.py"),
        *words,
    ]
    done = subprocess.run(
        [*before, "setpriv", f"--reuid={BOB}", f"--regid={BOB}", "--clear-groups", *python],
        cwd="/", capture_output=True, text=True, check=False, env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_as_another_user_we_see_whose_a_process_is_and_nothing_else(
    ground: Ground, tmp_path: Path, start: Any
) -> None:
    root_only("setpriv")
    pid = start("sleep", "1000", env={"WORKBENCH_RUN_ID": new_run_id()})
    said = as_bob(ground, tmp_path, [pid], False, [])
    row = next(row for row in said["rows"] if row["pid"] == pid)
    assert row["user"] == "root"
    assert row["memory"] > 0
    assert row["mine"] is False
    assert not {"command", "run"} & set(row)
    assert said["note"] is None


def test_in_a_pid_namespace_of_its_own_the_drivers_pids_are_no_processes_here(
    ground: Ground, tmp_path: Path, start: Any
) -> None:
    root_only("setpriv", "unshare")
    stranger = start("sleep", "1000")
    separate = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    said = as_bob(ground, tmp_path, [stranger, 1], True, separate)
    assert said["rows"] == [{"pid": pid, "gpus": gpu(pid)[pid]} for pid in (stranger, 1)]
    assert said["note"] == ELSEWHERE


def test_where_the_namespace_is_not_the_hosts_it_is_noticed() -> None:
    assert not process_sampling.counts_elsewhere(process_sampling.HOST_NAMESPACE)
    assert process_sampling.counts_elsewhere(4026531999)


def test_processes_that_the_machine_hides_are_shown_without_a_name(ground: Ground, tmp_path: Path) -> None:
    root_only("setpriv", "unshare", "mount")
    separate = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
                'mount -o remount,hidepid=2 /proc && "$@"', "sh"]  # fmt: skip
    said = as_bob(ground, tmp_path, [1], False, separate)
    assert said["rows"] == [{"pid": 1, "gpus": gpu(1)[1]}]
    assert said["note"] == HIDDEN


def test_a_process_that_ended_is_not_shown_and_a_pid_the_driver_keeps_is(
    start: Any, sampler: ProcessSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = subprocess.Popen(["sleep", "1000"])
    known(sampler, {process.pid}, gpu(process.pid))
    process.kill()
    process.wait()
    uses = gpu(process.pid)
    assert process.pid not in {row["pid"] for row in sampler.sample(uses)}
    monkeypatch.setattr(process_sampling, "LINGERING", 0.0)
    assert {"pid": process.pid, "gpus": uses[process.pid]} in sampler.sample(uses)


def test_a_process_that_hangs_in_the_kernel_holds_nobody_else_up(
    ground: Ground, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the environment of one that holds its memory's lock never returns."""
    monkeypatch.setattr(process_census, "STUCK", 0.1)
    hung = start("sleep", "1000", env={"WORKBENCH_RUN_ID": new_run_id()})
    let_go = threading.Event()

    def read(pid: int, figures: process_clues.Figures, uid: int) -> Any:
        if pid == hung:
            let_go.wait()
        return process_clues.read_clues(pid, figures, uid)

    try:
        sampler = ProcessSampler(ground.machine.pidns, False, Census(read))
        run = new_run_id()
        well = start("sleep", "1000", env={"WORKBENCH_RUN_ID": run})
        assert known(sampler, {well}, gpu(well, hung))[well]["run"] == run
        row = next(row for row in sampler.sample(gpu(well, hung)) if row["pid"] == hung)
        assert row["memory"] > 0
        assert "user" not in row
    finally:
        let_go.set()


def test_a_pid_that_became_another_processes_is_not_the_runs_any_more(tmp_path: Path) -> None:
    """In a namespace of its own, where the next pid can be chosen."""
    root_only("unshare")
    script = tmp_path / "reuse.py"
    script.write_text(
        "import json, os, subprocess, sys, time\n"
        "from workbench.remote.probe.process_sampling import ProcessSampler\n"
        "from workbench.remote.probe import process_census\n"
        "process_census.PAUSE = process_census.YOUNG = 0.0\n"
        "sampler = ProcessSampler(0, False)\n"
        "def look(pid, there):\n"
        "    while True:\n"
        "        rows = [row for row in sampler.sample({}) if row['pid'] == pid]\n"
        "        if bool(rows) == there: return\n"
        "        time.sleep(0.01)\n"
        "first = subprocess.Popen(['sleep', '1000'], env={'WORKBENCH_RUN_ID': sys.argv[1]})\n"
        "look(first.pid, True)\n"
        "first.kill(); first.wait()\n"
        "open('/proc/sys/kernel/ns_last_pid', 'w').write(str(first.pid - 1))\n"
        "second = subprocess.Popen(['sleep', '1000'])\n"
        "assert second.pid == first.pid, (first.pid, second.pid)\n"
        "look(second.pid, False)\n"
        "print('told apart')\n"
        "second.kill(); second.wait()\n"
    )
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, str(script)]
    done = subprocess.run(
        [*argv, new_run_id()],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert done.stdout == "told apart\n", done.stderr


def test_only_the_biggest_of_very_many_are_told(
    start: Any, sampler: ProcessSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_sampling, "MOST", 2)
    pids = [start("sleep", "1000") for _ in range(4)]
    uses = {pid: [{"gpu": "GPU-1", "memory": 1 + number}] for number, pid in enumerate(pids)}
    assert [row["pid"] for row in sampler.sample(uses)] == [pids[3], pids[2]]
    assert re.fullmatch(r"\d+ smaller processes are left out", sampler.note or "")
