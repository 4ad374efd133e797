"""What each process of a distributed run finds in its environment. Pure."""

import json
from typing import Any, Dict, List, Tuple

HERE = "127.0.0.1"
PYTORCH, TENSORFLOW, MPI = "pytorch", "tensorflow", "mpi"
MOST = 1024


class Layout(object):
    """How many processes of which kind there are. Raises ValueError for what cannot be."""

    def __init__(self, asked: Dict[str, Any]) -> None:
        self.type = str(asked.get("type"))
        self.processes = int(asked.get("processes", 1))
        self.servers = int(asked.get("parameter_servers") or 0)
        if self.type not in (PYTORCH, TENSORFLOW, MPI):
            raise ValueError("a distribution of type %.40r" % (self.type,))
        if not 1 <= self.processes <= MOST or not 0 <= self.servers < self.processes:
            raise ValueError("a distribution of %d processes" % self.processes)

    @property
    def ports(self) -> int:
        """How many free ports its processes need."""
        return self.processes if self.type == TENSORFLOW else 1

    def role(self, rank: int) -> Tuple[str, int]:
        """What TensorFlow calls a rank: workers come first, then the parameter servers."""
        workers = self.processes - self.servers
        return ("worker", rank) if rank < workers else ("ps", rank - workers)


def variables_of(layout: Layout, rank: int, ports: List[int]) -> Dict[str, str]:
    """The variables of one rank. ports: as many as the layout needs."""
    found = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": layout.processes,
        "LOCAL_WORLD_SIZE": layout.processes,
        "NODE_RANK": 0,
        "GROUP_RANK": 0,
        "MASTER_ADDR": HERE,
        "MASTER_PORT": ports[0],
    }  # type: Dict[str, Any]
    if layout.type == MPI:
        found.update(
            OMPI_COMM_WORLD_RANK=rank,
            OMPI_COMM_WORLD_LOCAL_RANK=rank,
            OMPI_COMM_WORLD_SIZE=layout.processes,
            OMPI_COMM_WORLD_LOCAL_SIZE=layout.processes,
            OMPI_COMM_WORLD_NODE_RANK=rank,
        )
    if layout.type == TENSORFLOW:
        found["TF_CONFIG"] = _tf_config(layout, rank, ports)
    return {name: str(value) for name, value in found.items()}


def _tf_config(layout: Layout, rank: int, ports: List[int]) -> str:
    cluster = {"worker": []}  # type: Dict[str, List[str]]
    for number, port in enumerate(ports):
        cluster.setdefault(layout.role(number)[0], []).append("%s:%d" % (HERE, port))
    kind, index = layout.role(rank)
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}, sort_keys=True)
