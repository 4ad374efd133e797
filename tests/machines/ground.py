"""A machine of its own for a test: a root, a lease folder and the payload, with runs as real processes.

`ground` is the fixture. Whatever a run of it left behind is ended when the test ends, by pid and start time.
"""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.settled import compiled_payload
from workbench.compute.payload import build_payload
from workbench.remote import compiled
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import process_trees
from workbench.remote.processes.process_trees import Identity
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.stream import read_stream
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import observed
from workbench.remote.supervision.submission import submit

DEADLINE = 90.0
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_numbers = itertools.count(1)


def new_run_id() -> str:
    """A run id nobody else has."""
    return "01" + "".join(secrets.choice(ALPHABET) for _ in range(24))


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """The first true value of condition(), waited for at most DEADLINE seconds."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE} s for {what}")
        time.sleep(0.01)
    return value


class Ground:
    """Runs on a machine of one test."""

    def __init__(self, folder: Path, boot: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        payload = folder / "payload.pyz"
        payload.write_bytes(build_payload().data)
        self.machine = Machine(str(folder / "root"), str(folder / "leases"), str(payload), boot)
        self.runs: list[str] = []

    def spec(self, run: str, command: Any, **changes: Any) -> dict[str, Any]:
        """A spec that says the least."""
        return {
            "v": 1,
            "run": run,
            "attempt": 1,
            "workspace": "home",
            "submitted_by": "ann",
            "name": f"calm-otter-{next(_numbers)}",
            "experiment": "mnist",
            "snapshot": None,
            "command": command,
            "gpus": None,
            "grace": 1.0,
            **changes,
        }

    def submit(self, command: Any, *, secrets: dict[str, str] | None = None, **changes: Any) -> str:
        """Submit a run and return its id."""
        run = new_run_id()
        self.runs.append(run)
        answer = submit(self.machine, run, self.spec(run, command, **changes), secrets or {})
        assert answer["already"] is False
        return run

    def folder_of(self, run: str) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.machine, run)

    def path(self, run: str, name: str) -> Path:
        """A file of the run's folder."""
        return Path(self.folder_of(run).inside(name))

    def status(self, run: str) -> dict[str, Any]:
        """The run's status now."""
        status = observed(self.machine, run)
        assert status is not None
        return status

    def state(self, run: str) -> str:
        """The run's state now."""
        return run_status.state_of(self.status(run))

    def wait(self, run: str, *states: str) -> dict[str, Any]:
        """The status once the run is in one of the states; in a terminal one when none is named."""
        wanted = states or tuple(protocol.TERMINAL)

        def there() -> dict[str, Any] | None:
            status = self.status(run)
            state = run_status.state_of(status)
            if state in wanted:
                return status
            assert state not in protocol.TERMINAL, f"{status['transitions']} while waiting for {wanted}"
            return None

        found: dict[str, Any] = until(there, f"{run} to be {wanted}")
        return found

    def finish(self, command: Any, **changes: Any) -> tuple[dict[str, Any], bytes]:
        """Run a command to its end: its status and its whole output."""
        run = self.submit(command, **changes)
        status = self.wait(run)
        return status, self.output(run)

    def output(self, run: str) -> bytes:
        """All that the run wrote so far and is kept."""
        found, offset = b"", 0
        while True:
            at, body, _ = read_stream(self.folder_of(run).path, offset, 1 << 20)
            if not body:
                return found
            found, offset = found + body, at + len(body)

    def identity(self, run: str, who: str) -> Identity:
        """Who looks after the run: guard, supervisor or child, once that is known."""
        found: Identity = until(lambda: run_status.identity_of(self.status(run), who), who)
        return found

    def kill(self, run: str, *who: str) -> None:
        """Kill guard or supervisor, as the out-of-memory killer would."""
        victims = [self.identity(run, one) for one in who]
        for pid, _ in victims:  # both stopped first, so that neither sees the other's end
            os.kill(pid, signal.SIGSTOP)
        for pid, _ in victims:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(process_trees.alive(*victim) for victim in victims), "the killed to be gone")

    def noted(self, run: str, name: str) -> Identity:
        """A process of the run that wrote its pid to a file of this name in the run's folder."""
        path = self.path(run, name)
        pid = int(until(lambda: path.exists() and path.read_text().strip(), name))
        found = process_trees.identity(pid)
        assert found is not None
        return found

    def close(self) -> None:
        """End what the test's runs left."""
        for run in self.runs:
            folder = self.folder_of(run)
            try:
                status = cancel(self.machine, run, 0.0)
            except FileNotFoundError:
                continue
            remains = folder.read_tree()
            keepers = [run_status.identity_of(status, who) for who in ("guard", "supervisor")]
            living = [keeper for keeper in keepers if keeper and process_trees.alive(*keeper)]
            deadline = time.monotonic() + 20
            while any(process_trees.alive(*keeper) for keeper in living) and time.monotonic() < deadline:
                time.sleep(0.01)
            left = process_trees.remains_of(run, [*remains, *[keeper for keeper in keepers if keeper]])
            process_trees.end_tree(left, 0.0)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """A machine of this test's own, its payload compiled as on any machine that had a link for some seconds."""
    made = Ground(tmp_path / "machine")
    Path(compiled.compiled_path(made.machine.payload)).write_bytes(compiled_payload())
    yield made
    made.close()


@pytest.fixture(autouse=True)
def untagged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may themselves be a run's: its tag must not reach the runs they start."""
    for name in (protocol.ENV_RUN_ID, protocol.ENV_RUN_DIR, process_trees.ENV_GUARD):
        monkeypatch.delenv(name, raising=False)


def all_bytes(folder: Path) -> bytes:
    """Everything in all files below a folder, with their names."""
    found = b""
    for path in sorted(folder.rglob("*")):
        found += os.fsencode(path)
        if path.is_file() and not path.is_symlink():
            found += path.read_bytes()
    return found
