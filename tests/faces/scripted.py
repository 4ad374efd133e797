"""A small scripted world behind the command line: a workspace that answers from plain values."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.faces.asked import Asked
from tests.faces.fixed_runs import ago, make_experiment, one_of_five
from workbench.cli.terminal import Terminal
from workbench.errors import NotFound
from workbench.home import Home
from workbench.workspace import Workspace

TTY = Terminal(stdout=True, stderr=True, cells=80, lines=24, colour=False, ascii_only=False)
PIPE = Terminal(stdout=False, stderr=False, cells=100_000, lines=24, colour=False, ascii_only=False)


def figures(last: float, low: float, high: float) -> dict[str, Any]:
    """A metric in a run's row."""
    return {"last": last, "min": low, "max": high, "count": 100, "last_step": 99}


RUNS = [
    one_of_five(
        42,
        metrics={"loss": figures(0.0412, 0.0401, 2.3), "acc": figures(0.981, 0.1, 0.982)},
        command="python train.py --lr 3e-4",
        submitted_by="ann@laptop",
        git={"commit": "0123456789abcdef", "branch": "main", "dirty": True},
    ),
    one_of_five(41, as_of=ago(minutes=2)),
    one_of_five(
        40,
        metrics={"loss": figures(0.0398, 0.0398, 2.4), "acc": figures(0.983, 0.1, 0.983)},
        description="best so far",
    ),
    one_of_five(39),
    one_of_five(38, metrics={"loss": figures(float("nan"), 0.1, 2.4)}),
]
TARGETS = [
    {
        "name": "gpu1",
        "kind": "ssh",
        "created": ago(days=9),
        "state": "connected",
        "last_seen": ago(seconds=1),
        "settings": {"address": "ann@gpu1.lab.example", "transport": "asyncssh", "gpus": 1, "grace": 10.0},
        "facts": {
            "hostname": "gpu1",
            "cpus": 64,
            "memory": 540 << 30,
            "user": "ann",
            "gpus": [{"uuid": f"GPU-{n}", "name": "NVIDIA A100", "memory": 80 << 30} for n in range(4)],
        },
        "default": True,
    },
    {
        "name": "lab-7",
        "kind": "ssh",
        "created": ago(days=9),
        "state": "unreachable",
        "last_seen": ago(hours=3),
        "settings": {"address": "lab-7"},
        "facts": {"gpus": []},
        "default": False,
        "problem": "the connection was refused; is sshd running there?",
    },
    {
        "name": "local",
        "kind": "local",
        "created": ago(days=9),
        "state": "idle",
        "settings": {},
        "facts": {},
        "default": False,
    },
]
EXPERIMENTS = [make_experiment(1, "mnist", tags={"team": "vision"}, runs=42)]


class World(Asked):
    """The services: answers by "noun.method", from values or functions of the parameters; calls are kept."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.answers = {
            "runs.list": self._list,
            "runs.get": self.run,
            "runs.texts": {},
            "runs.rows": {},
            "runs.evaluations": {},
            "runs.logged": [],
            "runs.envelope": [],
            "runs.warnings": [],
            "runs.git_diff": {},
            "models.versions": [],
            "runs.submit": RUNS[0],
            "runs.log_place": lambda run, **_: {"run": run, "offset": 0},
            "runs.download": lambda path, **_: [path.encode()],
            "runs.snapshot_zip": [b"PK"],
            "snapshots.known": {"known": True},
            "compute.list": TARGETS,
            "compute.pools": [],
            "workspace.meaning": {},
            "compute.get": lambda name: find(TARGETS, name),
            "experiments.list": EXPERIMENTS,
            "experiments.get": lambda name: find(EXPERIMENTS, name),
            **{name.replace("__", "."): value for name, value in answers.items()},
        }

    def open(self, folder: Path, name: str | None = None) -> Workspace:
        """A workspace whose services these are; what it keeps on this side is in folder."""
        return Workspace(self, Home(folder, folder), name or "default")

    @property
    def submitted(self) -> list[dict[str, Any]]:
        """The parameters of each submit."""
        return self.asked("runs.submit")

    def _list(self, active: bool | None = None, limit: int = 50, **_: Any) -> list[dict[str, Any]]:
        ended = ("Completed", "Failed", "Canceled")
        return [run for run in RUNS if not active or run["status"] not in ended][:limit]

    def run(self, run: str, **_: Any) -> dict[str, Any]:
        """The run of a name, id or @1; raises NotFound."""
        for found in RUNS:
            if run in (found["name"], found["id"]):
                return found
        if run == "@1":
            return RUNS[0]
        raise NotFound(f"no run answers to {run!r}", "wb ps lists them")

    def _answer(self, noun: str, method: str, parameters: dict[str, Any]) -> Any:
        given = self.note(noun, method, parameters)
        answer = self.answers[f"{noun}.{method}"]
        answer = answer(**given) if callable(answer) else answer
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value."""
        return self._answer(noun, method, parameters)

    def items(self, noun: str, method: str, **parameters: Any) -> Iterator[Any]:
        """Values; an exception among them is raised when it is reached."""
        for item in self._answer(noun, method, parameters):
            if isinstance(item, BaseException):
                raise item
            yield item

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Blocks of bytes, as items."""
        yield from self.items(noun, method, **parameters)

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """One value for bytes, which are kept."""
        self.sent += b"".join(source)
        return self._answer(noun, method, parameters)

    def close(self) -> None:
        """Noted."""
        self.closed = True


class AsyncWorld:
    """The same world for a command that does several things at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value."""
        return self._world.call(noun, method, **parameters)

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values; an exception among them is raised when it is reached."""
        for item in self._world.items(noun, method, **parameters):
            yield item

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Blocks of bytes."""
        for item in self._world.read(noun, method, **parameters):
            yield item

    async def write(self, noun: str, method: str, source: AsyncIterable[bytes], **parameters: Any) -> Any:
        """One value for bytes, which are kept."""
        return self._world.write(noun, method, [block async for block in source], **parameters)

    async def aclose(self) -> None:
        """Nothing is held."""


def find(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of that name; raises NotFound."""
    for row in rows:
        if row["name"] == name:
            return row
    raise NotFound(f"there is no {name!r}")
