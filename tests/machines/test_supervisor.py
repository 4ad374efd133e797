"""Whole runs under guard and supervisor: how they end, what they find, what they leave."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, all_bytes, ground, new_run_id, untagged, until
from workbench.compute.payload import build_payload
from workbench.remote.processes import process_trees
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.submission import submit

__all__ = ["ground", "untagged"]


def states(status: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in status["transitions"]]


def last(status: dict[str, Any]) -> dict[str, Any]:
    return status["transitions"][-1]


def test_a_run_completes_with_its_streams_in_order(ground: Ground) -> None:
    """AZ-70, AZ-71, AZ-75: the states in their order, one stream of stdout and stderr, exit 0."""
    status, output = ground.finish("echo out; echo err >&2; printf 'bar\\r100%%\\n'")
    assert output == b"out\nerr\nbar\r100%\n"
    assert states(status) == ["NotStarted", "Preparing", "Running", "Finalizing", "Completed"]
    assert [entry["seq"] for entry in status["transitions"]] == [1, 2, 3, 4, 5]
    assert last(status)["exit_code"] == 0
    assert status["resources"]["stream_bytes"] == len(output)
    assert status["resources"]["stream_dropped"] == 0
    assert status["resources"]["cpu_seconds"] >= 0
    assert status["resources"]["peak_memory"] > 100_000


def test_what_a_script_logs_and_prints_is_in_the_log_unchanged(ground: Ground) -> None:
    """AZ-105: the logging module, stdout and stderr, byte for byte and in their order."""
    script = (
        "import logging, os, sys\n"
        "logging.basicConfig(format='%(levelname)s %(message)s', level=logging.INFO)\n"
        "logging.info('epoch 1'); print('caf\u00e9'); logging.warning('slow')\n"
        "os.write(1, bytes([0, 255, 10])); sys.stderr.write('no newline at the end')"
    )
    _, output = ground.finish(
        [sys.executable, "-c", script], environment_variables={"PYTHONIOENCODING": "utf-8"}
    )
    assert output == b"INFO epoch 1\ncaf\xc3\xa9\nWARNING slow\n\x00\xff\nno newline at the end"


def test_guard_and_supervisor_are_gone_after_the_end(ground: Ground) -> None:
    run = ground.submit("true")
    status = ground.wait(run)
    for who in ("guard", "supervisor", "child"):
        known = (status[who]["pid"], status[who]["start"])
        until(lambda known=known: not process_trees.alive(*known), f"{who} to end")
    until(lambda: os.listdir(ground.machine.locks) == [], "the lock to be removed")


def test_a_failing_command_says_its_exit_code(ground: Ground) -> None:
    """AZ-75."""
    status, _ = ground.finish("exit 3")
    assert last(status) == {
        **last(status),
        "state": "Failed",
        "cause": "exit",
        "exit_code": 3,
        "message": "exit code 3",
    }


def test_a_command_killed_by_a_signal_says_which(ground: Ground) -> None:
    status, _ = ground.finish([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"])
    assert (last(status)["cause"], last(status)["signal"]) == ("signal", 11)
    assert "exit_code" not in last(status)
    assert "SIGSEGV" in last(status)["message"]


def test_a_command_that_is_not_there(ground: Ground) -> None:
    status, _ = ground.finish(["no-such-program-here", "--lr", "1"])
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "command")
    assert last(status)["message"] == "command not found: no-such-program-here"
    assert "Running" not in states(status)


def test_a_shell_line_that_is_not_there(ground: Ground) -> None:
    status, output = ground.finish("no-such-program-here --lr 1")
    assert (last(status)["cause"], last(status)["exit_code"]) == ("exit", 127)
    assert "not found" in last(status)["message"]
    assert b"no-such-program-here" in output


def test_an_exact_argv_reaches_the_program_unchanged(ground: Ground) -> None:
    words = ["a b", "$HOME", "it's", '"q"', "*", "", "new\nline", "\u00e9", "-n", "back\\slash"]
    program = "import sys; print(sys.argv[1:])"
    expected = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=True).stdout
    assert ground.finish([sys.executable, "-c", program, *words])[1] == expected
    assert ground.finish([sys.executable, "-c", program, *words], setup=["true"])[1] == expected
    assert ground.finish([sys.executable, "-c", program, *words], login_shell=True)[1] == expected


def test_setup_lines_take_effect_in_the_commands_shell(ground: Ground) -> None:
    setup = ["export LR=3e-4", "cd /", "greet() { echo hello $1; }", "umask 027"]
    status, output = ground.finish("greet ann; echo $LR $PWD $(umask)", setup=setup)
    assert (last(status)["state"], output) == ("Completed", b"hello ann\n3e-4 / 0027\n")
    argv = [sys.executable, "-c", "import os, sys; print(os.environ['LR'], sys.argv[1])", "x y"]
    assert ground.finish(argv, setup=setup)[1] == b"3e-4 x y\n"


@pytest.mark.parametrize(
    ("line", "code"), [("false", 1), ("exit 7", 7), ("no-such-thing", 127), ("if then", 1), ("(exit 4)", 4)]
)
def test_a_setup_line_that_fails_is_named(ground: Ground, line: str, code: int) -> None:
    status, output = ground.finish("echo never", setup=["echo first", line, "echo third"])
    assert last(status)["state"] == "Failed"
    assert last(status)["cause"] == "setup"
    assert last(status)["message"].startswith(
        f"setup line 2 failed (exit {last(status)['exit_code']}): {line}"
    )
    assert last(status)["exit_code"] in (code, 2)  # a syntax error is 1 or 2, as the shell likes
    assert output.startswith(b"first\n")
    assert b"never" not in output
    assert b"third" not in output


def test_what_a_run_finds_in_its_environment(ground: Ground) -> None:
    """AZ-106: the run knows itself."""
    run = ground.submit("env; echo cwd=$PWD", environment_variables={"MINE": "yes", "AZUREML_RUN_ID": "no"})
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    lines = set(ground.output(run).decode().splitlines())
    folder = ground.folder_of(run)
    assert {
        f"AZUREML_RUN_ID={run}",
        "AZUREML_ARM_PROJECT_NAME=mnist",
        "AZUREML_ARM_WORKSPACE_NAME=home",
        f"WORKBENCH_RUN_ID={run}",
        f"WORKBENCH_RUN_DIR={folder.path}",
        "WORKBENCH_ATTEMPT=1",
        "WORKBENCH_EXPERIMENT=mnist",
        "PYTHONUNBUFFERED=1",
        "CUDA_DEVICE_ORDER=PCI_BUS_ID",
        "MINE=yes",
        f"cwd={folder.code}",
    } <= lines
    assert not [line for line in lines if line.startswith(("SSH_", "WORKBENCH_GUARD", "MLFLOW"))]
    path = next(line for line in lines if line.startswith("PATH="))
    assert path.startswith(f"PATH={folder.path}/bin:")


def test_gpus_zero_hides_them_and_null_leaves_them(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    line = "echo [$CUDA_VISIBLE_DEVICES]"
    assert ground.finish(line, gpus=0)[1] == b"[]\n"
    assert ground.finish(line, gpus=None)[1] == b"[3]\n"
    assert ground.finish(line, gpus=0, setup=["true"])[1] == b"[]\n"


def test_outputs_and_logs_are_collected_next_to_the_code(ground: Ground) -> None:
    """AZ-86, AZ-91: outputs/ and logs/ of the working directory are the run's; each run has its own."""
    first = ground.submit("mkdir -p outputs/deep; echo m > outputs/deep/m; echo l > logs/l; echo x > here")
    ground.wait(first)
    assert ground.path(first, "outputs/deep/m").read_text() == "m\n"
    assert ground.path(first, "logs/l").read_text() == "l\n"
    _, output = ground.finish("ls; ls outputs")
    assert output == b"logs\noutputs\n"


def test_a_later_attempt_goes_on_in_the_same_folder(ground: Ground) -> None:
    run = ground.submit("echo one; echo a > outputs/kept; echo c > code-file; exit 1")
    assert ground.wait(run)["attempt"] == 1
    spec = ground.spec(run, "echo two $WORKBENCH_ATTEMPT; cat outputs/kept code-file", attempt=2)
    assert submit(ground.machine, run, spec, {})["already"] is False
    status = ground.wait(run, "Completed")
    assert ground.output(run) == b"one\ntwo 2\na\nc\n"
    assert [entry["seq"] for entry in status["transitions"]] == list(range(1, 11))
    assert [entry["attempt"] for entry in status["transitions"]] == [1] * 5 + [2] * 5
    assert submit(ground.machine, run, spec, {})["already"] is True


def test_a_later_attempt_waits_until_the_guard_of_the_one_before_has_left(ground: Ground) -> None:
    """A guard that is slow to leave must not keep the next attempt from being started."""
    run = ground.submit("read line < ../gate", setup=["mkfifo ../gate"])
    ground.wait(run, "Running")
    guard = ground.identity(run, "guard")
    os.kill(guard[0], signal.SIGSTOP)
    try:
        until(ground.path(run, "gate").exists)
        ground.path(run, "gate").write_text("on\n")
        ground.wait(run)
        answers: list[dict[str, Any]] = []
        spec = ground.spec(run, "echo two", attempt=2)
        again = threading.Thread(target=lambda: answers.append(submit(ground.machine, run, spec, {})))
        again.start()
        again.join(0.5)
    finally:
        os.kill(guard[0], signal.SIGCONT)
    again.join()
    assert [answer["already"] for answer in answers] == [False]
    until(
        lambda: ground.status(run)["attempt"] == 2 and ground.state(run) == "Completed", "the second attempt"
    )
    assert ground.output(run) == b"two\n"


def test_a_run_over_its_maximum_duration_is_ended(ground: Ground) -> None:
    """AZ-39."""
    status, output = ground.finish("echo on; trap 'echo saved; exit 9' TERM; sleep 300 & wait", timeout=2.5)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "timeout")
    assert "2.5 s" in last(status)["message"]
    assert last(status)["exit_code"] == 9
    assert output == b"on\nsaved\n"


def test_a_background_child_that_keeps_the_output_open_is_ended(ground: Ground) -> None:
    status, output = ground.finish(
        "sleep 1000 & echo $! > ../pid; (setsid sleep 1000 & echo $! > ../pid2); echo done", grace=0.5
    )
    assert (last(status)["state"], output) == ("Completed", b"done\n")
    for name in ("pid", "pid2"):
        assert process_trees.identity(int(ground.path(status["run"], name).read_text())) is None


def test_an_orphan_of_a_killed_command_is_ended(ground: Ground) -> None:
    status, _ = ground.finish("(setsid sleep 1000 & echo $! > ../pid); kill -9 $$", grace=0.2)
    assert (last(status)["cause"], last(status)["signal"]) == ("signal", 9)
    assert process_trees.identity(int(ground.path(status["run"], "pid").read_text())) is None


def test_a_crowd_of_orphans_does_not_hide_the_commands_end(ground: Ground) -> None:
    status, _ = ground.finish("i=0; while [ $i -lt 1200 ]; do (true &); i=$((i+1)); done; exit 4")
    assert last(status)["exit_code"] == 4


def test_secrets_are_in_the_environment_and_nowhere_else(ground: Ground) -> None:
    secret = "hunter2-\u00e9-" + os.urandom(8).hex()
    split = (
        "import os, sys, time; s = os.environ['TOKEN'].encode(); w = sys.stdout.buffer\n"
        "w.write(b'<' + s[:5]); w.flush(); time.sleep(.3); w.write(s[5:] + b'>' + s[:6] + b'|'); w.flush()"
    )
    run = ground.submit(
        [sys.executable, "-c", split], secrets={"TOKEN": secret}, setup=['echo "$TOKEN" | wc -c', "true"]
    )
    status = ground.wait(run)
    assert last(status)["state"] == "Completed"
    assert ground.output(run).split(b"\n")[1] == b"<***>" + secret.encode()[:6] + b"|"
    failing = ground.submit("true", secrets={"TOKEN": secret}, setup=[f'echo {secret}; test "$TOKEN" = x'])
    assert "***" in last(ground.wait(failing))["message"]
    everything = all_bytes(Path(ground.folder_of(run).path)) + all_bytes(Path(ground.machine.lease_dir))
    assert secret.encode() not in everything
    status_text = (
        ground.path(failing, "status.json").read_bytes() + ground.path(failing, "stream.log").read_bytes()
    )
    assert secret.encode() not in status_text


def test_a_line_of_100_megabytes_arrives_whole(ground: Ground) -> None:
    size = 100 << 20
    run = ground.submit(f"head -c {size} /dev/zero | tr '\\0' x")
    status = ground.wait(run)
    assert last(status)["state"] == "Completed"
    assert status["resources"]["stream_bytes"] == size
    assert ground.path(run, "stream.log").stat().st_size == size


def test_binary_output_is_kept_as_it_is(ground: Ground) -> None:
    _, output = ground.finish([sys.executable, "-c", "import os; os.write(1, bytes(range(256)) * 100)"])
    assert output == bytes(range(256)) * 100


def test_a_snapshot_that_is_not_there(ground: Ground) -> None:
    status, _ = ground.finish("true", snapshot="0" * 64)
    assert (last(status)["state"], last(status)["cause"]) == ("Failed", "snapshot")


def test_an_interpreter_that_is_not_there(ground: Ground) -> None:
    status, _ = ground.finish("true", python="/no/such/python")
    assert last(status)["cause"] == "command"
    assert "/no/such/python" in last(status)["message"]


def test_a_script_of_any_length(ground: Ground) -> None:
    text = "x=" + "y" * 300_000 + "\necho ${#x}\n"
    assert ground.finish(text)[1] == b"300000\n"


def test_the_run_sees_a_clean_process(ground: Ground) -> None:
    program = (
        "import os, signal; print(sorted(int(f) for f in os.listdir('/proc/self/fd') if int(f) > 2)[:-1],"
        " signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, os.getsid(0) == os.getpid(),"
        " os.readlink('/proc/self/fd/0'), open('/proc/self/oom_score_adj').read().strip())\n"
        "print([l for l in open('/proc/self/status') if l.startswith(('SigBlk', 'SigIgn'))])"
    )
    _, output = ground.finish([sys.executable, "-S", "-c", program])
    assert output.startswith(b"[] True True /dev/null 500\n")
    assert b"SigBlk:\\t0000000000000000" in output
    # With setup lines the talk's descriptors are closed again before the command.
    _, output = ground.finish([sys.executable, "-S", "-c", program], setup=["true"])
    assert output.startswith(b"[] True")


def test_heartbeats_are_the_status_files_time(ground: Ground) -> None:
    """AZ-73: judged on the machine itself."""
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    assert ground.status(run)["not_responding"] is False
    os.kill(ground.identity(run, "supervisor")[0], 19)
    os.utime(ground.folder_of(run).status, (1, 1))
    assert ground.status(run)["not_responding"] is True
    os.kill(ground.identity(run, "supervisor")[0], 18)


def test_a_run_submitted_from_a_run_is_not_part_of_it(ground: Ground) -> None:
    """AZ-83 in part: they are independent, also when both are on one machine."""
    child = new_run_id()
    ground.runs.append(child)
    spec = ground.spec(child, "sleep 2; echo child done")
    program = (
        f"import sys; sys.path.insert(0, {ground.machine.payload!r})\n"
        "from workbench.remote.machine import Machine\nfrom workbench.remote.supervision.submission import submit\n"
        f"m = Machine({ground.machine.root!r}, {ground.machine.lease_dir!r}, {ground.machine.payload!r})\n"
        f"print(submit(m, {child!r}, {spec!r}, {{}})['already'])"
    )
    status, output = ground.finish([sys.executable, "-c", program], grace=0.2)
    assert (last(status)["state"], output) == ("Completed", b"False\n")
    assert last(ground.wait(child))["state"] == "Completed"
    assert ground.output(child) == b"child done\n"


def interpreters() -> list[str]:
    found = {}
    for place in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3")):
        found[place.parts[-3]] = str(place)
    for minor in range(6, 15):
        path = shutil.which(f"python3.{minor}")
        if path and not any(version.startswith(f"3.{minor}.") for version in found):
            works = subprocess.run([path, "-c", "import ctypes, json"], capture_output=True, check=False)
            if works.returncode == 0:
                found[f"3.{minor}."] = path
    return [found[version] for version in sorted(found)] or [sys.executable]


@pytest.mark.parametrize("python", interpreters())
def test_a_whole_run_under_every_interpreter(ground: Ground, python: str) -> None:
    run = new_run_id()
    ground.runs.append(run)
    spec = ground.spec(run, "echo $LR $TOKEN; python -c 'import sys; print(sys.version_info[:2])'")
    spec.update(setup=["export LR=1"], python=python, gpus=1, devices=["a0"])
    body = (
        "import json, sys\nfrom workbench.remote.machine import Machine\n"
        "from workbench.remote.supervision.submission import submit\nfrom workbench.remote.doctor.facts import doctor\n"
        f"m = Machine({ground.machine.root!r}, {ground.machine.lease_dir!r}, {ground.machine.payload!r})\n"
        f"submit(m, {run!r}, json.loads(sys.stdin.read()), {{'TOKEN': 'hunter2hunter2'}}); doctor(m)\n"
    )
    start = f"import sys; sys.path.insert(0, {ground.machine.payload!r})\n{body}"
    subprocess.run([python, "-c", start], input=json.dumps(spec), text=True, check=True, timeout=120)
    status = ground.wait(run)
    assert last(status)["state"] == "Completed", status
    assert status["gpus"] == ["a0"]
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True
    ).stdout
    assert ground.output(run) == b"1 ***\n" + version


def test_the_payload_is_the_same_whenever_it_is_built() -> None:
    first = build_payload()
    build_payload.cache_clear()
    assert build_payload() == first


def test_a_run_id_that_is_a_path_is_refused(ground: Ground) -> None:
    for hostile in ("../../etc", "", "01" + "I" * 24, "01" + "A" * 24 + "\n", 5):
        with pytest.raises(ValueError):
            RunFolder(ground.machine, hostile)  # type: ignore[arg-type]
