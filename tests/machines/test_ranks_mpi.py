"""Ranks that mpirun starts, and what they find where there is none (AZ-148)."""

from __future__ import annotations

import json
import os

from tests.machines.ground import Ground, ground, untagged
from tests.machines.test_ranks import VARIABLES, asks, last, log_of, python
from workbench.remote.processes import process_trees
from workbench.remote.supervision.cancel import cancel

__all__ = ["ground", "untagged"]


def test_mpirun_starts_the_ranks_where_there_is_one(ground: Ground) -> None:
    """Programs of MPI find each other through it alone; logs, variables and words are as everywhere."""
    code = "import os\nprint(os.environ['OMPI_COMM_WORLD_RANK'], len(os.sched_getaffinity(0)))\n" + VARIABLES
    code += "assert os.environ['PMIX_NAMESPACE']\nif os.environ['RANK'] == '1': raise SystemExit(6)\n"
    code += "import time\ntime.sleep(1000)\n"
    run = ground.submit(python(code), distribution=asks(3, "mpi"))
    end = last(ground.wait(run))
    assert (end["exit_code"], end["message"]) == (6, "rank 1 of 3 failed first: exit code 6"), ground.output(
        run
    )
    for rank in range(3):
        first, second = log_of(ground, run, rank).splitlines()[:2]
        assert first == f"{rank} {len(os.sched_getaffinity(0))}", "no rank is tied to one core"
        told = json.loads(second)
        assert (told["RANK"], told["WORLD_SIZE"], told["LOCAL_RANK"]) == (str(rank), "3", str(rank))
    assert b"[1] 1 " in ground.output(run)


def test_a_cancel_ends_what_mpirun_started(ground: Ground) -> None:
    code = (
        "import os, time\nplace = os.environ['WORKBENCH_RUN_DIR'] + '/pid' + os.environ['RANK']\n"
        "open(place, 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    )
    run = ground.submit(python(code), distribution=asks(2, "mpi"), grace=1.0)
    everyone = [ground.noted(run, f"pid{rank}") for rank in range(2)]
    cancel(ground.machine, run)
    assert last(ground.wait(run))["state"] == "Canceled"
    assert not any(process_trees.alive(*one) for one in everyone)


def test_without_mpirun_the_ranks_have_open_mpis_variables(ground: Ground) -> None:
    """AZ-127: enough for what only reads them; that MPI itself is not there is said."""
    run = ground.submit(
        python(VARIABLES), distribution=asks(2, "mpi"), environment_variables={"PATH": "/nowhere"}
    )
    assert last(ground.wait(run))["state"] == "Completed"
    two = json.loads(log_of(ground, run, 1))
    assert (two["OMPI_COMM_WORLD_RANK"], two["OMPI_COMM_WORLD_SIZE"], two["RANK"]) == ("1", "2", "1")
    assert two["OMPI_COMM_WORLD_LOCAL_RANK"] == "1"
    assert b"there is no mpirun on PATH" in ground.output(run)
