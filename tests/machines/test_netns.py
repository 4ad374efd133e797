"""The product on machines that are cut off, lose power, restart and share a home; all in namespaces (root)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.machines.links import interpreter
from tests.machines.netns import Net, NetMachine
from tests.machines.wb import Wb
from workbench.remote.forms import protocol

TRAINER = """\
import sys, time
from workbench import Run
run = Run.get_context()
for step in range(int(sys.argv[1])):
    run.log("loss", step, step=step)
    sys.stdout.write("line %d %s\\n" % (step, "x" * 50)); sys.stdout.flush()
    time.sleep(0.02)
"""


@pytest.fixture
def user(net: Net, wb: Wb) -> Wb:
    """A user whose commands and local server sit at their end of the wires."""
    wb.through = net.through
    return wb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small source tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINER)
    return folder


def attach(user: Wb, machine: NetMachine, *words: str) -> None:
    """Attach the machine with a root in its home; its lease folder is the default one."""
    root = str(machine.home / "wb")
    user(
        "compute", "attach", machine.name, "--root", root, "--set", f"ssh_config={machine.ssh_config}", *words
    )


def submit(user: Wb, project: Path, *words: str) -> str:
    """Submit a run; its id."""
    return user("submit", *words, cwd=project).split()[0]


def test_a_run_goes_on_while_the_wire_is_out(user: Wb, net: Net, project: Path, full: bool) -> None:
    """Law 2, trap 9, trap 11: afterwards every byte and every metric is there exactly once."""
    machine = net.machine()
    attach(user, machine)
    out = 60.0 if full else 3.0
    steps = int(out * 50) + 150
    run = submit(user, project, "--", "python", "train.py", str(steps))
    user.until(lambda: user("logs", run).count("\n") > 20, "the run to be under way")
    machine.cut()
    time.sleep(out)
    seen = user("logs", run).count("\n")
    assert user.show(run)["status"] == "Running"
    assert seen < steps - 100, "the wire was not out"
    machine.heal()
    assert user.wait(run)["status"] == "Completed"
    assert user("logs", run) == "".join(f"line {step} {'x' * 50}\n" for step in range(steps))
    points = user.json("run", "metrics", run, "loss", "--limit", "100000")
    assert [(point["step"], point["value"]) for point in points] == [(n, n) for n in range(steps)]


def status_file(machine: NetMachine, run: str) -> Path:
    """The run's status on the machine, which is also its heartbeat."""
    return machine.home / "wb" / "runs" / run / "status.json"


def test_after_a_power_cut_what_ran_and_what_waited_has_failed_by_reboot(
    user: Wb, net: Net, project: Path, full: bool
) -> None:
    """Trap 3: nothing of the boot before is taken for alive, and its recorded pids are never signalled.

    The machine's process ids start anew after the boot, so recorded ones belong to strangers now.
    """
    machine = net.machine()
    attach(user, machine, "--set", "slots=1")
    first = submit(user, project, "--", "echo on; sleep 1000")
    user.until(lambda: user.show(first)["status"] == "Running", "the first to run")
    second = submit(user, project, "--", "echo never")
    user.until(lambda: user.show(second)["status"] == "Queued", "the second to wait")
    machine.stop()
    for run in (first, second):  # two minutes pass
        passed = time.time() - protocol.STALE_SECONDS - 1
        os.utime(status_file(machine, run), (passed, passed))
    machine.start()
    if not full:  # a new server need not notice first that the link went silent
        user.kill_server()
    strangers = machine.start_sleepers(300)  # more process ids than any run of ours had
    for run in (first, second):
        ended = user.wait(run)
        assert (ended["status"], ended["cause"]) == ("Failed", "reboot"), ended
        assert "restarted" in ended["message"]
    assert machine.sleepers() == strangers
    assert user("logs", first) == "on\n"
    third = submit(user, project, "--wait", "--", "echo again")
    assert user("logs", third) == "again\n"


def test_after_a_power_cut_a_run_that_asked_for_it_is_tried_again(
    user: Wb, net: Net, project: Path, full: bool
) -> None:
    """AZ-35, trap 3: who comes back first starts it, in its folder, from the spec; no pid of before is touched."""
    machine = net.machine()
    attach(user, machine, "--set", "slots=1")
    line = (
        'echo "attempt $WORKBENCH_ATTEMPT"; while ! test -e ../go; do sleep 0.05; done; cat kept; touch kept'
    )
    retried = submit(user, project, "--retry", "2:reboot", "--", f"echo mark >> kept; {line}")
    user.until(lambda: "attempt 1" in user("logs", retried), "the first attempt")
    waiting = submit(user, project, "--retry", "1", "--", "echo waited")
    user.until(lambda: user.show(waiting)["status"] == "Queued", "the second to wait")
    for attempt in (2, 3):
        machine.stop()
        for run in (retried, waiting):
            passed = time.time() - protocol.STALE_SECONDS - 1
            os.utime(status_file(machine, run), (passed, passed))
        machine.start()
        if not full:  # a new server need not notice first that the link went silent
            user.kill_server()
        strangers = machine.start_sleepers(100)
        user.until(lambda n=attempt: f"attempt {n}" in user("logs", retried), "the next attempt")  # type: ignore[misc]
        assert machine.sleepers() == strangers
        if attempt == 2:
            user.until(lambda: user.show(waiting)["status"] == "Queued", "the second to wait again")
    (machine.home / "wb" / "runs" / retried / "go").touch()
    ended = user.wait(retried)
    assert (ended["status"], ended["attempt"]) == ("Completed", 3)
    assert user("logs", retried) == "attempt 1\nattempt 2\nattempt 3\nmark\nmark\nmark\n"
    ended = user.wait(waiting)
    assert (ended["status"], ended["cause"]) == ("Failed", "reboot"), (
        "its one retry was used up by the first cut"
    )


def test_machines_that_share_a_home_leave_each_others_runs_alone(user: Wb, net: Net, project: Path) -> None:
    """Law 7, trap 6: one root, two machines; locks and leases stay on each one's own disk."""
    one = net.machine()
    two = net.machine(home=one.home)
    for machine in (one, two):
        attach(user, machine)
    runs = {
        machine.name: submit(user, project, "-t", machine.name, "--", "hostname; sleep 1000")
        for machine in (one, two)
    }
    for name, run in runs.items():
        user.until(lambda run=run: user("logs", run), "output")  # type: ignore[misc]
        assert user("logs", run) == name + "\n"
    assert {path.name for path in (one.home / "wb" / "runs").iterdir()} == set(runs.values())
    for machine in (one, two):
        assert (machine.default_lease_dir / "locks" / runs[machine.name]).exists()
        assert len(list((machine.default_lease_dir / "locks").glob("[0-9A-Z]*"))) == 1
    # The first loses power; its neighbour looks at the shared runs, even after a long silence, and judges none.
    one.stop()
    passed = time.time() - 10 * protocol.STALE_SECONDS
    os.utime(status_file(one, runs["gpu1"]), (passed, passed))
    before = status_file(one, runs["gpu1"]).read_bytes()
    user("compute", "adopt", "gpu2")
    user.kill_server()
    user("compute", "doctor", "gpu2", code=None)
    assert status_file(one, runs["gpu1"]).read_bytes() == before
    assert user.show(runs["gpu2"])["status"] == "Running"
    one.start()
    ended = user.wait(runs["gpu1"])
    assert (ended["status"], ended["cause"]) == ("Failed", "reboot")
    assert user.show(runs["gpu2"])["status"] == "Running"
    user("cancel", runs["gpu2"])
    assert user.wait(runs["gpu2"])["status"] == "Canceled"


def test_a_machine_whose_first_process_collects_no_orphans(user: Wb, net: Net, project: Path) -> None:
    """Trap 2: the supervisor collects its run's orphans itself; a zombie is not taken for alive."""
    machine = net.machine(reaps=False)
    attach(user, machine)
    command = 'for n in 1 2 3 4 5; do (setsid sh -c "sleep 0.1" &); done; sleep 0.5; (setsid sleep 1000 &); '
    done = submit(user, project, "--wait", "--", command)
    assert user.show(done)["status"] == "Completed"
    lost = submit(user, project, "--", command + "sleep 1000")
    user.until(lambda: user.show(lost)["status"] == "Running", "it to run")
    user("cancel", lost)
    assert user.wait(lost)["status"] == "Canceled"
    user.until(lambda: not [line for line in machine.processes() if "sleep" in line], "all of it to end")
    left = [line for line in machine.processes() if line.startswith("Z")]
    assert not [line for line in left if "sleep" in line or "[sh]" in line], left


@pytest.mark.parametrize("has", ["nothing", "2.7"])
def test_a_machine_without_a_python_we_can_use(has: str, user: Wb, net: Net) -> None:
    """trap 14: said in words with a hint, exit code 4, nothing attached; once there is one it works."""
    machine = net.machine()
    machine.take_python(interpreter(has) if has != "nothing" else None)
    words = ["compute", "attach", machine.name, "--root", str(machine.home / "wb"),
             "--set", f"ssh_config={machine.ssh_config}"]  # fmt: skip
    refused = user.run(*words)
    assert refused.returncode == 4, refused
    assert "python" in refused.stderr
    assert "3.6" in refused.stderr
    assert ("2.7" in refused.stderr) == (has == "2.7")
    assert "hint:" in refused.stderr
    assert machine.name not in [target["name"] for target in user.json("compute", "ls")]
    machine.stop()
    machine.start()
    user(*words)
    # It is taken away again, as when a machine is set up anew: said as well, and no run is left waiting.
    machine.take_python(interpreter(has) if has != "nothing" else None)
    user.kill_server()
    refused = user.run("submit", "--no-code", "--", "true")
    assert refused.returncode == 4, refused
    assert "python" in refused.stderr
    assert "hint:" in refused.stderr
    assert user.json("ps") == []
