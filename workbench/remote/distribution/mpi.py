"""MPI's own launcher, where the machine has one: programs of MPI find each other through nothing else.

mpirun starts a launcher of ours for each rank, which gives that the variables and the log every rank has.
Without it the ranks are started like all others, with the variables of Open MPI: right for programs that only
read those, and said in the output, since MPI itself would see each process alone.
"""

import os
import sys
from typing import Dict, Optional

from workbench.remote.distribution.plan import PROGRAM, Plan
from workbench.remote.distribution.ports import Ports
from workbench.remote.distribution.variables import HERE
from workbench.remote.processes.launch import find_program
from workbench.remote.starting import argv_of

PROGRAMS = ("mpirun", "mpiexec")
RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
# More ranks than cores may run, none is tied to one core, and root may start them, as in containers.
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}


def hand_over(plan, environment):
    # type: (Plan, Dict[str, str]) -> None
    """Become mpirun, where there is one; returns when there is none. Raises OSError, NoPort."""
    program = find(environment.get("PATH") or os.defpath)
    if program is None:
        words = "workbench: there is no mpirun on PATH: the ranks get Open MPI's variables, and no MPI\n"
        sys.stdout.write(words)
        sys.stdout.flush()
        return
    ports = Ports(1)
    ports.hand_on()
    found = dict(SETTINGS, **environment)
    found.update(MASTER_ADDR=HERE, MASTER_PORT=str(ports.numbers[0]))
    launcher = argv_of(sys.path[0], [PROGRAM, plan.path, "one"])  # from where this very program is
    argv = [program, "-np", str(plan.layout.processes)] + launcher
    os.execve(program, argv, found)


def find(path):
    # type: (str) -> Optional[str]
    """MPI's launcher, by a search path."""
    for name in PROGRAMS:
        program = find_program(name, path, os.getcwd())
        if program is not None:
            return program
    return None


def rank_of(environment):
    # type: (Dict[str, str]) -> int
    """Which rank mpirun made this process. Raises ValueError."""
    for name in RANKS:
        if environment.get(name, "").isdigit():
            return int(environment[name])
    raise ValueError("mpirun does not say which rank this is")
