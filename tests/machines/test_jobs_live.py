"""Job files whole, through `wb`, on a real sshd: data in, processes that meet, outputs kept; saved configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

TRAIN = """
import os, socket, sys, time
points, out = sys.argv[1], sys.argv[2]
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
mine = sum(int(line) for line in open(points).read().split()[rank::size])
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
from workbench import Run
run = Run.get_context()
run.log("part", mine)
if rank == 0:
    server = socket.create_server(place)
    total = mine + sum(int(server.accept()[0].recv(64)) for _ in range(size - 1))
    open(os.path.join(out, "total.txt"), "w").write(str(total))
    assert os.environ["AZUREML_DATAREFERENCE_points"] == points
else:
    while True:
        try:
            socket.create_connection(place).sendall(b"%d" % mine)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
print("rank", rank, "saw", mine)
"""
JOB = """\
type: command
experiment_name: sums
code: src
command: python train.py ${{inputs.points}} ${{outputs.total}}
inputs:
  points: points.txt
outputs:
  total: {type: uri_folder, name: totals}
distribution: {type: pytorch, process_count_per_instance: 2}
resources: {cpus: 2}
"""


@pytest.fixture
def user(make_wb: Callable[..., Wb], server: SshServer) -> Wb:
    wb = make_wb()
    attach(wb, server)
    return wb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "train.py").write_text(TRAIN)
    (folder / "points.txt").write_text("1\n2\n3\n4\n")
    (folder / "job.yml").write_text(JOB)
    return folder


def test_a_job_file_brings_data_starts_ranks_and_keeps_what_they_made(user: Wb, project: Path) -> None:
    """AZ-57, AZ-58, AZ-148: data from here, two processes that meet over there, a folder that is a dataset."""
    run = user("submit", "job.yml", "--wait", cwd=project).strip()
    assert user.show(run)["status"] == "Completed", user("logs", run)
    assert sorted(user("logs", run).splitlines()) == ["[0] rank 0 saw 4", "[1] rank 1 saw 6"]
    assert user("logs", run, "--rank", "1") == "rank 1 saw 6\n"
    listed = user("logs", run, "--list")
    assert "logs/rank-0.log" in listed
    assert "logs/rank-1.log" in listed
    parts = {row["rank"]: row["last"] for row in user.json("run", "metrics", run) if row["name"] == "part"}
    assert parts == {0: 4.0, 1: 6.0}
    made = user.json("data", "show", "totals")
    assert (made["version"], made["run"]) == (1, run), made
    user("run", "download", run, "outputs/total/total.txt", "--to", str(project / "here.txt"))
    assert (project / "here.txt").read_text() == "10"

    words = ("run", "rerun", run, "--set", "distribution.process_count_per_instance=3", "--wait")
    again = user(*words).strip()
    assert user("logs", again, "--rank", "2") == "rank 2 saw 3\n"
    assert user.json("data", "show", "totals")["version"] == 2, "what it makes is the next version"


def test_a_rank_that_fails_is_named_by_the_run(user: Wb, project: Path) -> None:
    words = ("--distribution", "mpi:2", "--", "sh", "-c", "test $RANK = 1 && exit 9; sleep 1000")
    run = user("submit", *words, cwd=project).strip()
    shown = user.wait(run)
    assert (shown["status"], shown["exit_code"]) == ("Failed", 9)
    assert shown["message"] == "rank 1 of 2 failed first: exit code 9"


def test_a_saved_configuration_runs_on_a_machine_of_ones_own(user: Wb, project: Path) -> None:
    """AZ-126, AZ-129: chosen by name, with a script and an experiment on the command line."""
    saved = project / "src" / ".azureml"
    saved.mkdir()
    (saved / "plain.runconfig").write_text(
        "script: other.py\narguments: [--lr, 3e-4]\ntarget: m1\nframework: Python\n"
        "environment:\n  python: {userManagedDependencies: true, interpreterPath: python}\n"
        "  environmentVariables: {SAID: yes}\n"
    )
    (project / "src" / "say.py").write_text("import os, sys\nprint(os.environ['SAID'], *sys.argv[1:])\n")
    words = ("submit", "-c", "plain", "-e", "exp", "say.py", "--wait")
    run = user(*words, cwd=project / "src").strip()
    assert user.show(run)["experiment"] == "exp"
    assert user("logs", run) == "yes --lr 3e-4\n"
