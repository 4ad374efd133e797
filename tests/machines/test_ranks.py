"""Several processes of one command on one machine, as real processes under a real supervisor (AZ-148)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged
from tests.machines.inside import interpreters
from workbench.compute.payload import build_payload
from workbench.remote.distribution.plan import distributed
from workbench.remote.machine import Machine
from workbench.remote.processes import process_trees
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.cancel import cancel

__all__ = ["ground", "untagged"]

VARIABLES = """
import json, os
names = [n for n in os.environ if n.startswith(("OMPI_", "OMP_")) or n in (
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TF_CONFIG")]
print(json.dumps({n: os.environ[n] for n in names}), flush=True)
"""

# An all-reduce over plain sockets, as a process group does its own: rank 0 listens where it was told to.
TALK = """
import os, socket, time
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    server = socket.socket()
    server.bind(place)
    server.listen(8)
    peers = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(peer.recv(64)) for peer in peers)
    for peer in peers:
        peer.sendall(b"%d" % total)
else:
    while True:
        try:
            peer = socket.create_connection(place)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    peer.sendall(b"%d" % rank)
    total = int(peer.recv(64))
print("rank", rank, "of", size, "has", total)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def asks(processes: int, kind: str = "pytorch", servers: int = 0) -> dict[str, Any]:
    return {"type": kind, "processes": processes, "parameter_servers": servers}


def last(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


def log_of(ground: Ground, run: str, rank: int) -> str:
    return ground.path(run, f"logs/rank-{rank}.log").read_text()


def test_ranks_that_need_each_other_meet(ground: Ground) -> None:
    """AZ-148: each is told its rank, and where the first listens; each has a log of its own."""
    run = ground.submit(python(TALK), distribution=asks(3))
    status = ground.wait(run)
    assert last(status)["state"] == "Completed", (last(status), ground.output(run))
    for rank in range(3):
        assert log_of(ground, run, rank) == f"rank {rank} of 3 has 3\n"
    lines = sorted(ground.output(run).decode().splitlines())
    assert lines == [f"[{rank}] rank {rank} of 3 has 3" for rank in range(3)]
    told = json.loads(ground.path(run, "ranks.json").read_text())
    assert [(end["rank"], end["exit_code"]) for end in told["ends"]] == [(0, 0), (1, 0), (2, 0)]


def test_one_that_fails_ends_the_others_and_is_named(ground: Ground) -> None:
    code = "import os, time\nif os.environ['RANK'] == '1': raise SystemExit(7)\ntime.sleep(1000)"
    run = ground.submit(python(code), distribution=asks(3))
    end = last(ground.wait(run))
    assert (end["state"], end["cause"], end["exit_code"]) == ("Failed", "exit", 7)
    assert end["message"] == "rank 1 of 3 failed first: exit code 7"
    assert b"workbench: rank 1 of 3: exit code 7; the others are ended\n" in ground.output(run)
    told = json.loads(ground.path(run, "ranks.json").read_text())
    assert told["first"] == 1
    assert [end["told"] for end in told["ends"]] == [True, False, True]


def test_one_that_is_killed_is_told_as_any_killed_command_is(ground: Ground) -> None:
    code = "import os, time\nif os.environ['RANK'] == '0': os.kill(os.getpid(), 9)\ntime.sleep(1000)"
    end = last(ground.finish(python(code), distribution=asks(2))[0])
    assert (end["cause"], end["signal"]) == ("signal", 9)
    assert end["message"] == "rank 0 of 2 failed first: killed by SIGKILL"


def test_the_others_have_the_grace_to_end_well_and_no_more(ground: Ground) -> None:
    """One of them tidies up when it is told to end, the other does not listen and left that to children."""
    code = (
        "import os, signal, subprocess, sys, time\n"
        "rank, run = os.environ['RANK'], os.environ['WORKBENCH_RUN_DIR']\n"
        "if rank == '1':\n"
        "    def tidy(*_):\n"
        "        open(run + '/outputs/tidied', 'w').close()\n"
        "        sys.exit(0)\n"
        "    signal.signal(signal.SIGTERM, tidy)\n"
        "if rank == '2':\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    child = subprocess.Popen(['sleep', '1000'])\n"
        "    open(run + '/child', 'w').write(str(child.pid))\n"
        "open(run + '/ready' + rank, 'w').close()\n"
        "while rank == '0' and not all(os.path.exists(run + '/ready' + r) for r in '12'): time.sleep(0.01)\n"
        "if rank == '0': sys.exit(3)\n"
        "time.sleep(1000)\n"
    )
    run = ground.submit(python(code), distribution=asks(3), grace=0.5)
    end = last(ground.wait(run))
    assert (end["exit_code"], end["message"]) == (3, "rank 0 of 3 failed first: exit code 3")
    assert ground.path(run, "outputs/tidied").exists()
    assert process_trees.identity(int(ground.path(run, "child").read_text())) is None


def test_a_cancel_ends_all_ranks(ground: Ground) -> None:
    """AZ-76 holds for each of them; nobody is blamed for it, and who tidies up is told once."""
    code = (
        "import os, signal, time\n"
        "run, rank, told = os.environ['WORKBENCH_RUN_DIR'], os.environ['RANK'], []\n"
        "def tidy(*_):\n"
        "    told.append(1)\n"
        "    open(run + '/outputs/told' + rank, 'w').write(str(len(told)))\n"
        "signal.signal(signal.SIGTERM, tidy)\n"
        "open(run + '/pid' + rank + '.part', 'w').write(str(os.getpid()))\n"
        "os.rename(run + '/pid' + rank + '.part', run + '/pid' + rank)\n"
        "while True: time.sleep(0.1)\n"
    )
    run = ground.submit(python(code), distribution=asks(2), grace=1.0)
    everyone = [ground.noted(run, f"pid{rank}") for rank in range(2)]
    cancel(ground.machine, run)
    end = last(ground.wait(run))
    assert (end["state"], end["cause"]) == ("Canceled", "canceled")
    assert not any(process_trees.alive(*one) for one in everyone)
    assert [ground.path(run, f"outputs/told{rank}").read_text() for rank in range(2)] == ["1", "1"]
    assert b"the others are ended" not in ground.output(run)


def test_a_launcher_that_is_killed_takes_its_ranks_along(ground: Ground) -> None:
    code = "import os, time\nopen(os.environ['WORKBENCH_RUN_DIR'] + '/pid' + os.environ['RANK'], 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    run = ground.submit(python(code), distribution=asks(2))
    everyone = [ground.noted(run, f"pid{rank}") for rank in range(2)]
    launcher = ground.identity(run, "child")
    os.kill(launcher[0], signal.SIGKILL)
    end = last(ground.wait(run))
    assert (end["state"], end["signal"]) == ("Failed", 9)
    assert not any(process_trees.alive(*one) for one in everyone)


def test_a_port_that_was_taken_meanwhile_is_no_reason_to_fail(ground: Ground) -> None:
    """Somebody else is quicker than rank 0: all begin again with another port, and the log says so."""
    thief = (
        "import os, socket, time\n"
        "server = socket.create_server(('127.0.0.1', int(os.environ['MASTER_PORT'])))\n"
        "open(os.environ['WORKBENCH_RUN_DIR'] + '/stolen', 'w').close()\n"
        "time.sleep(1000)\n"
    )
    code = (
        "import os, subprocess, sys, time\n"
        "stolen = os.environ['WORKBENCH_RUN_DIR'] + '/stolen'\n"
        "if os.environ['RANK'] == '0' and not os.path.exists(stolen):\n"
        f"    subprocess.Popen([sys.executable, '-c', {thief!r}], start_new_session=True)\n"
        "    while not os.path.exists(stolen): time.sleep(0.01)\n" + TALK
    )
    run = ground.submit(python(code), distribution=asks(2), grace=0.3)
    status = ground.wait(run)
    assert last(status)["state"] == "Completed", (last(status), ground.output(run))
    output = ground.output(run).decode()
    assert "Address already in use" in output
    assert "was taken by somebody else in the meantime: all ranks are started again" in output
    assert "[1] rank 1 of 2 has 1" in output


def test_a_command_that_is_not_there(ground: Ground) -> None:
    status, output = ground.finish(["no-such-program"], distribution=asks(2))
    assert last(status)["message"].startswith("rank 0 could not be started: No such file or directory")
    assert b"rank 0 could not be started" in output


def test_a_distribution_that_cannot_be(ground: Ground) -> None:
    for wrong in ({"type": "ray", "processes": 2}, asks(0), asks(5000), asks(2, "tensorflow", 2)):
        end = last(ground.finish(["true"], distribution=wrong)[0])
        assert (end["state"], end["cause"]) == ("Failed", "command")
        assert "a distribution of" in end["message"]


def test_what_each_type_tells_its_ranks(ground: Ground) -> None:
    """AZ-145, AZ-148: RANK and its kin for all, TF_CONFIG for TensorFlow, Open MPI's names for mpi."""

    def found(kind: str, count: int, servers: int = 0, **more: Any) -> list[dict[str, str]]:
        run = ground.submit(python(VARIABLES), distribution=asks(count, kind, servers), **more)
        ground.wait(run)
        return [json.loads(log_of(ground, run, rank)) for rank in range(count)]

    one, two = found("pytorch", 2, cpus=8)
    assert (one["RANK"], one["LOCAL_RANK"], one["WORLD_SIZE"], one["LOCAL_WORLD_SIZE"]) == (
        "0",
        "0",
        "2",
        "2",
    )
    assert (two["RANK"], two["LOCAL_RANK"], two["MASTER_ADDR"]) == ("1", "1", "127.0.0.1")
    assert one["MASTER_PORT"] == two["MASTER_PORT"]
    assert one["OMP_NUM_THREADS"] == "4", "the cores that the run asked for, shared by its ranks"
    assert "TF_CONFIG" not in one

    chief, worker, server = (json.loads(one["TF_CONFIG"]) for one in found("tensorflow", 3, 1))
    assert chief["cluster"] == worker["cluster"] == server["cluster"]
    assert {kind: len(places) for kind, places in chief["cluster"].items()} == {"worker": 2, "ps": 1}
    assert len({place for places in chief["cluster"].values() for place in places}) == 3
    assert [one["task"] for one in (chief, worker, server)] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
        {"type": "ps", "index": 0},
    ]


def test_lines_stay_whole_and_secrets_out_of_every_log(ground: Ground) -> None:
    """Print sends a line in pieces when nothing is held back; a secret is not in a rank's own file either."""
    code = (
        "import os, sys, time\n"
        "rank = os.environ['RANK']\n"
        "for n in range(50):\n"
        "    print('line', n, 'of', rank)\n"
        "    time.sleep(0.002)\n"
        "print('key', os.environ['KEY'])\n"
        "sys.stdout.write('no end'); sys.stdout.flush()\n"
    )
    secret = "s3cret-value-42"
    run = ground.submit(
        python(code),
        distribution=asks(2),
        secrets={"KEY": secret},
        configuration={"secrets": ["KEY"]},
    )
    assert last(ground.wait(run))["state"] == "Completed"
    lines = ground.output(run).decode().splitlines()
    assert [line for line in lines if line.startswith("[0] line")] == [
        f"[0] line {n} of 0" for n in range(50)
    ]
    assert [line for line in lines if line.startswith("[1] line")] == [
        f"[1] line {n} of 1" for n in range(50)
    ]
    assert all(line.startswith(("[0] ", "[1] ")) for line in lines)
    assert sum(line.endswith("no end") for line in lines) == 2
    for rank in range(2):
        assert secret not in log_of(ground, run, rank)
        assert "key ***" in log_of(ground, run, rank)
    for name in ("ranks.plan", "spec.json", "ranks.json"):
        assert secret not in ground.path(run, name).read_text()


def test_setup_lines_come_once_and_before_the_ranks(ground: Ground) -> None:
    run = ground.submit(
        "echo $FOUND $RANK; touch ../said$RANK; while [ ! -e ../said0 ]; do sleep 0.05; done; test $RANK = 0 || exit 4",
        distribution=asks(2),
        setup=["export FOUND=module", "echo setup >> $WORKBENCH_RUN_DIR/setups"],
    )
    end = last(ground.wait(run))
    assert (end["exit_code"], end["message"]) == (4, "rank 1 of 2 failed first: exit code 4")
    assert ground.path(run, "setups").read_text() == "setup\n"
    assert log_of(ground, run, 0) == "module 0\n"


def test_a_long_script_and_what_no_rank_may_do_to_the_log(ground: Ground) -> None:
    """A command that is longer than one word of an argv may be; a link in logs/ leads nowhere."""
    command = "echo begun\n" + "# a comment that makes it long\n" * 5000 + "echo done $RANK\n"
    run = ground.submit(command, distribution=asks(2))
    assert last(ground.wait(run))["state"] == "Completed"
    assert log_of(ground, run, 1) == "begun\ndone 1\n"


def test_what_a_rank_leaves_running_holds_nobody_up(ground: Ground) -> None:
    """A daemon of a rank keeps its output open; the run is over when its ranks are."""
    code = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint('done')"
    status, output = ground.finish(python(code), distribution=asks(2))
    assert last(status)["state"] == "Completed"
    assert sorted(output.split(b"\n")) == [b"", b"[0] done", b"[1] done"]


def test_what_a_failed_rank_left_writing_without_end_holds_nobody_up(ground: Ground) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "if os.environ['RANK'] == '1': time.sleep(1000)\n"
        "subprocess.Popen(['yes'])\n"
        "time.sleep(0.2)\n"
        "sys.exit(3)\n"
    )
    run = ground.submit(python(code), distribution=asks(2), stream_cap=1 << 20, grace=0.5)
    try:
        end = last(ground.wait(run))
    finally:
        cancel(ground.machine, run, 0.0)
    assert (end["cause"], end["exit_code"]) == ("exit", 3)
    assert end["message"] == "rank 0 of 2 failed first: exit code 3"


def test_a_rank_writes_a_lot_and_the_cap_holds_for_its_own_log(ground: Ground) -> None:
    code = "import sys\nfor n in range(11500): sys.stdout.write('x' * 99 + chr(10))"
    run = ground.submit(python(code), distribution=asks(1), stream_cap=1 << 20)
    assert last(ground.wait(run))["state"] == "Completed"
    assert ground.path(run, "logs/rank-0.log").stat().st_size == 1 << 20
    assert b"logs/rank-0.log is not written to any further" in ground.output(run)


def test_metrics_of_ranks_say_whose_they_are(ground: Ground) -> None:
    code = "from workbench import Run\nrun = Run.get_context()\nrun.log('loss', 1.0)\nrun.flush()"
    run = ground.submit(python(code), distribution=asks(2), python=sys.executable)
    assert last(ground.wait(run))["state"] == "Completed", ground.output(run)
    heads = [
        json.loads(file.read_text().splitlines()[0]) for file in ground.path(run, "records").glob("*.jsonl")
    ]
    assert {head["rank"] for head in heads} == {0, 1}


TORCH = os.environ.get("WORKBENCH_TEST_TORCH")


@pytest.mark.skipif(TORCH is None, reason="WORKBENCH_TEST_TORCH names no interpreter with torch")
def test_two_processes_of_pytorch_train_as_one(ground: Ground, tmp_path: Path) -> None:
    """AZ-148 with the real thing: gloo, DistributedDataParallel, gradients that are the mean of both."""
    assert TORCH is not None
    script = Path(__file__).parents[1] / "data" / "two_ranks.py"
    run = ground.submit([TORCH, str(script)], distribution=asks(2), python=TORCH)
    status = ground.wait(run)
    assert last(status)["state"] == "Completed", ground.output(run).decode()
    said = [log_of(ground, run, rank).splitlines()[-1].split() for rank in range(2)]
    assert [words[:2] for words in said] == [["rank", "0"], ["rank", "1"]]
    assert said[0][2:] == said[1][2:], "both have the same weights at the end"
    assert float(said[0][3]) < 0.05


def test_a_second_try_starts_all_ranks_anew_and_blames_nobody_of_the_first(ground: Ground) -> None:
    """What the ranks of the first attempt left behind says nothing of the second; their logs go on."""
    code = (
        "import os\n"
        "print('try', os.environ['WORKBENCH_ATTEMPT'])\n"
        "raise SystemExit(os.environ['WORKBENCH_ATTEMPT'] == '1' and os.environ['RANK'] == '1')\n"
    )
    run = ground.submit(python(code), distribution=asks(2), retries={"count": 1, "on": ["exit"]})
    status = ground.wait(run)
    messages = [entry.get("message") for entry in status["transitions"] if entry["state"] == "Failed"]
    assert last(status)["state"] == "Completed", (status, messages)
    assert log_of(ground, run, 1) == "try 1\ntry 2\n"
    assert json.loads(ground.path(run, "ranks.json").read_text())["attempt"] == 2


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).parts[-3])
def test_the_launcher_runs_on_every_python_a_machine_may_have(tmp_path: Path, python: str) -> None:
    payload = tmp_path / "payload.pyz"
    payload.write_bytes(build_payload().data)
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), str(payload))
    folder = RunFolder(machine, new_run_id())
    folder.claim()
    folder.furnish()
    for kind in ("pytorch", "tensorflow", "mpi"):
        asked = {"type": kind, "processes": 2, "parameter_servers": 0}
        spec = {"run": folder.run_id, "command": [python, "-c", TALK], "grace": 1.0, "distribution": asked}
        argv = distributed(str(payload), folder, spec, python)["command"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (kind, done.stdout, done.stderr)
        assert sorted(done.stdout.splitlines()) == ["[0] rank 0 of 2 has 1", "[1] rank 1 of 2 has 1"]


def test_a_rank_cannot_start_all_ranks_again(tmp_path: Path) -> None:
    """Each would start all of them, and each of these too: a machine would drown in processes."""
    payload = tmp_path / "payload.pyz"
    payload.write_bytes(build_payload().data)
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), str(payload))
    folder = RunFolder(machine, new_run_id())
    folder.claim()
    folder.furnish()
    asked = {"type": "pytorch", "processes": 2, "parameter_servers": 0}
    spec = {"run": folder.run_id, "command": ["true"], "grace": 1.0, "distribution": asked}
    argv = distributed(str(payload), folder, spec, sys.executable)["command"]
    again = {**os.environ, "WORKBENCH_RANKS": str(folder.inside("ranks.plan"))}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=again)
    assert done.returncode == 125
    assert "is to start all ranks" in done.stderr
